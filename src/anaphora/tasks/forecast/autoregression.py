"""A linear autoregression: ridge regression from a window's past to all steps of its horizon at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.forecast.windows import WindowBatch, WindowDataset

STRENGTHS = 10.0 ** np.arange(1, -9, -1)
"""The strengths of the ridge that are tried, in units of the inputs' mean square; the first wins a tie."""
VALIDATION_PART = 5
"""One in so many windows, the latest of each series, validates the strength."""
FOLDS, MIN_FIT = 10, 2
"""The folds of the out-of-fold answers, and the windows that a fit needs at least."""
MAX_BATCH = 4_096
Moments = tuple[NDArray[np.float64], NDArray[np.float64], float]


@dataclass(frozen=True)
class Autoregression:
    """Weights `[D + 1, h]` of D inputs and of 1, and the strength of the ridge."""

    weights_Dh: NDArray[np.float64]
    strength: float

    @classmethod
    def fit(cls, windows: WindowDataset) -> Self:
        """Choose the strength on the latest fifth of the windows, then fit on all of them."""
        strength, _ = _best(windows)
        return cls(_solve(_moments(windows, np.arange(len(windows))), strength), strength)

    def answer(self, batch: WindowBatch) -> NDArray[np.float64]:
        """The next values, `[B, h]`."""
        outputs_Bh = _with_one(batch.linear_inputs) @ self.weights_Dh
        return batch.mean_B1 + batch.deviation_B1 * (batch.offset + batch.unit * outputs_Bh)

    def out_of_fold(self, windows: WindowDataset) -> NDArray[np.float64]:
        """The answers, `[N, h]`, of autoregressions of this strength that were not fitted on the windows: each tenth is
        predicted from the windows that share no step of the horizon with it; NaN where hardly any are left.
        """
        N, horizon = len(windows), windows.shape.horizon
        answers_Nh = np.full((N, horizon), np.nan)
        for fold in np.array_split(np.arange(N), min(FOLDS, N)):
            fitted = np.concatenate([np.arange(fold[0] - horizon + 1), np.arange(fold[-1] + horizon, N)])
            if len(fitted) >= MIN_FIT:
                weights_Dh = _solve(_moments(windows, fitted), self.strength)
                answers_Nh[fold] = Autoregression(weights_Dh, self.strength).answer(windows.take(fold))
        return answers_Nh


def validation_error(windows: WindowDataset, phases: int) -> float:
    """The squared error of a linear autoregression on the latest fifth, fitted on the earlier windows; it also reads
    the first `phases` calendar features of the horizon's first step.
    """
    return _best(windows, phases)[1]


def _best(windows: WindowDataset, phases: int = 0) -> tuple[float, float]:
    """The best strength, and its error on the latest fifth."""
    fitted, validation = (_moments(windows, chosen, phases) for chosen in _early_and_late(windows))
    errors = {float(strength): _error(_solve(fitted, strength), validation) for strength in STRENGTHS}
    return min(errors.items(), key=lambda item: item[1])


def _early_and_late(windows: WindowDataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The latest fifth of each series' windows, and before it the windows that share no step of the horizon with it."""
    early, late = [], []
    for series in np.unique(windows.series_N):
        of_series = np.flatnonzero(windows.series_N == series)
        begin = len(of_series) - max(1, len(of_series) // VALIDATION_PART)
        late.append(of_series[begin:])
        early.append(of_series[: max(begin - windows.shape.horizon, (begin + 1) // 2)])
    return np.concatenate(early), np.concatenate(late)


def _with_one(x_BD: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([x_BD, np.ones((len(x_BD), 1))], 1)


def _moments(windows: WindowDataset, chosen: NDArray[np.int64], phases: int = 0) -> Moments:
    """Sums of products: of inputs with inputs, of inputs with targets, and of squared targets."""
    gram, cross, square = np.zeros(()), np.zeros(()), 0.0
    for part in _parts(chosen):
        batch = windows.take(part)
        x_BD = _with_one(np.concatenate([batch.linear_inputs, batch.known_BhF[:, 0, 1 : 1 + phases]], 1))
        y_Bh = batch.normalize(windows.actual(part)).astype(np.float64)
        gram, cross = gram + x_BD.T @ x_BD, cross + x_BD.T @ y_Bh
        square += float((y_Bh**2).sum())
    return gram, cross, square


def _parts(chosen: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for first in range(0, max(1, len(chosen)), MAX_BATCH):
        yield chosen[first : first + MAX_BATCH]


def _solve(moments: Moments, strength: float) -> NDArray[np.float64]:
    gram, cross, _ = moments
    penalty = np.full(len(gram), strength * float(np.trace(gram)) / len(gram))
    penalty[-1] = 0  # the constant is not penalised
    return np.asarray(np.linalg.lstsq(gram + np.diag(penalty), cross, rcond=None)[0], np.float64)


def _error(weights_Dh: NDArray[np.float64], moments: Moments) -> float:
    """The squared error on windows, from their moments."""
    gram, cross, square = moments
    return float((weights_Dh * (gram @ weights_Dh)).sum() - 2 * (weights_Dh * cross).sum() + square)
