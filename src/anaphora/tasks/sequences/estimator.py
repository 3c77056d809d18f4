"""What the estimators of numeric sequences share: rows of numbers, answers for each row or for each step, live ones."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from anaphora.data.numbers import read_numbers
from anaphora.errors import DataError
from anaphora.estimators.inputs import listed
from anaphora.estimators.rows import RowEstimator, check_as_many
from anaphora.runtime.predictor import Predictor
from anaphora.runtime.session import Live
from anaphora.tasks.sequences.inputs import ReadingOptions, check_finite, check_widths


class SequenceEstimator(RowEstimator):
    """What they share."""

    bidirectional: bool
    targets: str

    def live(self, rows: int = 1) -> Live:
        """Answers while the numbers arrive, for `rows` sequences at once, with the state carried.

            live = model.live()
            for number in numbers:
                answer = live.step([number])    # what the model says of all numbers so far

        A regressor's answers are those of `predict`, a classifier's those of `predict_proba`, `[rows, K]`. Raises
        OptionError for a model that reads in both directions, or pools more than the last output.
        """
        return self._ready().live(rows)

    @property
    def _asks_steps(self) -> bool:
        """Whether `fit` is to learn an answer to each step."""
        return self.targets == "step"

    @property
    def _options(self) -> ReadingOptions:
        """Those of the fitted model."""
        return cast(ReadingOptions, self._fitted().task.options)

    def _answers(self, sequences: Sequence[Any]) -> Any:
        """Of each row one, `[N, ...]`; or, where each step has one, a list of `[T_i, ...]`."""
        runner: Predictor = self._ready()
        rows = self._checked_rows(sequences)
        return runner.predict_steps(rows) if self._options.stepwise else runner.predict(rows)

    def _checked(self, rows: Sequence[Any], targets: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        options = self._task.Config.from_dict(self.get_params())
        sequences = self._with_targets(rows, targets, options.masks)
        return sequences, self._own_targets(sequences, targets, options.stepwise)

    def _with_targets(self, rows: Sequence[Any], targets: Sequence[Any], masks: bool) -> list[NDArray[np.float64]]:
        """Rows that have targets. Raises DataError where there is nothing to tell a target by."""
        check_as_many(rows, targets)
        sequences = self._checked_rows(rows)
        for place, sequence in enumerate(sequences):
            if not sequence.size:
                raise DataError(f"row {place} has the shape {list(sequence.shape)}, no number in it: leave it out")
        check_widths(sequences, sequences[0].shape[1])
        check_finite(sequences, masks)
        return sequences

    def _own_targets(self, sequences: Sequence[Any], targets: Sequence[Any], stepwise: bool) -> list[Any]:
        """The targets as the task wants them. Raises DataError."""
        return self._step_targets(targets, list(map(len, sequences))) if stepwise else self._checked_targets(targets)

    @abstractmethod
    def _step_targets(self, targets: Sequence[Any], lengths: Sequence[int]) -> list[Any]:
        """For each row the targets of its steps. Raises DataError."""

    def _checked_rows(self, rows: Sequence[Any]) -> list[NDArray[np.float64]]:
        sequences = []
        for place, row in enumerate(listed(rows, "rows")):
            sequence = read_numbers(row, f"row {place}")
            sequence = sequence[:, None] if sequence.ndim == 1 else sequence
            if sequence.ndim != 2:
                raise DataError(f"row {place} has the shape {np.shape(row)}: [T] or [T, D] is needed")
            sequences.append(sequence)
        return sequences

    def _groups(self, rows: Sequence[NDArray[np.float64]]) -> Sequence[Any]:
        """Sequences that are equal go together."""
        return [hash(row.tobytes()) for row in rows]


def check_lengths(targets: Sequence[NDArray[Any]], lengths: Sequence[int]) -> None:
    """Raise DataError unless each row has a target for each of its steps."""
    for place, (own, length) in enumerate(zip(targets, lengths, strict=True)):
        if own.ndim == 0:
            raise DataError(f"row {place} has the target {own.item()!r}, but targets='step' wants one for each step")
        if len(own) != length:
            raise DataError(f"row {place} has {length} steps, but {len(own)} targets: each step needs one")
