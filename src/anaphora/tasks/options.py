"""The options that every training has."""

from dataclasses import dataclass

from anaphora.config import Config, option


@dataclass(frozen=True)
class TrainingOptions(Config):
    """How long, how fast and how carefully a network is trained."""

    epochs: int = option(6, "the most times that all training rows are read", at_least=1)
    batch_size: int = option(64, "rows in one step", at_least=1)
    learning_rate: float = option(3e-3, "AdamW's largest step, reached after a quarter of the training", at_least=0)
    weight_decay: float = option(0.05, "AdamW's pull of the weights towards zero", at_least=0)
    clip: float = option(1.0, "the largest norm of the gradient; above it the gradient is scaled down", at_least=0)
    patience: int = option(3, "stop after this many epochs in a row without a better score", at_least=1)
    validation: float = option(
        0.1,
        "share of the rows that choose the best epoch and are not trained on; 0 keeps the last epoch",
        at_least=0,
        below=1,
    )
    seed: int = option(0, "the same seed on the same machine gives the same model", at_least=0)
