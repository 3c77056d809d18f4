"""What a training tells while it runs: plain data, for a progress bar, a plot or a test."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stage:
    """Work outside the loop has begun; `what` says which, for people."""

    what: str


@dataclass(frozen=True)
class Start:
    """The loop is about to begin."""

    steps: int
    rows: int
    validation_rows: int
    parameters: int
    steps_done: int
    """Those that an earlier, unfinished training has done."""
    unit: str = "rows"
    """What the rows are called: rows, tokens."""


@dataclass(frozen=True)
class Step:
    """One optimizer step of `steps`. `loss` is a running mean; `seconds_left` counts to the last step."""

    step: int
    steps: int
    epoch: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Epoch:
    """All training rows were read once more.

    `metrics` are those of the validation rows, {} without any; `best` says that they chose this epoch over all before.
    """

    epoch: int
    training_loss: float
    metrics: dict[str, Any]
    score: float | None
    best: bool
    seconds: float


@dataclass(frozen=True)
class Sample:
    """What a language model writes at this point of its training."""

    text: str


@dataclass(frozen=True)
class Done:
    """The loop has ended. `reason` says why, for people."""

    reason: str
    best_epoch: int
    chosen: bool
    """Whether the validation rows chose that epoch; it is the last one otherwise."""
    seconds: float


Event = Stage | Start | Step | Epoch | Sample | Done
