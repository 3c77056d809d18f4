"""How good a model is: NumPy in, plain numbers out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_extra


def classification(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, Any]:
    """Scores of predicted labels: accuracy, F1 (macro, weighted), precision, recall and F1 per class, confusion matrix.

    A label that is in neither list is not counted; where a score would divide by zero it is 0. The confusion matrix has
    a row for each true label and a column for each predicted one, in the order of its `labels`.
    """
    labels = sorted({*truth, *predicted})
    place = {label: k for k, label in enumerate(labels)}
    matrix_KK = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(matrix_KK, ([place[label] for label in truth], [place[label] for label in predicted]), 1)

    right_K, support_K, answered_K = matrix_KK.diagonal(), matrix_KK.sum(axis=1), matrix_KK.sum(axis=0)
    scores = {
        "precision": right_K / np.maximum(answered_K, 1),
        "recall": right_K / np.maximum(support_K, 1),
        "f1": 2 * right_K / np.maximum(answered_K + support_K, 1),
    }
    n = len(truth)
    macro = {name: float(score_K.mean()) for name, score_K in scores.items()}
    weighted = {name: float(score_K @ support_K) / n for name, score_K in scores.items()}
    return {
        "accuracy": float(right_K.sum()) / n,
        "macro_f1": macro["f1"],
        "weighted_f1": weighted["f1"],
        "n": n,
        "per_class": {
            label: {name: float(score_K[k]) for name, score_K in scores.items()} | {"support": int(support_K[k])}
            for k, label in enumerate(labels)
        },
        "macro": macro | {"support": n},
        "weighted": weighted | {"support": n},
        "confusion_matrix": {"labels": labels, "rows": matrix_KK.tolist()},
    }


def mcnemar(truth: Sequence[str], first: Sequence[str], second: Sequence[str]) -> dict[str, Any]:
    """Is the difference between two classifiers on the same rows more than chance? (McNemar 1947, exact form.)

    Only rows that exactly one of the two got right count: under chance each is right on half of them (a two-sided
    binomial test).
    """
    first_right = np.asarray(first, object) == np.asarray(truth, object)
    second_right = np.asarray(second, object) == np.asarray(truth, object)
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    differing = only_first + only_second
    p = load_extra("scipy.stats").binomtest(only_first, differing).pvalue if differing else 1.0
    return {"only_first_right": only_first, "only_second_right": only_second, "p_value": float(p)}


def regression(truth: NDArray[Any], predicted: NDArray[Any]) -> dict[str, Any]:
    """Mean absolute error, root mean squared error (both in the target's unit) and R2."""
    error = np.asarray(predicted, float) - np.asarray(truth, float)
    spread = float(((truth - truth.mean(0)) ** 2).sum())
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": 1 - float((error**2).sum()) / spread if spread else float("nan"),
        "n": len(error),
    }
