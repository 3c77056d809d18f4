"""Sequences of numbers -> one number or one vector each, or one for each of their steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.data.batch import Batch, Examples
from anaphora.net.blocks import Spec
from anaphora.tasks.sequences.scale import Scale, Vector
from anaphora.tasks.sequences.inputs import Reader, ReadingOptions, ReadsNumbers


@dataclass(frozen=True)
class RegressConfig(ReadingOptions):
    """Options of a sequence regressor."""


@dataclass(frozen=True)
class Regress(ReadsNumbers):
    """A sequence regressor's task: options, and the scales of inputs and targets on the training rows."""

    options: RegressConfig
    outputs: Scale
    vector: bool
    """Whether a target is a vector; a plain number otherwise."""

    name: ClassVar[str] = "regress"
    Config: ClassVar = RegressConfig

    @classmethod
    def learn(cls, options: RegressConfig, rows: Sequence[NDArray[Any]], targets: Sequence[Any]) -> Self:
        columns = stacked(targets, options.stepwise)
        vector = columns.ndim == 2
        outputs = Scale.learn(columns if vector else columns[:, None])
        return cls(options, Reader.learn(rows, options.masks), outputs, vector)

    def spec(self) -> Spec:
        return self._spec(len(self.outputs.mean))

    def encode(self, rows: Sequence[NDArray[Any]], targets: Sequence[Any] | None = None) -> Examples:
        """Rows `[T_i, D]` and targets `[N]` or `[N, outputs]`, of steps `[T_i]` or `[T_i, outputs]`, all scaled."""
        scaled = None
        if targets is not None:
            columns = stacked(targets, self.stepwise)
            scaled = self.outputs.apply(columns.reshape(len(columns), -1), lambda *_: "a target")
        return self._examples(rows, scaled)

    def loss(self, net: Any, features: Any, batch: Batch) -> Any:
        return net.squared_error(net.head(self._answered(features, batch)), batch.targets)

    def decode(self, net: Any, features: Any) -> NDArray[np.float64]:
        """Predictions `[B]` or `[B, outputs]`, of steps `[B, T]` or `[B, T, outputs]`, in the target's unit."""
        return self._shaped(self.outputs.undo(net.numpy(net.head(features))))

    def judge(self, net: Any, features: Any, batch: Batch) -> NDArray[np.float64]:
        return self.decode(net, self._answered(features, batch))

    def metrics(self, judged: NDArray[np.float64], targets: Vector) -> dict[str, Any]:
        return metrics.regression(self._shaped(self.outputs.undo(targets)), judged)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return -float(metrics["rmse"])

    def learned(self) -> dict[str, Any]:
        scales = {"inputs": self.reader.scale.to_dict(), "outputs": self.outputs.to_dict()}
        return scales | {"vector": self.vector}

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], tokenizer: str | None) -> Self:
        config = RegressConfig.from_dict(options)
        inputs, outputs = (Scale.from_dict(learned[name]) for name in ("inputs", "outputs"))
        return cls(config, Reader(inputs, config.masks), outputs, bool(learned["vector"]))

    def _shaped(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values if self.vector else values[..., 0]


def stacked(targets: Sequence[Any], stepwise: bool) -> NDArray[np.float64]:
    """All targets as one array; those of steps row after row."""
    return np.concatenate(targets) if stepwise else np.asarray(targets, float)
