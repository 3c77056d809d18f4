"""The options that every training has."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from anaphora.config import Config, option
from anaphora.errors import OptionError, in_words

OPTIMIZERS = ("adamw", "adam", "sgd", "asgd")
PRECISIONS = ("auto", "float32", "bfloat16")
SCHEDULES = ("one-cycle", "cosine", "constant")
ENOUGH_TO_CHOOSE = 200
"""So many validation rows tell epochs apart; fewer mislead (measured: docs/decisions.md)."""
FEWEST_STEPS = 400
DECAYED: dict[str, Any] = {"schedule": "one-cycle", "weight_decay": 1e-6}
SUITS: dict[str, dict[str, Any]] = {
    "adamw": {"schedule": "one-cycle", "weight_decay": 0.05},
    "adam": DECAYED,
    "sgd": DECAYED,
    "asgd": DECAYED | {"schedule": "constant"},
}
"""What suits an optimizer. In AdamW the weight decay stands beside the gradient; in the others it is a part of it, and
0.05 would be the larger one. 1e-6 is nearly that of Merity et al. 2018, who average at a constant rate.
"""


@dataclass(frozen=True)
class FineTuning:
    """How the layers of a network learn beside one another, where the lower ones have learned before (Howard & Ruder
    2018, section 3.3).
    """

    unfreeze: bool = False
    """Whether the highest learns alone at first, and the others join it from the top down."""
    layer_rate: float = 1.0
    """How much faster each learns than the one below it."""


@dataclass(frozen=True)
class TrainingOptions(Config):
    """How long, how fast and how carefully a network is trained."""

    epochs: int = option(None, "how often all training rows are read", at_least=1)
    steps: int = option(None, "optimizer steps in all, in the place of epochs", at_least=1)
    minutes: float = option(
        None,
        "fit the training into this time: the machine is measured once, and a number of steps fixed",
        at_least=0.01,
    )
    batch_size: int = option(None, "rows in one step", at_least=1)
    optimizer: str = option(
        "adamw",
        "how the gradient becomes a step; asgd is plain SGD, and the mean of its weights once the score stops rising",
        choices=OPTIMIZERS,
    )
    schedule: str = option(None, "how the learning rate changes while training", choices=SCHEDULES)
    learning_rate: float = option(3e-3, "the largest step; SGD wants a larger one, such as 0.5", at_least=1e-9)
    weight_decay: float = option(None, "pull of the weights towards zero", at_least=0)
    clip: float = option(1.0, "the largest norm of the gradient; above it the gradient is scaled down", at_least=1e-9)
    patience: int = option(3, "stop after this many epochs in a row without a better score", at_least=1)
    validation: float = option(
        0.1,
        f"share of the rows that are scored, not trained on; {ENOUGH_TO_CHOOSE} or more of them choose the best epoch, "
        "fewer would choose by chance, and the last one is kept",
        at_least=0,
        below=1,
    )
    precision: str = option(
        "auto",
        "what the recurrent layers multiply in, on a CPU: auto is bfloat16 where the processor is faster with it, else "
        "float32; sums, states and the weights themselves are float32",
        choices=PRECISIONS,
    )
    seed: int = option(0, "the same seed on the same machine gives the same model", at_least=0)

    def resolved(self, rows: int) -> Self:
        """These options with a value for each that was left to the number of training rows."""
        lengths = [name for name in ("epochs", "steps", "minutes") if getattr(self, name) is not None]
        if len(lengths) > 1:
            raise OptionError(f"{in_words(lengths)} each say how long to train: give one of them")
        suited = SUITS[self.optimizer] | dict(self.suited(rows))
        chosen = {name: value for name, value in suited.items() if getattr(self, name) is None}
        options = replace(self, **chosen)
        steps = options.steps_of_an_epoch(rows)
        enough = max(options.epochs, math.ceil(FEWEST_STEPS / max(1, steps)))
        return options if "epochs" not in chosen else replace(options, epochs=enough)

    def steps_of_an_epoch(self, targets: int) -> int:
        """Optimizer steps in which all training rows are read once, more or less."""
        return math.ceil(targets / self.batch_size)

    def networks(self) -> int:
        """How many are trained, one after the other."""
        return 1

    def fine_tuning(self) -> FineTuning:
        """Networks that begin at random learn in all layers alike."""
        return FineTuning()

    def rows_learn_alone(self) -> bool:
        """Whether a token's vector learns as if the steps that read it were all; otherwise it learns faster where it is
        rare (`train/rows.py`).
        """
        return True

    def suited(self, rows: int) -> Mapping[str, Any]:
        """What suits a number of rows, for every option that is None by default and that no optimizer suits."""
        return {"epochs": 20, "batch_size": 32}


@dataclass(frozen=True)
class EnsembleOptions(TrainingOptions):
    """How many networks answer."""

    ensemble: int = option(
        1, "networks that start differently and answer together, by the mean of their answers", at_least=1, at_most=100
    )

    def networks(self) -> int:
        return self.ensemble
