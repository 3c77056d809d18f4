"""The plots of a forecaster: errors by step, and a fan of quantiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_extra
from anaphora.report import plots
from anaphora.report.plots import INK, LINEAR, NETWORK
from anaphora.tasks.forecast.task import MEDIAN
from anaphora.tasks.forecast.times import Stamps


@dataclass(frozen=True)
class ForecastPlot:
    """What is drawn of one window: the past, the actual values where they are known, the answers."""

    title: str
    past_stamps_T: Stamps
    past_T: NDArray[np.float64]
    stamps_h: Stamps
    actual_h: NDArray[np.float64] | None
    quantiles_hQ: NDArray[np.float64]
    baselines: Mapping[str, NDArray[np.float64]]


def errors_by_step(by_step: Sequence[Mapping[str, float]], baselines: Sequence[str]) -> str:
    """Mean absolute errors against the step of the horizon."""
    figure, axes = plots.figure("steps ahead", "mean absolute error")
    steps = [line["step"] for line in by_step]
    dashes = dict(zip(baselines, ("--", "-.", ":"), strict=False))
    for name, dash in dashes.items():
        colour = LINEAR if name == "linear" else INK
        axes.plot(steps, [line[name] for line in by_step], color=colour, linewidth=1.1, linestyle=dash, label=name)
    axes.plot(steps, [line["network"] for line in by_step], color=NETWORK, label="network")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return plots.svg(figure)


def fan(plot: ForecastPlot, levels: Sequence[float]) -> str:
    """The past, the intervals and the median of the answer, and the actual values, where they are known."""
    figure, axes = plots.figure("", "", plots.WIDE)
    past, ahead = plot.past_stamps_T, plot.stamps_h
    joined = np.concatenate([past[-1:], ahead])
    axes.plot(past, plot.past_T, color=INK, linewidth=1.1)
    bands = len(levels) // 2
    for low in range(bands):
        high = len(levels) - 1 - low
        low_h, high_h = (plot.quantiles_hQ[:, index] for index in (low, high))
        label = f"{levels[high] - levels[low]:.0%} interval"
        alpha = (0.36 + 0.28 * low) / bands
        axes.fill_between(ahead, low_h, high_h, color=NETWORK, alpha=alpha, linewidth=0, label=label)
    middle = list(levels).index(MEDIAN)
    from_last = np.concatenate([plot.past_T[-1:], plot.quantiles_hQ[:, middle]])
    axes.plot(joined, from_last, color=NETWORK, label="network, median")
    if "linear" in plot.baselines:
        axes.plot(ahead, plot.baselines["linear"], color=LINEAR, linewidth=1.1, linestyle="--", label="linear")
    if plot.actual_h is not None:
        actual = np.concatenate([plot.past_T[-1:], plot.actual_h])
        axes.plot(joined, actual, color=INK, linewidth=1.1, marker="o", markersize=plots.MARKER, label="actual")
    if past.dtype.kind == "M":
        dates = load_extra("matplotlib.dates")
        # Multiples of days start again in each month, where the labels of the last and the first would overlap.
        axes.xaxis.set_major_locator(dates.AutoDateLocator(interval_multiples=False))
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left", bbox_to_anchor=(1, 1))
    return plots.svg(figure)
