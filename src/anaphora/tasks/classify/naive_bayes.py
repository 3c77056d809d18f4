"""Naive-Bayes weights of tokens, as initial values of token vectors: they help on small data."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def log_count_ratios(
    rows: Sequence[NDArray[Any]], targets: NDArray[np.int64], vocabulary: int, classes: int
) -> NDArray[np.float64]:
    """The log-count ratio of each token and label, `[V, K]` (Wang & Manning 2012, section 2.1).

    It is the logarithm of the token's frequency in the label's texts over its frequency in all other texts. A text
    counts a token once, and every count is incremented by one.
    """
    count_KV = np.zeros((classes, vocabulary))
    for row, target in zip(rows, targets, strict=True):
        count_KV[target, np.unique(row)] += 1
    others_KV = count_KV.sum(axis=0) - count_KV + 1
    count_KV += 1
    frequency_KV = count_KV / count_KV.sum(axis=1, keepdims=True)
    other_frequency_KV = others_KV / others_KV.sum(axis=1, keepdims=True)
    return np.log(frequency_KV / other_frequency_KV).T


def initial_columns(ratios_VK: NDArray[np.float64], width: int, deviation: float, seed: int) -> NDArray[np.float32]:
    """`[V, width]`: random combinations of the labels' ratios, scaled to a standard deviation."""
    mixed_VW = ratios_VK @ np.random.default_rng([seed, 2]).standard_normal((ratios_VK.shape[1], width))
    spread = mixed_VW.std()
    return (mixed_VW * (deviation / spread if spread > 0 else 0)).astype(np.float32)
