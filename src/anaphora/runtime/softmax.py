"""How likely tokens are, some rows at a time: the sheet of all scores, `[N, V]`, never exists."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK_NUMBERS = 1 << 21
"""Scores that exist at once."""


def scores(x_NH: Any, weight_VH: Any, bias_V: Any, targets_N: Any) -> NDArray[np.float32]:
    """The targets' log-probabilities, and 1 where the target's is the highest, 0 elsewhere: `[N, 2]`."""
    found = np.empty((len(x_NH), 2), np.float32)
    size = max(1, CHUNK_NUMBERS // len(weight_VH))
    for first in range(0, len(x_NH), size):
        rows = slice(first, first + size)
        logits_CV = x_NH[rows] @ weight_VH.T + bias_V
        of_target_C = np.take_along_axis(logits_CV, targets_N[rows, None], 1)[:, 0]
        highest_C = logits_CV.max(1)
        logits_CV -= highest_C[:, None]
        found[rows, 0] = of_target_C - highest_C - np.log(np.exp(logits_CV, out=logits_CV).sum(1))
        found[rows, 1] = of_target_C >= highest_C
    return found
