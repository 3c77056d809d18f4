"""Margins for a forecaster's quantiles, so that its intervals cover as much of unseen values as they should.

Conformalised quantile regression (Romano, Patterson & Candes 2019) needs held-out windows, and a short series has none
to spare. So each training window is scored as if it had been held out, as in CV+ (Barber et al. 2021), and only the
linear part of the model is refitted without it (docs/decisions.md).
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.forecast.autoregression import Autoregression
from anaphora.tasks.forecast.runner import ForecastRunner
from anaphora.tasks.forecast.task import MANY_WINDOWS, Forecast
from anaphora.tasks.forecast.windows import WindowDataset


def calibrated(runner: ForecastRunner, windows: WindowDataset, truth_Nh: NDArray[np.float64]) -> Forecast:
    """The task with margins that make the quantiles cover the truth of the windows, `[N, h]`, before `task.values`; the
    unchanged task where no truth is known.
    """
    task = runner.task
    known_N = np.isfinite(truth_Nh).all(1)
    if not known_N.any():
        return task
    batch = windows.take(np.arange(len(windows)))
    unit_N1 = batch.deviation_B1 * batch.unit
    quantiles_NhQ = runner.transformed(windows)[:, :, 1:] / unit_N1[:, :, None]
    return replace(task, margins=margins(quantiles_NhQ[known_N], (truth_Nh / unit_N1)[known_N], task.options.quantiles))


def as_if_held_out(task: Forecast, windows: WindowDataset, linear: Autoregression) -> NDArray[np.float64]:
    """The truth of training windows, shifted by how much the linear autoregression gets worse when it is fitted without
    them: as far from the answers as if they had been held out. NaN where that is not known.
    """
    truth_Nh = windows.truth()
    if not task.options.linear or len(windows) >= MANY_WINDOWS:
        return truth_Nh * np.nan
    return truth_Nh + linear.answer(windows.take(np.arange(len(windows)))) - linear.out_of_fold(windows)


def margins(
    quantiles_NhQ: NDArray[np.float64], truth_Nh: NDArray[np.float64], levels: Sequence[float]
) -> tuple[float, ...]:
    """What is added to each quantile, so that the intervals between symmetric levels cover as much as they should. All
    steps are pooled; the finite-sample correction counts windows.
    """
    margins_Q = np.zeros(len(levels))
    for low in range(len(levels)):
        for high in range(low + 1, len(levels)):
            if abs(levels[low] + levels[high] - 1) < 1e-9:
                outside_Nh = np.maximum(quantiles_NhQ[:, :, low] - truth_Nh, truth_Nh - quantiles_NhQ[:, :, high])
                rank = math.ceil(round((len(truth_Nh) + 1) * (levels[high] - levels[low]), 9))  # 0.8 - 0.2 > 0.6
                share = min(1.0, rank / len(truth_Nh))
                margin = float(np.quantile(outside_Nh, share, method="inverted_cdf"))
                margins_Q[low], margins_Q[high] = -margin, margin
    return tuple(margins_Q.tolist())
