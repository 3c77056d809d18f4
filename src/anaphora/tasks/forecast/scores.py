"""One set of windows, several forecasters: the scores, and who wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.tasks.forecast.times import Stamps
from anaphora.report.words import forecast_verdict
from anaphora.tasks.forecast.task import MEDIAN

NETWORK = "network"


@dataclass(frozen=True)
class Window:
    """One window, for a picture: what came before, what came then, what was answered."""

    title: str
    past_stamps_T: Stamps
    past_T: NDArray[np.float64]
    stamps_h: Stamps
    came_h: NDArray[np.float64] | None
    quantiles_hQ: NDArray[np.float64]
    baselines: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Backtest:
    """A forecaster's answers from rolling origins: `scores` are those of `compare_forecasts`."""

    scores: dict[str, Any]
    levels: Sequence[float]
    shown: Sequence[Window]


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
    """The network's scores, those of every baseline under `baselines`, and who wins.

    `answers_NhC` are the network's mean and quantiles; the mean is judged by squared errors, the median by absolute
    ones, each by what it minimises (Gneiting 2011).
    `units_N` are the errors that MASE divides by, `deviations_N` those that `mse_scaled` does, `origins_N` tell which
    windows begin at the same time, in order, and `overlap` is how many origins later the first window begins that has
    no step in common with one. `comparison` holds, for each baseline, the difference of the mean absolute scaled errors
    with its 95 % interval (`metrics.mean_difference`; below 0 the network is better), and `by_step` the mean absolute
    errors at each step of the horizon, with the network's differences to the others.
    """
    quantiles_NhQ = answers_NhC[:, :, 1:]
    answers = {NETWORK: quantiles_NhQ[:, :, list(levels).index(MEDIAN)], **baselines}
    means = {NETWORK: answers_NhC[:, :, 0], **baselines}
    of = {
        name: metrics.absolute(truth_Nh, answers[name], units_N) | metrics.squared(truth_Nh, means[name], deviations_N)
        for name in answers
    }
    scores: dict[str, Any] = of.pop(NETWORK) | {
        "pinball": metrics.pinball(truth_Nh, quantiles_NhQ, levels),
        "coverage": metrics.coverage(truth_Nh, quantiles_NhQ, levels),
        "n": truth_Nh.size,
        "windows": len(truth_Nh),
        "horizon": truth_Nh.shape[1],
        "baselines": of,
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
        {"step": step + 1, **{name: own[step] for name, own in by_step.items()}}
        | {f"network - {name}": by_step[NETWORK][step] - by_step[name][step] for name in baselines}
        for step in range(truth_Nh.shape[1])
    ]
    scores["verdict"] = forecast_verdict(scores)
    return scores


def naive_error(values_T: NDArray[np.float64], season: int) -> float:
    """The mean absolute error of the value a season before, within a series; 0 where it is shorter, too."""
    return float(np.abs(values_T[season:] - values_T[:-season]).mean()) if len(values_T) > season else 0.0
