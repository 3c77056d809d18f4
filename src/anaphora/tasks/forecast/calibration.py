"""How far a forecaster's quantiles are to be moved, so that their ranges hold what they say of values not learned from.

Conformalised quantile regression (Romano, Patterson & Candes 2019) wants windows that were left out, and a short series
has none to spare. So each window that was learned from is judged as if it had been left out, as in CV+ (Barber et al.
2021), and of the model only its linear part is fitted anew without it (docs/decisions.md).
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.forecast.windows import Origins
from anaphora.tasks.forecast.runner import Foreteller
from anaphora.tasks.forecast.task import MANY, Forecast
from anaphora.tasks.forecast.autoregression import Autoregression


def calibrated(foreteller: Foreteller, windows: Origins, truth_Nh: NDArray[np.float64]) -> Forecast:
    """The task with margins by which the quantiles hold the truth of some windows, `[N, h]` in the strands' unit; where
    that is not known of any of them, the task as it is.
    """
    task = foreteller.task
    there = np.isfinite(truth_Nh).all(1)
    if not there.any():
        return task
    view = windows.view(np.arange(len(windows)))
    unit_N1 = view.deviation_B1 * view.unit
    quantiles_NhQ = foreteller.numbers(windows)[:, :, 1:] / unit_N1[:, :, None]
    found = margins(quantiles_NhQ[there], (truth_Nh / unit_N1)[there], task.options.quantiles)
    return replace(task, margins=found)


def as_if_left_out(task: Forecast, windows: Origins, linear: Autoregression) -> NDArray[np.float64]:
    """The truth of windows that were learned from, moved by what the linear autoregression gets worse by where it is
    fitted without them: as far off as if they had been left out. NaN where that is not known.
    """
    truth_Nh, direct = windows.truth(), task.options.strategy == "direct"
    if not (task.options.linear and direct) or len(windows) >= MANY:
        return truth_Nh * np.nan
    return truth_Nh + linear.answer(windows.view(np.arange(len(windows)))) - linear.unseen(windows)


def margins(
    quantiles_NhQ: NDArray[np.float64], truth_Nh: NDArray[np.float64], levels: Sequence[float]
) -> tuple[float, ...]:
    """What is to be added to each of the quantiles of windows, so that the ranges between levels as far from the median
    hold as much as they should. Steps are counted together, and windows as if each had one step.
    """
    found_Q = np.zeros(len(levels))
    for low in range(len(levels)):
        for high in range(low + 1, len(levels)):
            if abs(levels[low] + levels[high] - 1) < 1e-9:
                outside_Nh = np.maximum(quantiles_NhQ[:, :, low] - truth_Nh, truth_Nh - quantiles_NhQ[:, :, high])
                rank = math.ceil(round((len(truth_Nh) + 1) * (levels[high] - levels[low]), 9))  # 0.8 - 0.2 > 0.6
                share = min(1.0, rank / len(truth_Nh))
                far = float(np.quantile(outside_Nh, share, method="inverted_cdf"))
                found_Q[low], found_Q[high] = -far, far
    return tuple(found_Q.tolist())
