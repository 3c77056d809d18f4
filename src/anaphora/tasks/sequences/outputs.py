"""The outputs of sequences: labels, or numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.data.labels import Labels
from anaphora.net.losses import Loss, SquaredError
from anaphora.tasks.sequences.scale import Scale


class Output(Protocol):
    """What is predicted of a row, or of each of its steps."""

    estimator: ClassVar[str]
    """The public name of the estimator."""

    @classmethod
    def learn(cls, targets: Sequence[Any]) -> Self:
        """Learn from all training targets, one entry each."""

    @property
    def size(self) -> int:
        """The width of the network's output."""

    def loss(self, options: Any) -> Loss:
        """The loss block."""

    def encode(self, targets: Any) -> NDArray[Any]:
        """Targets `[N, ...]` as the loss takes them."""

    def answers(self, decoded: NDArray[Any]) -> NDArray[Any]:
        """Decoded outputs `[N, size]` in a person's unit."""

    def metrics(self, target_scores: NDArray[Any], targets: NDArray[Any]) -> dict[str, Any]:
        """Metrics of decoded outputs against encoded targets."""

    def score(self, metrics: Mapping[str, Any]) -> float:
        """The number that selects the best epoch; larger is better."""

    def to_dict(self) -> dict[str, Any]:
        """What was learned, as JSON."""

    @classmethod
    def from_dict(cls, learned: Mapping[str, Any]) -> Self:
        """The output of `to_dict`. Raises ValueError, KeyError or TypeError."""


@dataclass(frozen=True)
class LabelOutput:
    """One label of several."""

    labels: Labels

    estimator: ClassVar[str] = "SequenceClassifier"

    @classmethod
    def learn(cls, targets: Sequence[Any]) -> Self:
        return cls(Labels.learn(targets))

    @property
    def size(self) -> int:
        return len(self.labels)

    def loss(self, options: Any) -> Loss:
        loss: Loss = options.loss(self.labels)
        return loss

    def encode(self, targets: Any) -> NDArray[np.int64]:
        return self.labels.encode(targets)

    def answers(self, decoded: NDArray[Any]) -> NDArray[Any]:
        return decoded

    def metrics(self, target_scores: NDArray[Any], targets: NDArray[Any]) -> dict[str, Any]:
        return self.labels.metrics(target_scores, targets)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return float(metrics["macro_f1"])

    def to_dict(self) -> dict[str, Any]:
        return self.labels.to_dict()

    @classmethod
    def from_dict(cls, learned: Mapping[str, Any]) -> Self:
        return cls(Labels.from_dict(learned))


@dataclass(frozen=True)
class NumberOutput:
    """A number, or a vector of numbers, scaled by the training targets."""

    scale: Scale
    vector: bool
    """Whether a target is a vector; otherwise it is a plain number."""

    estimator: ClassVar[str] = "SequenceRegressor"

    @classmethod
    def learn(cls, targets: Sequence[Any]) -> Self:
        values = np.asarray(targets, float)
        vector = values.ndim == 2
        return cls(Scale.learn(values if vector else values[:, None]), vector)

    @property
    def size(self) -> int:
        return len(self.scale.mean)

    def loss(self, options: Any) -> Loss:
        return SquaredError()

    def encode(self, targets: Any) -> NDArray[np.float32]:
        values = np.asarray(targets, float)
        return self.scale.apply(values.reshape(len(values), -1), lambda *_: "a target")

    def answers(self, decoded: NDArray[Any]) -> NDArray[np.float64]:
        values = self.scale.undo(decoded)
        return values if self.vector else values[..., 0]

    def metrics(self, target_scores: NDArray[Any], targets: NDArray[Any]) -> dict[str, Any]:
        return metrics.regression(self.answers(targets), self.answers(target_scores))

    def score(self, metrics: Mapping[str, Any]) -> float:
        return -float(metrics["rmse"])

    def to_dict(self) -> dict[str, Any]:
        return {"outputs": self.scale.to_dict(), "vector": self.vector}

    @classmethod
    def from_dict(cls, learned: Mapping[str, Any]) -> Self:
        return cls(Scale.from_dict(learned["outputs"]), bool(learned["vector"]))


def flatten(targets: Sequence[Any], stepwise: bool) -> Sequence[Any]:
    """All targets in one sequence; those of steps, row after row."""
    return list(chain.from_iterable(targets)) if stepwise else targets
