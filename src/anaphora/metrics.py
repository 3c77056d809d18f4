"""How good a model is: NumPy in, plain numbers out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_extra


def classification(
    truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str] | None = None
) -> dict[str, Any]:
    """Scores of predicted labels: accuracy, F1 (macro, weighted), precision, recall and F1 per class, confusion matrix.

    `labels` are those that the means run over, by default all that occur in either list; where a score would divide by
    zero it is 0. The confusion matrix has a row for each true label and a column for each predicted one, in the order
    of its `labels`.
    """
    labels = sorted({*truth, *predicted} if labels is None else labels)
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


def absolute(truth_Nh: NDArray[Any], answers_Nh: NDArray[Any], units_N: NDArray[Any]) -> dict[str, float]:
    """Absolute errors of forecasts of N windows: `mae`, in the values' unit; `mase`, each window's divided by its unit
    (Hyndman & Koehler 2006); `smape`, 200 |y - x| / (|y| + |x|), in percent (Makridakis & Hibon 2000).
    """
    error_Nh, size_Nh = np.abs(answers_Nh - truth_Nh), np.abs(truth_Nh) + np.abs(answers_Nh)
    share_Nh = np.divide(error_Nh, size_Nh, out=np.zeros_like(size_Nh), where=size_Nh > 0)
    return {
        "mae": float(error_Nh.mean()),
        "mase": float((error_Nh / units_N[:, None]).mean()),
        "smape": float(200 * share_Nh.mean()),
    }


def squared(truth_Nh: NDArray[Any], answers_Nh: NDArray[Any], deviations_N: NDArray[Any]) -> dict[str, float]:
    """Squared errors of forecasts of N windows: `rmse`, in the values' unit; `mse_scaled`, of values divided by each
    window's deviation, as papers on long horizons have it.
    """
    error_Nh = answers_Nh - truth_Nh
    return {
        "rmse": float(np.sqrt((error_Nh**2).mean())),
        "mse_scaled": float(((error_Nh / deviations_N[:, None]) ** 2).mean()),
    }


def pinball(truth_Nh: NDArray[Any], quantiles_NhQ: NDArray[Any], levels: Sequence[float]) -> float:
    """Mean quantile loss (Koenker & Bassett 1978), doubled, in the values' unit."""
    far_NhQ = truth_Nh[:, :, None] - quantiles_NhQ
    levels_Q = np.array(levels)
    return float(2 * np.maximum(levels_Q * far_NhQ, (levels_Q - 1) * far_NhQ).mean())


def coverage(truth_Nh: NDArray[Any], quantiles_NhQ: NDArray[Any], levels: Sequence[float]) -> dict[str, float]:
    """How much of what came lies between each pair of levels that are as far from the median; the keys say how much
    should, `0.8` for 0.1 and 0.9.
    """
    found = {}
    for low, level in enumerate(levels):
        for high in range(low + 1, len(levels)):
            if abs(levels[high] - (1 - level)) < 1e-9:
                inside = (quantiles_NhQ[:, :, low] <= truth_Nh) & (truth_Nh <= quantiles_NhQ[:, :, high])
                found[f"{levels[high] - level:.3g}"] = float(inside.mean())
    return found


def mean_difference(differences_N: NDArray[Any], overlap: int) -> dict[str, float]:
    """The mean of differences of losses in order of time, with its 95 % interval: `difference`, `low`, `high`.

    Neighbours that share steps are alike: the variance counts their covariances (Newey & West 1987), as in the test of
    Diebold & Mariano (1995), up to `overlap` - 1 places apart; Student's t has as many degrees of freedom as there are
    windows that share nothing, less one. With fewer than two of these nothing can be said, and the interval is
    infinite.
    """
    n, mean = len(differences_N), float(differences_N.mean())
    apart = n // max(1, overlap)
    if apart < 2:
        return {"difference": mean, "low": -np.inf, "high": np.inf}
    centred_N = differences_N - mean
    variance = float(centred_N @ centred_N)
    for lag in range(1, overlap):
        variance += 2 * (1 - lag / overlap) * float(centred_N[lag:] @ centred_N[:-lag])
    half = load_extra("scipy.stats").t.ppf(0.975, apart - 1) * np.sqrt(max(variance, 0.0)) / n
    return {"difference": mean, "low": mean - float(half), "high": mean + float(half)}


def paired(differences_N: NDArray[Any], lengths: Sequence[int] | None = None) -> dict[str, float]:
    """The mean of the differences of two models on the same rows, with its 95 % interval (Student's t over rows):
    `difference`, `low`, `high`.

    Where the differences are those of the steps of rows with these `lengths`, one or more each, every step counts the
    same, and the interval counts rows, within which steps are alike (a ratio of sums over clusters: Cochran 1977,
    ch. 6). With one row nothing can be said, and the interval is infinite.
    """
    counts_R = np.ones(len(differences_N)) if lengths is None else np.array(lengths, float)
    begins_R = (counts_R.cumsum() - counts_R).astype(int)
    sums_R = np.add.reduceat(differences_N, begins_R)
    mean, rows = float(sums_R.sum() / counts_R.sum()), len(counts_R)
    if rows < 2:
        return {"difference": mean, "low": -np.inf, "high": np.inf}
    around_R = sums_R - mean * counts_R
    error = np.sqrt(rows / (rows - 1) * (around_R**2).sum()) / counts_R.sum()
    half = float(load_extra("scipy.stats").t.ppf(0.975, rows - 1) * error)
    return {"difference": mean, "low": mean - half, "high": mean + half}


def bootstrap(
    truth: Sequence[str], predicted: Sequence[str], samples: int = 1_000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """The middle 95 % of accuracy and macro F1 over bootstrap samples of the rows (Efron & Tibshirani 1993, ch. 13).

    A sample of rows with replacement is a multinomial draw over the pairs (true label, answer) that occur.
    """
    labels = sorted({*truth, *predicted})
    place = {label: k for k, label in enumerate(labels)}
    K, n = len(labels), len(truth)
    pairs = np.array([place[label] for label in truth]) * K + [place[label] for label in predicted]
    occurring, counts = np.unique(pairs, return_counts=True)
    drawn_SP = np.random.default_rng(seed).multinomial(n, counts / n, samples)
    true_P, answered_P = occurring // K, occurring % K
    right_SK, of_truth_SK, of_answers_SK = (np.zeros((samples, K)) for _ in range(3))
    for p, (t, a) in enumerate(zip(true_P, answered_P, strict=True)):
        of_truth_SK[:, t] += drawn_SP[:, p]
        of_answers_SK[:, a] += drawn_SP[:, p]
        if t == a:
            right_SK[:, t] += drawn_SP[:, p]
    f1_SK = 2 * right_SK / np.maximum(of_truth_SK + of_answers_SK, 1)
    seen_SK = (of_truth_SK + of_answers_SK) > 0
    values = {
        "accuracy": right_SK.sum(axis=1) / n,
        "macro_f1": (f1_SK * seen_SK).sum(axis=1) / np.maximum(seen_SK.sum(axis=1), 1),
    }
    ends = {name: np.quantile(value_S, [0.025, 0.975]) for name, value_S in values.items()}
    return {name: (float(low), float(high)) for name, (low, high) in ends.items()}
