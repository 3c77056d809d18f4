"""The scale of numbers: what the training rows say of their size, and nothing else does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.data.numbers import LARGEST, moments
from anaphora.errors import DataError

Vector = NDArray[np.float32]
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
        """The scale of what is there; NaN is not. Raises DataError where a column has nothing, or too large numbers."""
        if empty := np.flatnonzero(np.isnan(values_ND).all(0)).tolist():
            raise DataError(f"column {empty[0]} holds no value in the rows to learn from: leave the column out")
        mean_D, deviation_D = moments(values_ND)
        if not (np.isfinite(mean_D).all() and np.isfinite(deviation_D).all()):
            raise DataError("the numbers are too large: their mean and deviation are not finite")
        return cls(tuple(mean_D.tolist()), tuple(deviation_D.tolist()))

    def apply(self, values_ND: NDArray[Any], called: Callable[[int, int], str]) -> Vector:
        """The values scaled; NaN stays. Raises DataError for one too far from the mean to be computed with in float32:
        `called` says where it stands by its place and column.
        """
        with np.errstate(over="ignore"):
            scaled_ND = SPREAD * (values_ND - np.array(self.mean)) / np.array(self.deviation)
        far = np.argwhere(np.abs(scaled_ND) > LARGEST)
        if len(far):
            place, column = map(int, far[0])
            raise DataError(
                f"{called(place, column)} is {values_ND[place, column]}, too far from those learned from, of mean "
                f"{self.mean[column]:g} and deviation {self.deviation[column]:g}: replace it"
            )
        return scaled_ND.astype(np.float32)

    def undo(self, values: NDArray[Any]) -> NDArray[np.float64]:
        return values / SPREAD * np.array(self.deviation) + np.array(self.mean)

    def to_dict(self) -> dict[str, list[float]]:
        return {"mean": list(self.mean), "deviation": list(self.deviation)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError where the values make no scale."""
        mean, deviation = (tuple(map(float, values[key])) for key in ("mean", "deviation"))
        if len(mean) != len(deviation) or not np.isfinite([*mean, *deviation]).all() or min(deviation, default=1) <= 0:
            raise ValueError(f"{dict(values)} is not a list of finite means and deviations above zero")
        return cls(mean, deviation)
