"""The estimator from sequences of numbers to labels."""

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.labels import Label
from anaphora.estimators.labels import checked_labels, label_texts, read_labels
from anaphora.estimators.rows import RowProfile, Rows, Split, learn_only, one_stratum
from anaphora.tasks.sequences.baseline import SequenceBaselines
from anaphora.tasks.sequences.estimator import SequenceEstimator, check, check_lengths, groups, rows_with_targets
from anaphora.tasks.sequences.outputs import LabelOutput, flatten
from anaphora.tasks.sequences.scores import LabelScores
from anaphora.tasks.sequences.task import LabelsConfig, Sequences, SequencesConfig


class SequenceClassifier(SequenceEstimator, config=LabelsConfig, kind="classifier"):
    """A recurrent classifier of sequences of numbers: one label for each sequence, or one for each step.

        model = SequenceClassifier().fit([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]] * 10, ["up", "down"] * 10)
        model.predict([[0.3, 0.4, 0.5]])

    Sequences are `[N, T, D]`, `[N, T]` (D is 1), or a list of `[T_i, D]` or `[T_i]` of unequal length. Targets are
    `[N]` labels, texts or numbers; with `targets="step"` those of each row `[T_i]`, in a list or an array. Inputs are
    scaled by the training rows. Missing values, NaN, are refused, or masked with `missing="mask"`. Its options are the
    fields of `anaphora.tasks.sequences.task.LabelsConfig`.
    """

    examined_: LabelScores | None = None

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels in order, `[K]`."""
        return np.array(self._labels)

    def predict(self, sequences: Sequence[Any]) -> Any:
        """The most likely label of each row, `[N]`; of steps a list with `[T_i]` of each row."""
        probabilities = self.predict_proba(sequences)
        if self._task.ragged:
            return [self.classes_[of_row.argmax(axis=1)] for of_row in probabilities]
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, sequences: Sequence[Any]) -> Any:
        """The probability of each label, `[N, K]`, in the order of `classes_`; of steps a list with `[T_i, K]` of each
        row.
        """
        return self._answers(sequences)

    def score(self, sequences: Sequence[Any], targets: Sequence[Any]) -> float:
        """Accuracy: the share of rows, or of steps, with the right label."""
        _, truth, predicted = self._compared(sequences, targets)
        return float(np.mean(np.array(truth) == np.array(predicted)))

    def examine(self, rows: Sequence[Any], targets: Sequence[Any]) -> LabelScores:
        """`evaluate`, with the tables, the verdict and the page (`tasks.sequences.scores`)."""
        sequences, truth, predicted = self._compared(rows, targets)
        baselines = SequenceBaselines.from_files(self._fitted().baseline)
        others = (
            {name: list(map(str, answers)) for name, answers in baselines.predict(sequences).items()}
            if baselines
            else {}
        )
        lengths = list(map(len, sequences)) if self._task.ragged else None
        self.examined_ = LabelScores.compare(truth, predicted, others, list(map(str, self._labels)), lengths)
        return self.examined_

    def _compared(self, rows: Sequence[Any], targets: Sequence[Any]) -> tuple[list[Any], list[str], list[str]]:
        """The rows, and the texts of all true and of all predicted labels. Raises DataError."""
        stepwise, sequences = self._task.ragged, rows_with_targets(rows, targets, self._task.options.masks)
        truth = read_labels(*labels_of_steps(targets, list(map(len, sequences)))) if stepwise else read_labels(targets)
        probabilities = self._answers(sequences)
        texts = label_texts(self._labels)
        best = (np.concatenate(probabilities) if stepwise else probabilities).argmax(axis=1)
        predicted = [str(self._labels[k]) for k in best]
        return sequences, [texts.get(label, str(label)) for label in truth], predicted

    @property
    def _labels(self) -> tuple[Label, ...]:
        """The labels of the fitted model, each of its own type."""
        output = self._task.output
        assert isinstance(output, LabelOutput)
        return output.labels.names


def checked_targets(targets: Sequence[Any], lengths: Sequence[int], stepwise: bool) -> list[Any]:
    """A label for each row, or a list of labels for each row. Raises DataError."""
    if not stepwise:
        return list(checked_labels(targets))
    labels = checked_labels(*labels_of_steps(targets, lengths), min_count=1)
    return [labels[begin:end] for begin, end in pairwise([0, *accumulate(lengths)])]


def labels_of_steps(targets: Sequence[Any], lengths: Sequence[int]) -> tuple[list[Any], Callable[[int], str]]:
    """The labels of all steps, row after row, and the name of each place in them.

    Raises DataError where a row does not have one for each step.
    """
    check_lengths([np.asarray(of_row, object) for of_row in targets], lengths)
    ends = [0, *accumulate(lengths)]

    def name_of(index: int) -> str:
        row = bisect(ends, index) - 1
        return f"row {row}, step {index - ends[row]}"

    return list(chain.from_iterable(targets)), name_of


def strata(options: SequencesConfig, targets: Sequence[Any]) -> Sequence[Any]:
    """A split keeps the shares of the labels of rows."""
    return one_stratum(options, targets) if options.stepwise else targets


def adjust(options: SequencesConfig, rows: Rows, parts: Split) -> Split:
    """Where steps have labels, move the groups that hold a label of no training row back to the training rows."""
    kept, held = parts
    if not options.stepwise:
        return parts
    known = {label for row in kept for label in rows.targets[row]}
    back = {rows.groups[row] for row in held if not known.issuperset(rows.targets[row])}
    stays = np.array([rows.groups[row] not in back for row in held], bool)
    return np.sort(np.concatenate([kept, held[~stays]])), held[stays]


def baseline(options: SequencesConfig, rows: Rows) -> dict[str, bytes]:
    labels = flatten(rows.targets, options.stepwise)
    texts = label_texts(labels)
    known = [texts[label] for label in labels]
    return SequenceBaselines.of_labels(rows.rows, known, options.stepwise, both=options.bidirectional).to_files()


SequenceClassifier._profile = RowProfile(
    check(checked_targets), groups, learn_only(Sequences), baseline, strata=strata, adjust=adjust
)
