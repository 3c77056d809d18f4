"""A head start for small data: token vectors that begin with what counting alone says of each label."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def log_count_ratios(
    rows: Sequence[NDArray[Any]], targets: NDArray[np.int64], vocabulary: int, classes: int
) -> NDArray[np.float64]:
    """How much more often each token occurs in texts of a label than in the others: `[V, K]`.

    The logarithm of (share of the token among the tokens of the label) / (its share among those of all other labels),
    each text counting a token once and every count one larger (Wang & Manning 2012, section 2.1).
    """
    count_KV = np.zeros((classes, vocabulary))
    for row, target in zip(rows, targets, strict=True):
        count_KV[target, np.unique(row)] += 1
    others_KV = count_KV.sum(axis=0) - count_KV + 1
    count_KV += 1
    share_KV = count_KV / count_KV.sum(axis=1, keepdims=True)
    other_share_KV = others_KV / others_KV.sum(axis=1, keepdims=True)
    return np.log(share_KV / other_share_KV).T


def head_start(ratios_VK: NDArray[np.float64], width: int, deviation: float, seed: int) -> NDArray[np.float32]:
    """`[V, width]`: random mixtures of the labels' ratios, scaled to a standard deviation."""
    mixed_VW = ratios_VK @ np.random.default_rng([seed, 2]).standard_normal((ratios_VK.shape[1], width))
    spread = mixed_VW.std()
    return (mixed_VW * (deviation / spread if spread > 0 else 0)).astype(np.float32)
