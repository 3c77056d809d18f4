"""The estimator of text classifiers."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import bundle
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.errors import OptionError
from anaphora.estimators.inputs import checked_texts
from anaphora.estimators.labels import checked_labels, label_texts
from anaphora.estimators.rows import RowEstimator, RowProfile, Rows, check_same_length
from anaphora.events import Event, Stage
from anaphora.tasks.classify.baseline import Baselines, rows_files, seen_in
from anaphora.tasks.classify.linear_fit import fit_member
from anaphora.tasks.classify.pretrained import Pretrained
from anaphora.tasks.classify.scores import ClassifierScores
from anaphora.tasks.classify.task import Classify, ClassifyConfig
from anaphora.tasks.language.task import Language


class TextClassifier(RowEstimator[Classify], config=ClassifyConfig, kind="classifier"):
    """A recurrent text classifier.

        model = TextClassifier(cell="gru").fit(texts, labels)
        model.predict(["what a film"])
        model.save("model/")

    Its options are the fields of `anaphora.tasks.classify.task.ClassifyConfig`.
    """

    _reads_text = True
    examined_: ClassifierScores | None = None

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels in order, `[K]`."""
        return np.array(self._task.labels.names)

    def predict(self, texts: Sequence[str]) -> NDArray[Any]:
        """The most likely label of each text, `[N]`."""
        return self.classes_[self.predict_proba(texts).argmax(axis=1)]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The probability of each label, `[N, K]`, in the order of `classes_`."""
        return self._mean(self._members(checked_texts(texts, "row")))

    def score(self, texts: Sequence[str], labels: Sequence[Any]) -> float:
        """Accuracy: the share of texts with the right label."""
        predicted = self.predict(texts)
        check_same_length(predicted, labels)
        return float(np.mean(predicted == np.asarray(labels)))

    def examine(self, rows: Sequence[str], targets: Sequence[Any]) -> ClassifierScores:
        """`evaluate`, with every answer, the tables and the page (`tasks.classify.scores`)."""
        texts, names = checked_texts(rows, "row"), label_texts(self._task.labels.names)
        truth = [names.get(label, str(label)) for label in targets]
        check_same_length(texts, truth)
        members = self._members(texts)
        probabilities_NK, known = self._mean(members), list(names.values())
        baseline = self._fitted().baseline
        self.examined_ = ClassifierScores.compare(
            texts, truth, known, probabilities_NK, members, Baselines.from_files(baseline), seen_in(baseline, texts)
        )
        return self.examined_

    def _members(self, texts: list[str]) -> dict[str, NDArray[np.float32]]:
        """The probabilities of the network and of the linear member, if there is one, `[N, K]` each."""
        members = {"network": self._runner.predict(texts)}
        if linear := self._task.linear:
            columns = [linear.labels.index(str(name)) for name in self._task.labels.names]
            members["linear"] = linear.probabilities(texts)[:, columns]
        return members

    @staticmethod
    def _mean(members: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        mean_NK: NDArray[np.float32] = np.mean(list(members.values()), axis=0)
        return mean_NK


def adapt(options: ClassifyConfig) -> Any:
    """With a pretrained language model, the options that follow from it."""
    return options if options.pretrained == "none" else read_pretrained(options.pretrained).adapted(options)


def check(options: ClassifyConfig, rows: Sequence[Any], targets: Sequence[Any]) -> tuple[list[str], list[Any]]:
    return checked_texts(rows, "row"), checked_labels(targets)


def groups(rows: Sequence[str]) -> list[int]:
    """Near-duplicates are a group."""
    groups: list[int] = near_duplicate_groups(rows).tolist()
    return groups


def learn(options: ClassifyConfig, rows: Rows) -> Generator[Event, None, tuple[Classify, dict[str, Any]]]:
    """The task, with its linear member."""
    pretrained = None if options.pretrained == "none" else read_pretrained(options.pretrained)
    task = Classify.learn(options, rows.rows, rows.targets, pretrained)
    if not options.with_linear:
        return task, {}
    yield Stage("fitting the linear member")
    names = label_texts(task.labels.names)
    texts = [names[label] for label in rows.targets]
    linear = fit_member(rows.rows, texts, rows.groups, options.class_weights == "balanced")
    if linear is None:
        return task, {"linear_member": "none: no training text has a word"}
    return replace(task, linear=linear), {
        "linear_member": f"half of each answer: {linear.method}, {len(linear.terms):,} terms"
    }


def baseline(options: ClassifyConfig, rows: Rows) -> dict[str, bytes]:
    names = label_texts(rows.targets)
    return Baselines.fit(rows.rows, [names[label] for label in rows.targets]).to_files() | rows_files(rows.rows)


TextClassifier._adapt = staticmethod(adapt)
TextClassifier._profile = RowProfile(check, groups, learn, baseline, strata=lambda options, targets: targets)


def read_pretrained(folder: str) -> Pretrained:
    """The language model saved in `folder`. Raises BundleError, and OptionError where it is another model."""
    saved = bundle.read(Path(folder))
    if not isinstance(saved.task, Language):
        raise OptionError(
            f"pretrained={folder!r} is a model for the task {saved.task.name!r}: a language model is needed, as from "
            "anaphora train language"
        )
    return Pretrained.of(saved.task, saved.arrays)
