"""What all tasks share that read sequences of numbers: gaps, scales, answers for each row or for each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from anaphora.config import option
from anaphora.data.batch import Batch, Examples, StepExamples
from anaphora.engine.ragged import flat
from anaphora.errors import DataError
from anaphora.tasks.sequences import network as sequence
from anaphora.net.blocks import Spec
from anaphora.net.build import Arrays
from anaphora.tasks.sequences.network import SequenceOptions
from anaphora.task import EnsembleOptions
from anaphora.tasks.sequences.scale import Scale, Vector

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


@dataclass(frozen=True)
class ReadsNumbers:
    """What such a task is, whatever it answers."""

    options: Any
    reader: Reader

    unit: ClassVar[str] = "rows"
    example: ClassVar[str] = "model.predict([[0.1, 0.2, 0.3]])"
    note: ClassVar[str] = ""
    recipe: ClassVar[ModuleType] = sequence

    @property
    def stepwise(self) -> bool:
        """Whether each step has an answer; each row otherwise."""
        return bool(self.options.stepwise)

    def start(self, arrays: Arrays, training: Examples) -> Arrays:
        return arrays

    def blank(self) -> NDArray[np.float64]:
        return np.zeros((0, self.reader.width))

    def facts(self) -> dict[str, Any]:
        return {}

    def tokenizer(self) -> None:
        return None

    def _spec(self, outputs: int) -> Spec:
        return sequence.spec(self.options, inputs=self.reader.inputs, outputs=outputs)

    def _examples(self, rows: Sequence[NDArray[Any]], targets: NDArray[Any] | None) -> Examples:
        """Rows `[T_i, D]` with a target each, or with the targets of all their steps, row after row."""
        return (StepExamples if self.stepwise else Examples)(self.reader.read(rows), targets)

    def _answered(self, features: Any, batch: Batch) -> Any:
        """The features of what has a target, `[N, width]`: of each row, or of each step before its row's end."""
        return flat(features, batch.inputs[1]) if self.stepwise else features


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
