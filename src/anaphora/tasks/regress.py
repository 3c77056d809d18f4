"""Sequences of numbers -> one number, or one vector, each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.data.batch import Batch, Examples
from anaphora.errors import DataError
from anaphora.networks import regressor
from anaphora.networks.blocks import Spec
from anaphora.networks.network import Arrays
from anaphora.networks.regressor import RegressorOptions
from anaphora.tasks.options import EnsembleOptions

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class RegressConfig(EnsembleOptions, RegressorOptions):
    """Options of a sequence regressor."""


SPREAD = 1 / 3
"""The standard deviation of what is scaled: small enough for tanh to be almost linear, so that a cell can follow a
trend somewhat past the values that it was trained on."""


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of each column: `apply` makes them 0 and SPREAD, `undo` brings the unit back."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def learn(cls, values_ND: NDArray[Any]) -> Self:
        with np.errstate(all="ignore"):
            deviation = values_ND.std(0)
        if not len(values_ND) or not np.isfinite(deviation).all():
            raise DataError("the numbers are too large, or there are none: their mean and deviation are not finite")
        return cls(tuple(values_ND.mean(0).tolist()), tuple(np.where(deviation > 0, deviation, 1.0).tolist()))

    def apply(self, values: NDArray[Any]) -> Vector:
        return (SPREAD * (values - np.array(self.mean)) / np.array(self.deviation)).astype(np.float32)

    def undo(self, values: NDArray[Any]) -> NDArray[np.float64]:
        return values / SPREAD * np.array(self.deviation) + np.array(self.mean)


@dataclass(frozen=True)
class Regress:
    """A sequence regressor's task: options, and the scales of inputs and targets on the training rows."""

    options: RegressConfig
    inputs: Scale
    outputs: Scale
    vector: bool
    """Whether a target is a vector; a plain number otherwise."""

    name: ClassVar[str] = "regress"
    unit: ClassVar[str] = "rows"
    example: ClassVar[str] = "model.predict([[0.1, 0.2, 0.3]])"
    note: ClassVar[str] = ""
    Config: ClassVar = RegressConfig
    recipe: ClassVar[ModuleType] = regressor

    @classmethod
    def learn(cls, options: RegressConfig, rows: Sequence[NDArray[Any]], targets: Sequence[Any]) -> Self:
        columns = np.asarray(targets, float)
        _check_widths(rows, rows[0].shape[1])
        vector = columns.ndim == 2
        outputs = Scale.learn(columns if vector else columns[:, None])
        return cls(options, Scale.learn(np.concatenate(rows)), outputs, vector)

    def spec(self) -> Spec:
        return regressor.spec(self.options, inputs=len(self.inputs.mean), outputs=len(self.outputs.mean))

    def encode(self, rows: Sequence[NDArray[Any]], targets: Sequence[Any] | None = None) -> Examples:
        """Rows `[T_i, D]` and targets `[N]` or `[N, outputs]`, both scaled."""
        _check_widths(rows, len(self.inputs.mean))
        scaled = None
        if targets is not None:
            scaled = self.outputs.apply(np.asarray(targets, float).reshape(len(rows), -1))
        return Examples([self.inputs.apply(row) for row in rows], scaled)

    def blank(self) -> NDArray[np.float64]:
        return np.zeros((0, len(self.inputs.mean)))

    def start(self, arrays: Arrays, training: Examples) -> Arrays:
        return arrays

    def loss(self, net: Any, features: Any, batch: Batch) -> Any:
        return net.squared_error(net.head(features), batch.targets)

    def decode(self, net: Any, features: Any) -> NDArray[np.float64]:
        """Predictions `[B]` or `[B, outputs]`, in the target's unit."""
        return self._shaped(self.outputs.undo(net.numpy(net.head(features))))

    def judge(self, net: Any, features: Any, batch: Batch) -> NDArray[np.float64]:
        return self.decode(net, features)

    def metrics(self, judged: NDArray[np.float64], targets: Vector) -> dict[str, Any]:
        return metrics.regression(self._shaped(self.outputs.undo(targets)), judged)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return -float(metrics["rmse"])

    def facts(self) -> dict[str, Any]:
        return {}

    def learned(self) -> dict[str, Any]:
        scales = {"inputs": self.inputs, "outputs": self.outputs}
        as_lists = {name: {"mean": list(s.mean), "deviation": list(s.deviation)} for name, s in scales.items()}
        return as_lists | {"vector": self.vector}

    def tokenizer(self) -> None:
        return None

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], tokenizer: str | None) -> Self:
        scales: list[Scale] = []
        for name in ("inputs", "outputs"):
            mean, deviation = (tuple(map(float, learned[name][key])) for key in ("mean", "deviation"))
            if len(mean) != len(deviation) or not np.isfinite([*mean, *deviation]).all():
                raise ValueError(f"the scale of the {name} is not a list of finite means and deviations")
            scales.append(Scale(mean, deviation))
        inputs, outputs = scales
        return cls(RegressConfig.from_dict(options), inputs, outputs, bool(learned["vector"]))

    def _shaped(self, values_BK: NDArray[np.float64]) -> NDArray[np.float64]:
        return values_BK if self.vector else values_BK[:, 0]


def _check_widths(rows: Sequence[NDArray[Any]], width: int) -> None:
    for place, row in enumerate(rows):
        if row.shape[1] != width:
            raise DataError(f"row {place} has {row.shape[1]} numbers a step, but {width} are expected")
