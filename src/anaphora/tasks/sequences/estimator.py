"""What the estimators of sequences share: checks of rows and targets, the parts of their profiles, live answers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.numbers import read_numbers
from anaphora.errors import DataError
from anaphora.estimators.inputs import as_list
from anaphora.estimators.rows import RowEstimator, check_same_length
from anaphora.runtime.live import Live
from anaphora.tasks.sequences.inputs import check_finite, check_widths
from anaphora.tasks.sequences.task import Sequences

Row = NDArray[np.float64]
CheckTargets = Callable[[Sequence[Any], Sequence[int], bool], list[Any]]
"""Targets, the lengths of their rows, and whether each step has one -> targets as the task needs them."""


class SequenceEstimator(RowEstimator[Sequences]):
    """An estimator that reads sequences of numbers."""

    def live(self, rows: int = 1) -> Live:
        """Answers while the numbers arrive, for `rows` sequences at once, with the state carried.

            live = model.live()
            for number in numbers:
                answer = live.step([number])    # the answer for all numbers so far

        A regressor's answers are those of `predict`, a classifier's those of `predict_proba`, `[rows, K]`. Raises
        OptionError for a model that reads in both directions, or pools more than the last output.
        """
        return self._runner.live(rows)

    def _answers(self, sequences: Sequence[Any]) -> Any:
        """One answer for each row, `[N, ...]`; or, where each step has one, a list of `[T_i, ...]`."""
        return self._runner.predict(checked_rows(sequences))


def check(targets_of: CheckTargets) -> Callable[[Any, Sequence[Any], Sequence[Any]], tuple[list[Row], list[Any]]]:
    """`RowProfile.check` for targets that `targets_of` checks."""

    def checked(options: Any, rows: Sequence[Any], targets: Sequence[Any]) -> tuple[list[Row], list[Any]]:
        sequences = rows_with_targets(rows, targets, options.masks)
        return sequences, targets_of(targets, list(map(len, sequences)), options.stepwise)

    return checked


def groups(rows: Sequence[Row]) -> list[int]:
    """Equal sequences are a group."""
    return [hash(row.tobytes()) for row in rows]


def checked_rows(rows: Sequence[Any]) -> list[Row]:
    """The rows as arrays `[T_i, D]`. Raises DataError."""
    sequences = []
    for index, row in enumerate(as_list(rows, "rows")):
        sequence = read_numbers(row, f"row {index}")
        sequence = sequence[:, None] if sequence.ndim == 1 else sequence
        if sequence.ndim != 2:
            raise DataError(f"row {index} has the shape {np.shape(row)}: [T] or [T, D] is needed")
        sequences.append(sequence)
    return sequences


def rows_with_targets(rows: Sequence[Any], targets: Sequence[Any], masks: bool) -> list[Row]:
    """The rows as arrays, each with at least one number, all of one width. Raises DataError."""
    check_same_length(rows, targets)
    sequences = checked_rows(rows)
    for index, sequence in enumerate(sequences):
        if not sequence.size:
            raise DataError(f"row {index} has the shape {list(sequence.shape)}, no number in it: leave it out")
    check_widths(sequences, sequences[0].shape[1])
    check_finite(sequences, masks)
    return sequences


def check_lengths(targets: Sequence[NDArray[Any]], lengths: Sequence[int]) -> None:
    """Raise DataError unless each row has a target for each of its steps."""
    for index, (of_row, length) in enumerate(zip(targets, lengths, strict=True)):
        if of_row.ndim == 0:
            raise DataError(f"row {index} has the target {of_row.item()!r}, but targets='step' needs one for each step")
        if len(of_row) != length:
            raise DataError(f"row {index} has {length} steps, but {len(of_row)} targets: each step needs one")
