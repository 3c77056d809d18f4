"""The inputs of sequences: missing values and scales."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import DataError
from anaphora.tasks.sequences.scale import Scale, Vector


@dataclass(frozen=True)
class InputScale:
    """How rows become the network's inputs: the scale of each column, and whether missing values are masked."""

    scale: Scale
    masks: bool

    @classmethod
    def learn(cls, rows: Sequence[NDArray[Any]], masks: bool) -> "InputScale":
        return cls(Scale.learn(np.concatenate(rows)), masks)

    @property
    def width(self) -> int:
        """Numbers of a step in a person's rows."""
        return len(self.scale.mean)

    @property
    def inputs(self) -> int:
        """Numbers of a step in the network's inputs."""
        return self.width * (1 + self.masks)

    def read(self, rows: Sequence[NDArray[Any]]) -> list[Vector]:
        """`[T_i, width]` -> `[T_i, inputs]`. Raises DataError for another width, for a missing value unless they are
        masked, and for a value too far from the training values.
        """
        check_widths(rows, self.width)
        check_finite(rows, self.masks)
        return [self._read(row, index) for index, row in enumerate(rows)]

    def _read(self, row_TD: NDArray[Any], index: int) -> Vector:
        scaled_TD = self.scale.apply(
            row_TD, lambda step, column: f"the value of row {index}, step {step}, column {column}"
        )
        if not self.masks:
            return scaled_TD
        observed_TD = ~np.isnan(row_TD)
        return np.concatenate([np.where(observed_TD, scaled_TD, 0), observed_TD], 1, dtype=np.float32)


def check_widths(rows: Sequence[NDArray[Any]], width: int) -> None:
    """Raise DataError where a row has more or fewer numbers a step than `width`."""
    for index, row in enumerate(rows):
        if row.shape[1] != width:
            raise DataError(f"row {index} has {row.shape[1]} numbers a step, but {width} are expected")


def check_finite(rows: Sequence[NDArray[Any]], masks: bool) -> None:
    """Raise DataError where a row holds infinity, or NaN unless missing values are masked."""
    for index, row in enumerate(rows):
        bad_TD = np.isinf(row) if masks else ~np.isfinite(row)
        if bad_TD.any():
            step, column = np.argwhere(bad_TD)[0]
            value = row[step, column]
            remedy = "fill it in, or fit with missing='mask'" if np.isnan(value) else "replace it"
            raise DataError(
                f"row {index} holds a value that is not a finite number: {value} at step {step}, column {column}; "
                f"{remedy}"
            )
