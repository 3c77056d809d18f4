"""The scores of a text classifier, with every answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_name
from anaphora.report import label_scores
from anaphora.report.examined import Table
from anaphora.tasks.classify.baseline import Baselines


@dataclass(frozen=True)
class ClassifierScores:
    """`scores` as of `report.label_scores.compare`; `probabilities_NK` are those of the `labels` for the `texts`."""

    texts: Sequence[str]
    truth: Sequence[str]
    labels: Sequence[str]
    probabilities_NK: NDArray[np.float32]
    scores: dict[str, Any]

    @classmethod
    def compare(
        cls,
        texts: Sequence[str],
        truth: Sequence[str],
        labels: Sequence[str],
        probabilities_NK: NDArray[np.float32],
        members: Mapping[str, NDArray[np.float32]],
        baselines: Baselines,
        seen_in_training: int,
    ) -> Self:
        """Compare the model with its members and its baselines."""
        predicted = [labels[k] for k in probabilities_NK.argmax(axis=1)]
        by_member = {name: [labels[k] for k in each.argmax(axis=1)] for name, each in members.items()}
        several = by_member if len(by_member) > 1 else None
        scores = label_scores.compare(truth, predicted, baselines.predict(texts), labels, members=several)
        scores["seen_in_training"] = seen_in_training
        return cls(texts, truth, labels, probabilities_NK, scores)

    def tables(self, data: str) -> list[Table | str]:
        return label_scores.tables(self.scores, data)

    def page(self, training: Mapping[str, Any], data: str) -> str:
        html: str = load_name("anaphora.tasks.classify.page.page")(self, training, data)
        return html
