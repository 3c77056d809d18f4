"""A linear autoregression: ridge regression from the past of a window to every step of its horizon at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.forecast.windows import Origins, View

STRENGTHS = 10.0 ** np.arange(1, -9, -1)
"""Of the ridge, in units of the inputs' mean square; where none is better, the first is taken."""
CHOSEN_BY = 5
"""One in so many windows, the latest of each series, chooses the strength."""
FOLDS, FEWEST_LEFT = 10, 2
"""How many parts of the windows are each foretold from the others, and how many of these that takes."""
Moments = tuple[NDArray[np.float64], NDArray[np.float64], float]


@dataclass(frozen=True)
class Autoregression:
    """Weights `[D + 1, h]` from D inputs and 1, and the strength of the ridge."""

    weights_Dh: NDArray[np.float64]
    strength: float

    @classmethod
    def fit(cls, windows: Origins) -> Self:
        """Fit on windows of the whole horizon; the strength is chosen on the latest fifth, and all are fitted anew."""
        strength, _ = _best(windows)
        return cls(_solve(_moments(windows, np.arange(len(windows))), strength), strength)

    def answer(self, view: View) -> NDArray[np.float64]:
        """What comes next, in the unit of the strands' numbers, `[B, h]`."""
        found_Bh = _with_one(view.recent) @ self.weights_Dh
        return view.mean_B1 + view.deviation_B1 * (view.offset + view.unit * found_Bh)

    def unseen(self, windows: Origins) -> NDArray[np.float64]:
        """What one of the same strength says of windows that it was not fitted on, `[N, h]`: each tenth is foretold
        from those that share no step of the horizon with it; NaN where hardly any are left.
        """
        N, horizon = len(windows), windows.shape.horizon
        found_Nh = np.full((N, horizon), np.nan)
        for own in np.array_split(np.arange(N), min(FOLDS, N)):
            left = np.concatenate([np.arange(own[0] - horizon + 1), np.arange(own[-1] + horizon, N)])
            if len(left) >= FEWEST_LEFT:
                weights_Dh = _solve(_moments(windows, left), self.strength)
                found_Nh[own] = Autoregression(weights_Dh, self.strength).answer(windows.view(own))
        return found_Nh


def error_of_the_latest(windows: Origins, phases: int) -> float:
    """The squared error of a linear autoregression on the latest fifth, fitted on those before; it reads the first
    `phases` numbers of the calendar, too, at the first step of the horizon.
    """
    return _best(windows, phases)[1]


def _best(windows: Origins, phases: int = 0) -> tuple[float, float]:
    """The best strength, and its error on the latest fifth."""
    fitted, checked = (_moments(windows, places, phases) for places in _early_and_late(windows))
    errors = {float(strength): _error(_solve(fitted, strength), checked) for strength in STRENGTHS}
    return min(errors.items(), key=lambda found: found[1])


def _early_and_late(windows: Origins) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The latest fifth of each strand's windows, and those before that share no step of the horizon with them."""
    early, late = [], []
    for strand in np.unique(windows.strand_N):
        own = np.flatnonzero(windows.strand_N == strand)
        begin = len(own) - max(1, len(own) // CHOSEN_BY)
        late.append(own[begin:])
        early.append(own[: max(begin - windows.shape.horizon, (begin + 1) // 2)])
    return np.concatenate(early), np.concatenate(late)


def _with_one(x_BD: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([x_BD, np.ones((len(x_BD), 1))], 1)


def _moments(windows: Origins, places: NDArray[np.int64], phases: int = 0) -> Moments:
    """Sums of products: of inputs with inputs, of inputs with targets, and of squared targets."""
    gram, cross, square = np.zeros(()), np.zeros(()), 0.0
    for chosen in _parts(places):
        view = windows.view(chosen)
        x_BD = _with_one(np.concatenate([view.recent, view.known_BhF[:, 0, 1 : 1 + phases]], 1))
        y_Bh = view.units(windows.came(chosen)).astype(np.float64)
        gram, cross = gram + x_BD.T @ x_BD, cross + x_BD.T @ y_Bh
        square += float((y_Bh**2).sum())
    return gram, cross, square


def _parts(places: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    for first in range(0, max(1, len(places)), 4_096):
        yield places[first : first + 4_096]


def _solve(moments: Moments, strength: float) -> NDArray[np.float64]:
    gram, cross, _ = moments
    pulled = np.full(len(gram), strength * float(np.trace(gram)) / len(gram))
    pulled[-1] = 0  # not the constant
    return np.asarray(np.linalg.lstsq(gram + np.diag(pulled), cross, rcond=None)[0], np.float64)


def _error(weights_Dh: NDArray[np.float64], moments: Moments) -> float:
    """The squared error on other windows, from their sums."""
    gram, cross, square = moments
    return float((weights_Dh * (gram @ weights_Dh)).sum() - 2 * (weights_Dh * cross).sum() + square)
