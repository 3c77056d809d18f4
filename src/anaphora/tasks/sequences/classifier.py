"""Sequences of numbers -> labels."""

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.sequences.baseline import SequenceBaselines
from anaphora.estimators.labels import checked_labels, named, read_labels
from anaphora.tasks.sequences.estimator import SequenceEstimator, check_lengths
from anaphora.report.scores import compare
from anaphora.tasks.sequences.classify import ClassifySequences, stacked
from anaphora.tasks.labels import Label


class SequenceClassifier(SequenceEstimator, task=ClassifySequences, kind="classifier"):
    """A recurrent classifier of sequences of numbers: one label a sequence, or one for each step.

        model = SequenceClassifier().fit([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]] * 10, ["up", "down"] * 10)
        model.predict([[0.3, 0.4, 0.5]])

    Sequences are `[N, T, D]`, `[N, T]` (D is 1), or a list of `[T_i, D]` or `[T_i]` of unequal length. Targets are
    `[N]` labels, texts or numbers; with `targets="step"` those of each row `[T_i]`, in a list or an array. Inputs are
    scaled by what the training rows show. Missing values, NaN, are refused, or masked with `missing="mask"`. Its
    options are the fields of `anaphora.tasks.sequences.classify.ClassifySequencesConfig`.
    """

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, `[K]`, in order."""
        return np.array(self._labels)

    def predict(self, sequences: Sequence[Any]) -> Any:
        """The most likely label of each row, `[N]`; of steps a list with `[T_i]` of each row."""
        shares = self.predict_proba(sequences)
        if self._options.stepwise:
            return [self.classes_[own.argmax(axis=1)] for own in shares]
        return self.classes_[shares.argmax(axis=1)]

    def predict_proba(self, sequences: Sequence[Any]) -> Any:
        """The probability of each label, `[N, K]`, in the order of `classes_`; of steps a list with `[T_i, K]` of each
        row.
        """
        return self._answers(sequences)

    def score(self, sequences: Sequence[Any], targets: Sequence[Any]) -> float:
        """Accuracy: the share of rows, or of steps, that get the right label."""
        _, truth, predicted = self._judged(sequences, targets)
        return float(np.mean(np.array(truth) == np.array(predicted)))

    def evaluate(self, rows: Sequence[Any], targets: Sequence[Any]) -> dict[str, Any]:
        """Scores beside the most frequent label and a linear model on the same rows: see `report.scores.compare`."""
        sequences, truth, predicted = self._judged(rows, targets)
        baselines = SequenceBaselines.from_files(self._fitted().baseline)
        others = {name: own.tolist() for name, own in baselines.predict(sequences).items()} if baselines else {}
        lengths = list(map(len, sequences)) if self._options.stepwise else None
        return compare(truth, predicted, others, list(map(str, self._labels)), lengths)

    def _judged(
        self, rows: Sequence[Any], targets: Sequence[Any]
    ) -> tuple[list[NDArray[np.float64]], list[str], list[str]]:
        """The rows, and what all true labels and all that are answered are called. Raises DataError where there is not
        one for each.
        """
        stepwise, sequences = self._options.stepwise, self._with_targets(rows, targets, self._options.masks)
        truth = read_labels(*_of_steps(targets, list(map(len, sequences)))) if stepwise else read_labels(targets)
        shares = self._answers(sequences)
        names = named(self._labels)
        answers = (np.concatenate(shares) if stepwise else shares).argmax(axis=1)
        predicted = [str(self._labels[place]) for place in answers]
        return sequences, [names.get(label, str(label)) for label in truth], predicted

    @property
    def _labels(self) -> tuple[Label, ...]:
        """Those of the fitted model, each of its own kind."""
        return cast(ClassifySequences, self._fitted().task).labels

    def _checked_targets(self, targets: Sequence[Any]) -> list[Any]:
        return checked_labels(targets)

    def _step_targets(self, targets: Sequence[Any], lengths: Sequence[int]) -> list[Any]:
        labels = checked_labels(*_of_steps(targets, lengths), fewest=1)
        return [labels[begin:end] for begin, end in pairwise([0, *accumulate(lengths)])]

    def _strata(self, targets: Sequence[Any]) -> Sequence[Any]:
        return super()._strata(targets) if self._asks_steps else targets

    def _split(self, rows: Sequence[Any], targets: Sequence[Any], groups: Any, options: Any) -> tuple[Any, Any]:
        kept, held = super()._split(rows, targets, groups, options)
        if not options.stepwise:
            return kept, held
        # Rows of steps have no label to be dealt out by: those go back that have one which is nowhere else.
        keys = self._groups(rows) if groups is None else groups
        known = {label for row in kept for label in targets[row]}
        back = {keys[row] for row in held if not known.issuperset(targets[row])}
        stays = np.array([keys[row] not in back for row in held], bool)
        return np.sort(np.concatenate([kept, held[~stays]])), held[stays]

    def _fit_baselines(self, rows: Sequence[Any], targets: Sequence[Any]) -> dict[str, bytes]:
        labels = stacked(targets, self._asks_steps)
        names = named(labels)
        called = [names[label] for label in labels]
        fitted = SequenceBaselines.of_labels(rows, called, self._asks_steps, both=self.bidirectional)
        return fitted.to_files()


def _of_steps(targets: Sequence[Any], lengths: Sequence[int]) -> tuple[list[Any], Callable[[int], str]]:
    """The labels of all steps, row after row, and what a place in them is called. Raises DataError where a row has not
    one for each step.
    """
    check_lengths([np.asarray(own, object) for own in targets], lengths)
    ends = [0, *accumulate(lengths)]

    def called(place: int) -> str:
        row = bisect(ends, place) - 1
        return f"row {row}, step {place - ends[row]}"

    return list(chain.from_iterable(targets)), called
