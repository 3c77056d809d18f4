"""Texts -> labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from anaphora import bundle
from anaphora.baselines.linear import Linear, fit_partner, from_folder, to_folder
from anaphora.baselines.text import Baselines, rows_files, seen_in
from anaphora.bundle import Bundle
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.errors import BundleError, OptionError
from anaphora.estimators.given import checked_texts
from anaphora.estimators.labels import checked_labels
from anaphora.estimators.rows import RowEstimator, check_as_many
from anaphora.report.scores import Evaluated, compare
from anaphora.tasks.classify import Classify
from anaphora.tasks.language import Language
from anaphora.tasks.pretrained import Pretrained


class TextClassifier(RowEstimator, task=Classify, kind="classifier"):
    """A recurrent text classifier.

        model = TextClassifier(cell="gru").fit(texts, labels)
        model.predict(["what a film"])
        model.save("model/")

    Its options are the fields of `anaphora.tasks.classify.ClassifyConfig`.
    """

    _reads_text = True
    examined_: Evaluated | None = None
    """The rows that `examine` or `evaluate` saw last, `fit`'s own validation rows among them."""
    _partner: Linear | None = None

    @property
    def classes_(self) -> NDArray[Any]:
        """The labels, `[K]`, in order."""
        return np.array(cast(Classify, self._fitted().task).labels)

    def predict(self, texts: Sequence[str]) -> NDArray[Any]:
        """The most likely label of each text, `[N]`."""
        return self.classes_[self.predict_proba(texts).argmax(axis=1)]

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The probability of each label, `[N, K]`, the labels in the order of `classes_`."""
        rows = self._checked_rows(texts)
        return self._together(self._ready().predict(rows), rows)

    def score(self, texts: Sequence[str], labels: Sequence[Any]) -> float:
        """Accuracy: the share of rows that get the right label."""
        predicted = self.predict(texts)
        check_as_many(predicted, labels)
        return float(np.mean(predicted == np.asarray(labels)))

    def evaluate(self, rows: Sequence[str], targets: Sequence[Any]) -> dict[str, Any]:
        """Scores beside the majority label and the linear baseline on the same rows: see `report.scores.compare`."""
        return self.examine(rows, targets).scores

    def examine(self, texts: Sequence[str], labels: Sequence[Any]) -> Evaluated:
        """`evaluate`, with every answer kept: what `anaphora.report.page` makes a page of."""
        rows, truth = self._checked_rows(texts), [str(label) for label in labels]
        check_as_many(rows, truth)
        network_NK = self._ready().predict(rows)
        shares_NK = self._together(network_NK, rows)
        known = [str(label) for label in self.classes_]
        predicted, alone = ([known[k] for k in each_NK.argmax(axis=1)] for each_NK in (shares_NK, network_NK))
        parts = {"network": alone, "linear": self._partner.predict(rows)} if self._partner else {}
        baselines = Baselines.from_files(self._fitted().baseline).predict(rows)
        scores = compare(truth, predicted, baselines, known, parts=parts)
        scores["seen_in_training"] = seen_in(self._fitted().baseline, rows)
        self.examined_ = Evaluated(rows, truth, known, shares_NK, scores)
        return self.examined_

    def _together(self, network_NK: NDArray[np.float32], rows: Sequence[str]) -> NDArray[np.float32]:
        """The mean of the network's probabilities and its partner's, if it has one."""
        if self._partner is None:
            return network_NK
        order = [self._partner.labels.index(str(label)) for label in self.classes_]
        return np.float32(0.5) * (network_NK + self._partner.shares(rows)[:, order])

    def _adopt(self, fitted: Bundle, precision: str = "float32") -> None:
        super()._adopt(fitted, precision)
        self._partner = from_folder(fitted.linear) if fitted.linear else None
        if self._partner and set(self._partner.labels) != {str(label) for label in self.classes_}:
            raise BundleError("the model's linear/ is damaged: its labels are not the network's")

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
        return Baselines.fit(rows, [str(label) for label in targets]).to_files() | rows_files(rows)

    def _fit_partner(
        self, options: Any, rows: Sequence[str], targets: Sequence[Any]
    ) -> tuple[dict[str, bytes], dict[str, Any]]:
        fitted = fit_partner(rows, [str(label) for label in targets]) if options.linear else None
        if fitted is None:
            return {}, {}
        said = f"{fitted.method}, C={fitted.strength:g}, {len(fitted.terms):,} terms"
        return to_folder(fitted), {"linear": said}


def read_pretrained(folder: str) -> Pretrained:
    """The language model saved in `folder`. Raises BundleError, and OptionError where it is another model."""
    saved = bundle.read(Path(folder))
    if not isinstance(saved.task, Language):
        raise OptionError(
            f"{folder} is a model for the task {saved.task.name!r}: pretrained is for those of anaphora train language"
        )
    return Pretrained.of(saved.task, saved.arrays)
