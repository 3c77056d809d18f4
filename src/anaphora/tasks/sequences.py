"""What all tasks share that read sequences of numbers: gaps, scales, answers for each row or for each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.config import option
from anaphora.data.batch import Batch, Examples, StepExamples
from anaphora.engine.ragged import flat
from anaphora.errors import DataError
from anaphora.networks.sequence import SequenceOptions
from anaphora.tasks.options import EnsembleOptions
from anaphora.tasks.scale import Scale, Vector

MISSING = ("refuse", "mask")


@dataclass(frozen=True)
class ReadingOptions(EnsembleOptions, SequenceOptions):
    """How sequences of numbers are read."""

    missing: str = option(
        "refuse",
        "of missing values (NaN) in the inputs: refuse them, or mask them, which reads the column's mean there, and "
        "beside each column whether it was observed",
        choices=MISSING,
    )

    @property
    def masks(self) -> bool:
        return self.missing == "mask"


@dataclass(frozen=True)
class Reader:
    """How rows become the network's inputs: the scale of their columns, and whether gaps are masked."""

    scale: Scale
    masks: bool

    @classmethod
    def learn(cls, rows: Sequence[NDArray[Any]], masks: bool) -> "Reader":
        return cls(Scale.learn(np.concatenate(rows)), masks)

    @property
    def width(self) -> int:
        """Numbers of a step, as a person gives them."""
        return len(self.scale.mean)

    @property
    def inputs(self) -> int:
        """Numbers of a step, as the network reads them."""
        return self.width * (1 + self.masks)

    def read(self, rows: Sequence[NDArray[Any]]) -> list[Vector]:
        """`[T_i, width]` -> `[T_i, inputs]`. Raises DataError for another width, for what may not be missing, and for
        what is too far from the scale.
        """
        check_widths(rows, self.width)
        check_finite(rows, self.masks)
        return [self._read(row, place) for place, row in enumerate(rows)]

    def _read(self, row_TD: NDArray[Any], place: int) -> Vector:
        scaled_TD = self.scale.apply(
            row_TD, lambda step, column: f"the value of row {place}, step {step}, column {column}"
        )
        if not self.masks:
            return scaled_TD
        observed_TD = ~np.isnan(row_TD)
        return np.concatenate([np.where(observed_TD, scaled_TD, 0), observed_TD], 1, dtype=np.float32)


def encoded(rows: Sequence[Vector], targets: NDArray[Any] | None, stepwise: bool) -> Examples:
    """Rows with a target each, or with the targets of all their steps, row after row."""
    return (StepExamples if stepwise else Examples)(rows, targets)


def answered(features: Any, batch: Batch, stepwise: bool) -> Any:
    """The features of what has a target, `[N, width]`: of each row, or of each step before its row's end."""
    return flat(features, batch.inputs[1]) if stepwise else features


def check_widths(rows: Sequence[NDArray[Any]], width: int) -> None:
    """Raise DataError where a row has more or fewer numbers a step than `width`."""
    for place, row in enumerate(rows):
        if row.shape[1] != width:
            raise DataError(f"row {place} has {row.shape[1]} numbers a step, but {width} are expected")


def check_finite(rows: Sequence[NDArray[Any]], masks: bool) -> None:
    """Raise DataError where a row holds infinity, or NaN unless gaps are masked."""
    for place, row in enumerate(rows):
        bad_TD = np.isinf(row) if masks else ~np.isfinite(row)
        if bad_TD.any():
            step, column = np.argwhere(bad_TD)[0]
            value = row[step, column]
            remedy = "fill the gap, or fit with missing='mask'" if np.isnan(value) else "replace it"
            raise DataError(
                f"row {place} holds a value that is not a finite number: {value} at step {step}, column {column}; "
                f"{remedy}"
            )
