"""What a task is, and the options that every training has.

A task turns a person's rows into a network's arrays and the network's outputs into answers. It is a frozen object that
holds the options and what was learned from the training rows (labels, vocabulary, scales). It uses NumPy only: what
differs between training and running is inside the network's blocks.

Everything about a task is in one folder, `tasks/NAME/`; `anaphora.tasks` says what its `__init__` holds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, ClassVar, Protocol, Self

from anaphora.config import Config, option
from anaphora.data.batch import Examples
from anaphora.errors import OptionError, in_words
from anaphora.extras import load_name
from anaphora.net.blocks import Spec
from anaphora.net.build import Arrays
from anaphora.tasks import package


class Task(Protocol):
    """What training, running, saving and scoring need to know of a task."""

    name: ClassVar[str]
    unit: ClassVar[str]
    """What its training examples are called in messages: rows, tokens, windows."""
    example: ClassVar[str]
    """One line of Python that uses a model, for the model card."""
    note: ClassVar[str]
    """What a person who passes the model on should know, for the model card."""
    card_scores: ClassVar[tuple[str, ...]]
    """The names of the scores that the model card shows."""
    recipe: ClassVar[ModuleType]
    """The module whose `forward` joins the network's blocks."""

    @property
    def options(self) -> Any:
        """The options, each with a value."""

    @property
    def estimator(self) -> str:
        """The public name of the estimator that runs this model."""

    def spec(self) -> Spec:
        """The blocks of the network, with all sizes. The block `loss` is what training minimises."""

    def start(self, arrays: Arrays, training: Any) -> Arrays:
        """The initial weights: the random ones given, or better ones computed from the training examples."""

    def metrics(self, target_scores: Any, targets: Any) -> dict[str, Any]:
        """Scores from what the loss block's `target_scores` returned for every target, and the encoded targets."""

    def score(self, metrics: Mapping[str, Any]) -> float:
        """The one number that selects the best epoch; larger is better."""

    def facts(self) -> dict[str, Any]:
        """What a person should know of what was learned, for the model card; also identifies a resumed training."""

    def learned(self) -> dict[str, Any]:
        """What `learn` found, as JSON; with `files()` and the options it makes the task again."""

    def files(self) -> Mapping[str, bytes]:
        """The task's own files in a saved model, by name: a tokenizer, for example."""

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """The task of a saved model. Raises ValueError, KeyError or TypeError where the data do not fit together."""


class RowTask(Task, Protocol):
    """A task whose rows have one answer each, or a sequence of answers each."""

    @property
    def ragged(self) -> bool:
        """Whether a row's answer is a sequence."""

    @classmethod
    def learn(cls, options: Any, rows: Sequence[Any], targets: Sequence[Any]) -> Self:
        """Learn what must be known before training, from the training rows and nothing else."""

    def encode(self, rows: Sequence[Any], targets: Sequence[Any] | None = None) -> Examples:
        """A person's rows and targets -> the network's inputs and targets."""

    def blank(self) -> Any:
        """An empty row."""

    def answers(self, decoded: Any) -> Any:
        """What the loss block's `decode` returned -> answers in a person's unit, in NumPy."""


def task_class(name: str) -> type[Task]:
    """The class of a task by its name in a saved model. Raises KeyError."""
    kind: type[Task] = load_name(package(name).TASK)
    return kind


OPTIMIZERS = ("adamw", "adam", "sgd")
PRECISIONS = ("auto", "float32", "bfloat16")
SCHEDULES = ("one-cycle", "cosine", "constant")
ENOUGH_TO_CHOOSE = 200
"""Validation rows from which on they select the best epoch; fewer select by chance (docs/decisions.md)."""
MIN_STEPS = 400
COUPLED_DECAY: dict[str, Any] = {"schedule": "one-cycle", "weight_decay": 1e-6}
DEFAULTS: dict[str, dict[str, Any]] = {
    "adamw": {"schedule": "one-cycle", "weight_decay": 0.05},
    "adam": COUPLED_DECAY,
    "sgd": COUPLED_DECAY,
}
"""Defaults that follow from the optimizer. AdamW decays weights separately from the gradient; in the others decay is a
part of the gradient, where 0.05 would outweigh the loss.
"""


@dataclass(frozen=True)
class TrainingOptions(Config):
    """How long, how fast and how carefully a network is trained."""

    epochs: int = option(None, "how often all training rows are read", at_least=1)
    steps: int = option(None, "optimizer steps in all, instead of epochs", at_least=1)
    minutes: float = option(
        None,
        "fit the training into this time: the speed is measured once, which fixes the number of steps",
        at_least=0.01,
    )
    batch_size: int = option(None, "rows in one step", at_least=1)
    optimizer: str = option("adamw", "how the gradient becomes a step", choices=OPTIMIZERS)
    schedule: str = option(None, "how the learning rate changes during training", choices=SCHEDULES)
    learning_rate: float = option(3e-3, "the largest step size; SGD needs a larger one, such as 0.5", at_least=1e-9)
    weight_decay: float = option(None, "pull of the weights towards zero", at_least=0)
    clip: float = option(1.0, "the largest norm of the gradient; a larger gradient is scaled down", at_least=1e-9)
    patience: int = option(3, "stop after this many epochs in a row without a better score", at_least=1)
    validation: float = option(
        0.1,
        f"share of the rows that are scored instead of trained on; {ENOUGH_TO_CHOOSE} or more of them select the best "
        "epoch, with fewer the last epoch is kept",
        at_least=0,
        below=1,
    )
    precision: str = option(
        "auto",
        "number format of the products in recurrent layers on a CPU: auto is bfloat16 where the processor multiplies "
        "it faster, else float32; sums, states and weights are always float32",
        choices=PRECISIONS,
    )
    seed: int = option(0, "the same seed on the same machine gives the same model", at_least=0)

    def resolved(self, rows: int) -> Self:
        """These options with a value for each whose default depends on the number of training rows."""
        lengths = [name for name in ("epochs", "steps", "minutes") if getattr(self, name) is not None]
        if len(lengths) > 1:
            raise OptionError(f"{in_words(lengths)} all set the length of the training: give one of them")
        defaults = DEFAULTS[self.optimizer] | dict(self.defaults_for(rows))
        chosen = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        options = replace(self, **chosen)
        steps = options.steps_of_an_epoch(rows)
        enough = max(options.epochs, math.ceil(MIN_STEPS / max(1, steps)))
        return options if "epochs" not in chosen else replace(options, epochs=enough)

    def steps_of_an_epoch(self, targets: int) -> int:
        """Optimizer steps that read all training rows once, about."""
        return math.ceil(targets / self.batch_size)

    def networks(self) -> int:
        """How many networks are trained, one after the other."""
        return 1

    def layer_rate_factor(self) -> float:
        """How much faster each layer learns than the one below it; 1 for networks with random initial weights."""
        return 1.0

    def per_row_bias_correction(self) -> bool:
        """Whether Adam's bias correction counts each embedding row's own updates (`train/sparse_adam.py`)."""
        return True

    def defaults_for(self, rows: int) -> Mapping[str, Any]:
        """Values for a number of rows, for every option whose default is None and that no optimizer sets."""
        return {"epochs": 20, "batch_size": 32}


@dataclass(frozen=True)
class EnsembleOptions(TrainingOptions):
    """How many networks answer."""

    ensemble: int = option(
        1, "networks with different initial weights, whose answers are averaged", at_least=1, at_most=100
    )

    def networks(self) -> int:
        return self.ensemble
