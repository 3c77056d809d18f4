"""Texts -> labels."""

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from anaphora import bundle
from anaphora.tasks.classify.linear import Linear, from_folder, to_folder
from anaphora.tasks.classify.linear_fit import fit_partner
from anaphora.tasks.classify.baseline import Baselines, rows_files, seen_in
from anaphora.bundle import Bundle
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.errors import BundleError, OptionError
from anaphora.estimators.inputs import checked_texts
from anaphora.estimators.labels import checked_labels, named
from anaphora.estimators.rows import RowEstimator, check_as_many
from anaphora.events import Event, Stage
from anaphora.report.scores import Evaluated, compare
from anaphora.tasks.classify.task import Classify
from anaphora.tasks.labels import Label
from anaphora.tasks.language.task import Language
from anaphora.tasks.classify.pretrained import Pretrained


class TextClassifier(RowEstimator, task=Classify, kind="classifier"):
    """A recurrent text classifier.

        model = TextClassifier(cell="gru").fit(texts, labels)
        model.predict(["what a film"])
        model.save("model/")

    Its options are the fields of `anaphora.tasks.classify.task.ClassifyConfig`.
    """

    _reads_text = True
    examined_: Evaluated | None = None
    """The rows that `examine` or `evaluate` saw last, `fit`'s own validation rows among them."""
    _partner: Linear | None = None
    """The linear model that answers, too; `_order` are the places of the network's labels among its own."""
    _order: Sequence[int] = ()

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, `[K]`, in order."""
        return np.array(self._labels)

    def predict(self, texts: Sequence[str]) -> NDArray[Any]:
        """The most likely label of each text, `[N]`."""
        return self.classes_[self.predict_proba(texts).argmax(axis=1)]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The probability of each label, `[N, K]`, the labels in the order of `classes_`."""
        return _mean(self._parts(self._checked_rows(texts)))

    def score(self, texts: Sequence[str], labels: Sequence[Any]) -> float:
        """Accuracy: the share of rows that get the right label."""
        predicted = self.predict(texts)
        check_as_many(predicted, labels)
        return float(np.mean(predicted == np.asarray(labels)))

    def evaluate(self, rows: Sequence[str], targets: Sequence[Any]) -> dict[str, Any]:
        """Scores beside the majority label and the linear baseline on the same rows: see `report.scores.compare`."""
        return self.examine(rows, targets).scores

    def examine(self, texts: Sequence[str], labels: Sequence[Any]) -> Evaluated:
        """`evaluate`, with every answer kept: what `anaphora.tasks.classify.page` makes a page of."""
        rows, names = self._checked_rows(texts), named(self._labels)
        truth = [names.get(label, str(label)) for label in labels]
        check_as_many(rows, truth)
        parts = self._parts(rows)
        shares_NK, known = _mean(parts), list(names.values())
        predicted, *apart = ([known[k] for k in own.argmax(axis=1)] for own in (shares_NK, *parts.values()))
        baselines = Baselines.from_files(self._fitted().baseline).predict(rows)
        beside = dict(zip(parts, apart, strict=True)) if len(parts) > 1 else None
        scores = compare(truth, predicted, baselines, known, parts=beside)
        scores["seen_in_training"] = seen_in(self._fitted().baseline, rows)
        self.examined_ = Evaluated(rows, truth, known, shares_NK, scores)
        return self.examined_

    def _parts(self, rows: list[str]) -> dict[str, NDArray[np.float32]]:
        """The probabilities of the network and of its partner, if it has one, `[N, K]` each."""
        network = {"network": self._ready().predict(rows)}
        return network | ({"linear": self._partner.shares(rows)[:, self._order]} if self._partner else {})

    @property
    def _labels(self) -> tuple[Label, ...]:
        return cast(Classify, self._fitted().task).labels

    def _adopt(self, fitted: Bundle, precision: str = "float32") -> None:
        partner = from_folder(fitted.linear) if fitted.linear else None
        if partner:
            names = [str(label) for label in cast(Classify, fitted.task).labels]
            if sorted(partner.labels) != sorted(names):
                raise BundleError("the model's linear/ is damaged: its labels are not the network's")
            self._order = [partner.labels.index(name) for name in names]
        self._partner = partner
        super()._adopt(fitted, precision)

    def _asked(self) -> tuple[Any, dict[str, Any]]:
        options, _ = super()._asked()
        if options.pretrained == "none":
            return options, {}
        pretrained = read_pretrained(options.pretrained)
        return pretrained.adapted(options), {"pretrained": pretrained}

    def _checked_rows(self, rows: Sequence[Any]) -> list[str]:
        return checked_texts(rows, "row")

    def _checked_targets(self, targets: Sequence[Any]) -> list[Any]:
        return checked_labels(targets)

    def _groups(self, rows: Sequence[str]) -> Sequence[int]:
        return near_duplicate_groups(rows).tolist()

    def _strata(self, targets: Sequence[Any]) -> Sequence[Any]:
        return targets

    def _fit_baselines(self, rows: Sequence[str], targets: Sequence[Any]) -> dict[str, bytes]:
        names = named(targets)
        return Baselines.fit(rows, [names[label] for label in targets]).to_files() | rows_files(rows)

    def _fit_partner(
        self, task: Any, rows: Sequence[str], targets: Sequence[Any], groups: Sequence[Any] | None
    ) -> Generator[Event, None, tuple[dict[str, bytes], dict[str, Any]]]:
        if not task.options.linear:
            return {}, {}
        yield Stage("fitting the linear model")
        names = named(task.labels)
        called, balanced = [names[label] for label in targets], task.options.class_weights == "balanced"
        fitted = fit_partner(rows, called, self._groups(rows) if groups is None else groups, balanced)
        if fitted is None:
            return {}, {"partner": "none: no training text has a word"}
        return to_folder(fitted), {"partner": f"half of each answer: {fitted.method}, {len(fitted.terms):,} terms"}


def _mean(parts: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Of the probabilities of all parts."""
    return np.mean(list(parts.values()), axis=0)


def read_pretrained(folder: str) -> Pretrained:
    """The language model saved in `folder`. Raises BundleError, and OptionError where it is another model."""
    saved = bundle.read(Path(folder))
    if not isinstance(saved.task, Language):
        raise OptionError(
            f"{folder} is a model for the task {saved.task.name!r}: pretrained is for those of anaphora train language"
        )
    return Pretrained.of(saved.task, saved.arrays)
