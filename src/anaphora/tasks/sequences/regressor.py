"""Sequences of numbers -> numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.tasks.sequences.baseline import SequenceBaselines
from anaphora.data.numbers import read_numbers
from anaphora.errors import DataError
from anaphora.tasks.sequences.estimator import SequenceEstimator, check_lengths
from anaphora.report.scores import compare_numbers
from anaphora.tasks.sequences.regress import Regress, stacked


class SequenceRegressor(SequenceEstimator, task=Regress, kind="regressor"):
    """A recurrent regressor: from a sequence of numbers to one number or one vector, or to one for each step.

        model = SequenceRegressor().fit([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]], [0.4, 0.5])
        model.predict([[0.3, 0.4, 0.5]])

    Sequences are `[N, T, D]`, `[N, T]` (D is 1), or a list of `[T_i, D]` or `[T_i]` of unequal length. Targets are
    `[N]` or `[N, outputs]`; with `targets="step"` those of each row `[T_i]` or `[T_i, outputs]`, in a list or an array.
    Inputs and targets are scaled by what the training rows show. Missing values, NaN, are refused, or masked with
    `missing="mask"`. Its options are the fields of `anaphora.tasks.sequences.regress.RegressConfig`.
    """

    def predict(self, sequences: Sequence[Any]) -> Any:
        """`[N]`, or `[N, outputs]` where the targets were vectors; of steps a list with `[T_i]` or `[T_i, outputs]` of
        each row.
        """
        return self._answers(sequences)

    def score(self, sequences: Sequence[Any], targets: Sequence[Any]) -> float:
        """R2: 1 is perfect, 0 is no better than always answering the mean."""
        _, truth, predicted = self._judged(sequences, targets)
        return float(metrics.regression(truth, predicted)["r2"])

    def evaluate(self, rows: Sequence[Any], targets: Sequence[Any]) -> dict[str, Any]:
        """Mean absolute error, root mean squared error and R2, beside those of always answering the mean and of a
        linear model: see `report.scores.compare_numbers`.
        """
        sequences, truth, predicted = self._judged(rows, targets)
        baselines = SequenceBaselines.from_files(self._fitted().baseline)
        lengths = list(map(len, sequences)) if self._options.stepwise else None
        return compare_numbers(truth, predicted, baselines.predict(sequences) if baselines else {}, lengths)

    def _judged(
        self, rows: Sequence[Any], targets: Sequence[Any]
    ) -> tuple[list[NDArray[np.float64]], NDArray[np.float64], NDArray[np.float64]]:
        """The rows, and all targets and answers as one array each. Raises DataError where these differ in shape."""
        options = self._options
        sequences = self._with_targets(rows, targets, options.masks)
        truth = stacked(self._own_targets(sequences, targets, options.stepwise), options.stepwise)
        predicted = stacked(self._answers(sequences), options.stepwise)
        if truth.shape != predicted.shape:
            raise DataError(f"the targets have the shape {truth.shape}, the answers {predicted.shape}")
        return sequences, truth, predicted

    def _checked_targets(self, targets: Sequence[Any]) -> list[Any]:
        values = read_numbers(targets, "the targets")
        if values.ndim not in (1, 2) or not values.size:
            raise DataError(f"targets of shape {list(values.shape)}: [N] or [N, outputs] is needed")
        if len(wrong := np.argwhere(~np.isfinite(values))):
            place = int(wrong[0][0])
            raise DataError(f"row {place} has a target that is not a finite number: {values[place]}")
        return list(values)

    def _step_targets(self, targets: Sequence[Any], lengths: Sequence[int]) -> list[Any]:
        own = [read_numbers(values, f"the targets of row {place}") for place, values in enumerate(targets)]
        check_lengths(own, lengths)
        for place, values in enumerate(own):
            if values.ndim not in (1, 2) or not values.size or values.shape[1:] != own[0].shape[1:]:
                raise DataError(
                    f"row {place} has targets of shape {list(values.shape)}, row 0 of {list(own[0].shape)}: [T] or "
                    "[T, outputs] is needed, the same for all rows"
                )
            if not np.isfinite(values).all():
                step = int(np.argwhere(~np.isfinite(values))[0][0])
                raise DataError(f"row {place} has a target that is not a finite number at step {step}")
        return own

    def _fit_baselines(self, rows: Sequence[Any], targets: Sequence[Any]) -> dict[str, bytes]:
        values = stacked(targets, self._asks_steps)
        fitted = SequenceBaselines.of_numbers(rows, values, self._asks_steps, both=self.bidirectional)
        return fitted.to_files()
