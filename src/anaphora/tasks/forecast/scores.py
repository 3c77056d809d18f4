"""The scores of a forecaster and of its baselines, from rolling origins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.extras import load_name
from anaphora.report.examined import Table
from anaphora.tasks.forecast.plots import ForecastPlot
from anaphora.tasks.forecast.task import MEDIAN

NETWORK = "network"
SHOWN_SCORES = {"mae": "MAE", "rmse": "RMSE", "mase": "MASE", "smape": "sMAPE, %"}
"""The scores in tables, and their headings."""
BASELINE_NAMES = {
    "linear": "the linear autoregression",
    "seasonal": "the seasonal naive forecast",
    "last": "repeating the last value",
}


@dataclass(frozen=True)
class Backtest:
    """A forecaster's answers from rolling origins: `scores` as of `compare_forecasts`, and plots of some windows."""

    scores: dict[str, Any]
    levels: Sequence[float]
    plots: Sequence[ForecastPlot]

    def tables(self, data: str) -> list[Table | str]:
        scores = self.scores
        models = {NETWORK: scores, **scores["baselines"]}
        rows = [[name, *(f"{model[key]:.4g}" for key in SHOWN_SCORES)] for name, model in models.items()]
        title = f"{scores['horizon']:,} steps ahead, {scores['windows']:,} windows ({data})"
        parts: list[Table | str] = [Table(["", *SHOWN_SCORES.values()], rows, title)]
        covered = ", ".join(
            f"{actual:.1%} of the values are in the {float(nominal):.0%} interval"
            for nominal, actual in scores["coverage"].items()
        )
        return [*parts, f"Coverage: {covered}."] if covered else parts

    def page(self, training: Mapping[str, Any], data: str) -> str:
        html: str = load_name("anaphora.tasks.forecast.page.page")(self, training, data)
        return html


def compare_forecasts(
    truth_Nh: NDArray[np.float64],
    answers_NhC: NDArray[np.float64],
    levels: Sequence[float],
    baselines: Mapping[str, NDArray[np.float64]],
    units_N: NDArray[np.float64],
    deviations_N: NDArray[np.float64],
    origins_N: NDArray[Any],
    overlap: int,
) -> dict[str, Any]:
    """The network's scores, those of every baseline under `baselines`, and `verdict`, a sentence.

    `answers_NhC` are the network's mean and quantiles; squared errors are of the mean, absolute ones of the median,
    which minimise them (Gneiting 2011). `units_N` are the errors that MASE divides by, `deviations_N` the deviations
    that `mse_scaled` divides by. `origins_N` are comparable, and equal for windows that begin at the same time; windows
    with `overlap` or more origins between their beginnings share no step. `comparison` holds, for each baseline, the
    difference of the mean absolute scaled errors with its 95 % interval (`metrics.mean_difference`; the network is
    better below 0). `by_step` holds the mean absolute errors at each step of the horizon, and the network's differences
    to the baselines.
    """
    quantiles_NhQ = answers_NhC[:, :, 1:]
    answers = {NETWORK: quantiles_NhQ[:, :, list(levels).index(MEDIAN)], **baselines}
    means = {NETWORK: answers_NhC[:, :, 0], **baselines}
    by_model = {
        name: metrics.absolute(truth_Nh, answers[name], units_N) | metrics.squared(truth_Nh, means[name], deviations_N)
        for name in answers
    }
    scores: dict[str, Any] = by_model.pop(NETWORK) | {
        "pinball": metrics.pinball(truth_Nh, quantiles_NhQ, levels),
        "coverage": metrics.coverage(truth_Nh, quantiles_NhQ, levels),
        "n": truth_Nh.size,
        "windows": len(truth_Nh),
        "horizon": truth_Nh.shape[1],
        "baselines": by_model,
    }
    errors = {name: np.abs(answer_Nh - truth_Nh) / units_N[:, None] for name, answer_Nh in answers.items()}
    _, origin_N = np.unique(origins_N, return_inverse=True)
    share = (origin_N.max() + 1) / len(origin_N)  # so that the mean over origins is that over windows
    by_origin = {name: np.bincount(origin_N, error_Nh.mean(1)) * share for name, error_Nh in errors.items()}
    scores["comparison"] = {
        name: metrics.mean_difference(by_origin[NETWORK] - by_origin[name], overlap) for name in baselines
    }
    by_step = {name: np.abs(answer_Nh - truth_Nh).mean(0).tolist() for name, answer_Nh in answers.items()}
    scores["by_step"] = [
        {"step": step + 1, **{name: errors_h[step] for name, errors_h in by_step.items()}}
        | {f"network - {name}": by_step[NETWORK][step] - by_step[name][step] for name in baselines}
        for step in range(truth_Nh.shape[1])
    ]
    scores["verdict"] = forecast_verdict(scores)
    return scores


def naive_error(values_T: NDArray[np.float64], season: int) -> float:
    """The mean absolute error of the seasonal naive forecast within a series; 0 for a series shorter than that."""
    return float(np.abs(values_T[season:] - values_T[:-season]).mean()) if len(values_T) > season else 0.0


def forecast_verdict(scores: Mapping[str, Any]) -> str:
    """Whether the network is better than the best of its baselines, and the difference to each."""
    baselines = scores["baselines"]
    names = sorted(baselines, key=lambda name: float(baselines[name]["mase"]))
    against = "; ".join(_difference(scores, name) for name in names)
    note = " There are too few windows without common steps to test whether this is chance." * _untested(scores)
    return (
        f"{_winner(scores, names[0])} Mean absolute scaled error of the network {scores['mase']:.3f}: {against}.{note}"
    )


def _winner(scores: Mapping[str, Any], best: str) -> str:
    """Who wins, the network or the `best` of its baselines."""
    difference, low, high = (scores["comparison"][best][key] for key in ("difference", "low", "high"))
    if difference == 0:
        return f"The network is as good as {BASELINE_NAMES[best]}; prefer that, it is simpler."
    if low == float("-inf"):
        ahead, behind = ("the network", BASELINE_NAMES[best])[:: -1 if difference > 0 else 1]
        return f"{_capitalized(ahead)} is ahead of {behind}."
    if low <= 0 <= high:
        return f"No clear winner between the network and {BASELINE_NAMES[best]}."
    if difference < 0:
        return f"The network is better than {BASELINE_NAMES[best]}."
    return f"{_capitalized(BASELINE_NAMES[best])} is better than the network: prefer it here, it is simpler, too."


def _capitalized(words: str) -> str:
    return words[0].upper() + words[1:]


def _untested(scores: Mapping[str, Any]) -> bool:
    return any(test["low"] == float("-inf") for test in scores["comparison"].values())


def _difference(scores: Mapping[str, Any], name: str) -> str:
    mase, test = scores["baselines"][name]["mase"], scores["comparison"][name]
    difference, low, high = test["difference"], test["low"], test["high"]
    if difference == 0:
        return f"the same as {BASELINE_NAMES[name]}"
    text = f"{abs(difference):.3f} {'less' if difference < 0 else 'more'} than {BASELINE_NAMES[name]} ({mase:.3f}"
    if low == float("-inf"):
        return f"{text})"
    interval = f"95 % between {low:+.3f} and {high:+.3f}"
    return f"{text}; {interval}{', which may be chance' if low <= 0 <= high else ''})"
