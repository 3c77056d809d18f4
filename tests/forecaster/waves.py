"""Series that a forecaster learns within a second, and options for it."""

from typing import Any

import numpy as np

QUICK: dict[str, Any] = {"horizon": 4, "lookback": 8, "hidden_size": 8, "steps": 60, "batch_size": 16}
MONTHS = [f"{1990 + i // 12}-{i % 12 + 1:02d}" for i in range(160)]
T = np.arange(160.0)
DAYS = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + 180)
WAVE = 20 + 3 * np.sin(2 * np.pi * T / 12) + 0.05 * T


def noisy(T: int, seed: int) -> np.ndarray:
    """A wave with noise that nothing can predict."""
    return 10 + 3 * np.sin(2 * np.pi * np.arange(T) / 12) + np.random.default_rng(seed).normal(size=T)
