"""The estimator from sequences of numbers to numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.data.numbers import read_numbers
from anaphora.errors import DataError
from anaphora.estimators.rows import RowProfile, Rows, learn_only
from anaphora.tasks.sequences.baseline import SequenceBaselines
from anaphora.tasks.sequences.estimator import SequenceEstimator, check, check_lengths, groups, rows_with_targets
from anaphora.tasks.sequences.outputs import flatten
from anaphora.tasks.sequences.scores import NumberScores
from anaphora.tasks.sequences.task import NumbersConfig, Sequences, SequencesConfig

Numbers = NDArray[np.float64]


class SequenceRegressor(SequenceEstimator, config=NumbersConfig, kind="regressor"):
    """A recurrent regressor: from a sequence of numbers to one number or one vector, or to one for each step.

        model = SequenceRegressor().fit([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]], [0.4, 0.5])
        model.predict([[0.3, 0.4, 0.5]])

    Sequences are `[N, T, D]`, `[N, T]` (D is 1), or a list of `[T_i, D]` or `[T_i]` of unequal length. Targets are
    `[N]` or `[N, outputs]`; with `targets="step"` those of each row `[T_i]` or `[T_i, outputs]`, in a list or an array.
    Inputs and targets are scaled by the training rows. Missing values, NaN, are refused, or masked with
    `missing="mask"`. Its options are the fields of `anaphora.tasks.sequences.task.NumbersConfig`.
    """

    examined_: NumberScores | None = None

    def predict(self, sequences: Sequence[Any]) -> Any:
        """`[N]`, or `[N, outputs]` where the targets were vectors; of steps a list with `[T_i]` or `[T_i, outputs]` of
        each row.
        """
        return self._answers(sequences)

    def score(self, sequences: Sequence[Any], targets: Sequence[Any]) -> float:
        """R2: 1 is perfect, 0 is no better than always answering the mean."""
        _, truth, predicted = self._compared(sequences, targets)
        return float(metrics.regression(truth, predicted)["r2"])

    def examine(self, rows: Sequence[Any], targets: Sequence[Any]) -> NumberScores:
        """`evaluate`, with the tables, the verdict and the page (`tasks.sequences.scores`)."""
        sequences, truth, predicted = self._compared(rows, targets)
        baselines = SequenceBaselines.from_files(self._fitted().baseline)
        lengths = list(map(len, sequences)) if self._task.ragged else None
        others = baselines.predict(sequences) if baselines else {}
        self.examined_ = NumberScores.compare(truth, predicted, others, lengths)
        return self.examined_

    def _compared(self, rows: Sequence[Any], targets: Sequence[Any]) -> tuple[list[Any], Numbers, Numbers]:
        """The rows, and all targets and predictions as one array each. Raises DataError where their shapes differ."""
        stepwise, sequences = self._task.ragged, rows_with_targets(rows, targets, self._task.options.masks)
        truth = stacked(checked_targets(targets, list(map(len, sequences)), stepwise), stepwise)
        predicted = stacked(self._answers(sequences), stepwise)
        if truth.shape != predicted.shape:
            raise DataError(f"the targets have the shape {truth.shape}, the answers {predicted.shape}")
        return sequences, truth, predicted


def checked_targets(targets: Sequence[Any], lengths: Sequence[int], stepwise: bool) -> list[Any]:
    """A number or a vector for each row, or an array of them for each row. Raises DataError."""
    if stepwise:
        return _targets_of_steps(targets, lengths)
    values = read_numbers(targets, "the targets")
    if values.ndim not in (1, 2) or not values.size:
        raise DataError(f"targets of shape {list(values.shape)}: [N] or [N, outputs] is needed")
    if len(wrong := np.argwhere(~np.isfinite(values))):
        index = int(wrong[0][0])
        raise DataError(f"row {index} has a target that is not a finite number: {values[index]}")
    return list(values)


def _targets_of_steps(targets: Sequence[Any], lengths: Sequence[int]) -> list[Any]:
    by_row = [read_numbers(of_row, f"the targets of row {index}") for index, of_row in enumerate(targets)]
    check_lengths(by_row, lengths)
    for index, values in enumerate(by_row):
        if values.ndim not in (1, 2) or not values.size or values.shape[1:] != by_row[0].shape[1:]:
            raise DataError(
                f"row {index} has targets of shape {list(values.shape)}, row 0 of {list(by_row[0].shape)}: [T] or "
                "[T, outputs] is needed, the same for all rows"
            )
        if not np.isfinite(values).all():
            step = int(np.argwhere(~np.isfinite(values))[0][0])
            raise DataError(f"row {index} has a target that is not a finite number at step {step}")
    return by_row


def stacked(values: Sequence[Any], stepwise: bool) -> Numbers:
    """All values as one array, `[N]` or `[N, outputs]`; those of steps, row after row."""
    return np.asarray(flatten(values, stepwise), float)


def baseline(options: SequencesConfig, rows: Rows) -> dict[str, bytes]:
    values = stacked(rows.targets, options.stepwise)
    return SequenceBaselines.of_numbers(rows.rows, values, options.stepwise, both=options.bidirectional).to_files()


SequenceRegressor._profile = RowProfile(check(checked_targets), groups, learn_only(Sequences), baseline)
