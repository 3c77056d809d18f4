"""Sequences of numbers -> numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.errors import DataError
from anaphora.estimators.rows import RowEstimator, check_as_many
from anaphora.runtime.session import Live
from anaphora.tasks.regress import Regress


class SequenceRegressor(RowEstimator, task=Regress, kind="regressor"):
    """A recurrent regressor: from a sequence of numbers to one number, or to a vector.

        model = SequenceRegressor().fit([[0.1, 0.2, 0.3], [0.2, 0.3, 0.4]], [0.4, 0.5])
        model.predict([[0.3, 0.4, 0.5]])

    Sequences are `[N, T, D]`, `[N, T]` (D is 1), or a list of `[T_i, D]` or `[T_i]` of unequal length. Inputs and
    targets are scaled by what the training rows show. Its options are the fields of
    `anaphora.tasks.regress.RegressConfig`.
    """

    def predict(self, sequences: Sequence[Any]) -> NDArray[np.float64]:
        """`[N]`, or `[N, outputs]` where the targets were vectors."""
        return self._run(sequences)

    def live(self, rows: int = 1) -> Live:
        """Answers while the numbers arrive, for `rows` sequences at once, with the state carried.

            live = model.live()
            for number in numbers:
                answer = live.step([number])    # what predict gives for all numbers so far

        Raises OptionError for a model that reads in both directions, or pools more than the last output.
        """
        return self._ready().live(rows)

    def score(self, sequences: Sequence[Any], targets: Sequence[Any]) -> float:
        """R2: 1 is perfect, 0 is no better than always answering the mean."""
        return float(self.evaluate(sequences, targets)["r2"])

    def evaluate(self, rows: Sequence[Any], targets: Sequence[Any]) -> dict[str, Any]:
        """Mean absolute error, root mean squared error, R2 (`metrics.regression`)."""
        truth = np.array(self._checked_targets(targets))
        check_as_many(rows, truth)
        predicted = self.predict(rows)
        if truth.shape != predicted.shape:
            raise DataError(f"the targets have the shape {truth.shape}, the answers {predicted.shape}")
        return metrics.regression(truth, predicted)

    def _checked_rows(self, rows: Sequence[Any]) -> list[NDArray[np.float64]]:
        sequences = []
        for place, row in enumerate(rows):
            sequence = _numbers(row, f"row {place}")
            sequence = sequence[:, None] if sequence.ndim == 1 else sequence
            if sequence.ndim != 2:
                raise DataError(f"row {place} has the shape {np.shape(row)}: [T] or [T, D] is needed")
            if not np.isfinite(sequence).all():
                raise DataError(f"row {place} holds a value that is not a finite number")
            sequences.append(sequence)
        return sequences

    def _checked_targets(self, targets: Sequence[Any]) -> list[Any]:
        values = _numbers(targets, "the targets")
        if values.ndim not in (1, 2) or not np.isfinite(values).all():
            raise DataError(f"targets of shape {values.shape}: finite numbers, [N] or [N, outputs], are needed")
        return list(values)


def _numbers(values: Any, called: str) -> NDArray[np.float64]:
    try:
        return np.asarray(values, float)
    except (ValueError, TypeError) as error:
        raise DataError(f"{called} cannot be read as an array of numbers: {error}") from error
