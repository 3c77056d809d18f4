"""How far quantiles are to be moved apart, so that their ranges hold as much as they say of what was not learned from.

Conformalised quantile regression (Romano, Patterson & Candes 2019) wants windows that the model has not seen, and a short
series has none to spare. So each window is judged as if it had been left out, as in CV+ (Barber et al. 2021), and of the
model only its linear part is fitted anew without it (docs/decisions.md).
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def margins(
    quantiles_NhQ: NDArray[np.float64], truth_Nh: NDArray[np.float64], levels: Sequence[float]
) -> tuple[float, ...]:
    """What is to be added to each of the quantiles of windows, all in the windows' units: nothing, or what moves a pair
    of levels as far from the median apart. Steps are counted together, and windows as if each had one step.
    """
    found_Q = np.zeros(len(levels))
    for low in range(len(levels)):
        for high in range(low + 1, len(levels)):
            if abs(levels[low] + levels[high] - 1) < 1e-9:
                outside_Nh = np.maximum(quantiles_NhQ[:, :, low] - truth_Nh, truth_Nh - quantiles_NhQ[:, :, high])
                share = math.ceil((len(truth_Nh) + 1) * (levels[high] - levels[low])) / len(truth_Nh)
                far = float(np.quantile(outside_Nh, min(1.0, share), method="inverted_cdf"))
                found_Q[low], found_Q[high] = -max(0.0, far), max(0.0, far)
    return tuple(found_Q.tolist())
