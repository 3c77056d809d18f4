"""One set of rows, several models: the scores, and who wins."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.report.words import verdict


@dataclass(frozen=True)
class Evaluated:
    """A classifier's answers on some rows: `shares_NK` are the probabilities of its `labels`, `scores` those of
    `compare`.
    """

    texts: Sequence[str]
    truth: Sequence[str]
    labels: Sequence[str]
    shares_NK: NDArray[np.float32]
    scores: dict[str, Any]


def compare(
    truth: Sequence[str], predicted: Sequence[str], baselines: Mapping[str, Sequence[str]], known: Sequence[str]
) -> dict[str, Any]:
    """The model's scores, with those of every baseline on the same rows under `baselines`.

    `known` are the model's labels: a true label that is none of them counts as a mistake for everyone, and is listed
    under `unknown_labels`. `comparison` holds McNemar's exact test against the linear baseline, and `verdict` the same
    in plain words.
    """
    labels = sorted({*truth, *predicted, *(label for answers in baselines.values() for label in answers)})
    scores = metrics.classification(truth, predicted, labels)
    scores["baselines"] = {name: metrics.classification(truth, answers, labels) for name, answers in baselines.items()}
    scores["unknown_labels"] = dict(Counter(label for label in truth if label not in set(known)))
    if "linear" in baselines:
        test = metrics.mcnemar(truth, predicted, baselines["linear"])
        scores["comparison"] = {
            "only_network_right": test["only_first_right"],
            "only_linear_right": test["only_second_right"],
            "p_value": test["p_value"],
        }
    scores["verdict"] = verdict(scores)
    return scores
