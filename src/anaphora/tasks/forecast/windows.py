"""Windows of series: from each origin a lookback, and the horizon that follows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import Batch

CHECKED_AT_ONCE = 1_024
DIFFERENCES = ("last", "season", "none")
"""What is taken from a window's values: its last one, from each that of a season before, or nothing."""


@dataclass(frozen=True)
class Strand:
    """A series as a network reads it: its values `[T]`, and what is known of each step beforehand `[A, F]`, A >= T.

    `mean` and `deviation` bring values back into the unit of their series.
    """

    values_T: NDArray[np.float64]
    known_AF: NDArray[np.float32]
    mean: float
    deviation: float


@dataclass(frozen=True)
class Shape:
    """How windows are cut, and what is taken from them: `difference` is one of DIFFERENCES; with `own` each window is
    divided by its own size.
    """

    lookback: int
    horizon: int
    segment: int
    season: int
    difference: str
    own: bool
    covariates: int = 0
    """How many of what is known beforehand, the last of it, are covariates and not the calendar's."""

    @property
    def history(self) -> int:
        """How many values before an origin the network reads."""
        return self.lookback + (self.season if self.difference == "season" else 0)

    @property
    def needed(self) -> int:
        """How many values must be before an origin for the network and for the seasonal naive forecast."""
        return max(self.history, self.season)

    @property
    def ahead(self) -> int:
        """The steps that the network answers: the horizon, in whole segments."""
        return -(-self.horizon // self.segment) * self.segment


@dataclass(frozen=True)
class View:
    """Windows up to their origins, as their strands have them: the history `[B, history]`, what is known of the
    lookback's steps `[B, L, F]` and of the horizon's `[B, h, F]`, means and deviations `[B, 1]`.
    """

    shape: Shape
    past_BT: NDArray[np.float64]
    known_BLF: NDArray[np.float32]
    known_BhF: NDArray[np.float32]
    mean_B1: NDArray[np.float64]
    deviation_B1: NDArray[np.float64]

    @cached_property
    def offset(self) -> NDArray[np.float64]:
        """What is given back to the answers, `[B, h]`."""
        horizon = np.arange(self.shape.horizon)
        if self.shape.difference == "season":
            return self.past_BT[:, horizon % self.shape.season - self.shape.season]
        level = self.past_BT[:, -1:] if self.shape.difference == "last" else np.zeros((len(self.past_BT), 1))
        return np.repeat(level, len(horizon), 1)

    @cached_property
    def _recent(self) -> NDArray[np.float64]:
        L, season = self.shape.lookback, self.shape.season
        if self.shape.difference == "season":
            return self.past_BT[:, -L:] - self.past_BT[:, -L - season : -season]
        return self.past_BT - self.past_BT[:, -1:] if self.shape.difference == "last" else self.past_BT

    @cached_property
    def unit(self) -> NDArray[np.float64]:
        """The windows' own size, `[B, 1]`: root mean square; 1 where all is zero, or it is not asked for."""
        size_B1 = np.sqrt(np.square(self._recent).mean(1, keepdims=True))
        return np.where(self.shape.own & (size_B1 > 0), size_B1, 1.0)

    @property
    def recent(self) -> NDArray[np.float64]:
        """What a linear map may read: the lookback, and the covariates of the horizon, `[B, L + h * X]`."""
        B, covariates = len(self.past_BT), self.shape.covariates
        known_BhX = self.known_BhF[:, :, self.known_BhF.shape[2] - covariates :]
        return np.concatenate([self.read, known_BhX.reshape(B, self.shape.horizon * covariates)], 1)

    @property
    def read(self) -> NDArray[np.float64]:
        """The lookback as it is read, `[B, L]`."""
        return self._recent / self.unit

    def units(self, next_Bh: NDArray[np.float64]) -> NDArray[np.float32]:
        """What comes after, as the answers say it."""
        return ((next_Bh - self.offset) / self.unit).astype(np.float32)

    def inputs(self) -> tuple[NDArray[Any], ...]:
        """As `networks.forecaster.forward` takes them."""
        shape, B = self.shape, len(self.past_BT)
        steps_BLD = np.concatenate([self.read[:, :, None], self.known_BLF], 2).astype(np.float32)
        known_BAF = np.zeros((B, shape.ahead, self.known_BhF.shape[2]), np.float32)
        known_BAF[:, : shape.horizon] = self.known_BhF  # of what fills the last segment, nothing is asked
        return (
            _segments(steps_BLD, shape.segment),
            np.full(B, shape.lookback // shape.segment, np.int64),
            _segments(known_BAF, shape.segment),
            np.tile(np.arange(shape.ahead // shape.segment), (B, 1)),
            self.recent.astype(np.float32),
            self.mean_B1 + self.deviation_B1 * self.offset,
            self.deviation_B1 * self.unit,
        )


@dataclass(frozen=True)
class Origins:
    """The windows of some strands: window i is of the strand `strand_N[i]`, its horizon begins at `origin_N[i]`."""

    strands: Sequence[Strand]
    shape: Shape
    strand_N: NDArray[np.int64]
    origin_N: NDArray[np.int64]
    answered: bool = True
    """Whether what comes after the origins is there, as something to learn or to check."""

    def __len__(self) -> int:
        return len(self.origin_N)

    def epoch(self, size: int, rng: "np.random.Generator") -> Sequence[NDArray[np.int64]]:
        order = rng.permutation(len(self))
        return [order[first : first + size] for first in range(0, len(order), size)]

    def in_order(self) -> Iterator[NDArray[np.int64]]:
        for first in range(0, len(self), CHECKED_AT_ONCE):
            yield np.arange(first, min(first + CHECKED_AT_ONCE, len(self)))

    def count(self, chosen: NDArray[np.int64]) -> int:
        return len(chosen)

    def tokens(self, chosen: NDArray[np.int64]) -> int:
        return len(chosen) * self.shape.lookback

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Inputs as `networks.forecaster.forward` takes them; targets `[B, h]` in each window's own unit."""
        view = self.view(chosen)
        return Batch(view.inputs(), view.units(self.came(chosen)) if self.answered else None)

    def view(self, chosen: NDArray[np.int64]) -> View:
        """What may be known at the origins."""
        shape = self.shape
        values, known, first_B1, scale_2B1 = self.of(chosen)
        return View(
            shape,
            values[first_B1 + np.arange(-shape.history, 0)],
            known[first_B1 + np.arange(-shape.lookback, 0)],
            known[first_B1 + np.arange(shape.horizon)],
            *scale_2B1,
        )

    def came(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """What came after the origins, in the strands' numbers, `[B, h]`."""
        values, _, first_B1, _ = self.of(chosen)
        return values[first_B1 + np.arange(self.shape.horizon)]

    def truth(self) -> NDArray[np.float64]:
        """The same of all windows, in the strands' unit, `[N, h]`."""
        everything = np.arange(len(self))
        mean_N1, deviation_N1 = self.of(everything)[3]
        return mean_N1 + deviation_N1 * self.came(everything)

    def of(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """All values and all that is known, strand after strand; where the origins stand in them, `[B, 1]`; means and
        deviations, `[2, B, 1]`.
        """
        values, known, begins_S, scales_S2 = self._together
        strand_B = self.strand_N[chosen]
        return values, known, (begins_S[strand_B] + self.origin_N[chosen])[:, None], scales_S2[strand_B].T[:, :, None]

    @cached_property
    def _together(self) -> tuple[NDArray[Any], ...]:
        lengths = [len(strand.known_AF) for strand in self.strands]
        values = np.full(sum(lengths), np.nan)
        begins_S = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        for strand, begin in zip(self.strands, begins_S, strict=True):
            values[begin : begin + len(strand.values_T)] = strand.values_T
        known = np.concatenate([strand.known_AF for strand in self.strands])
        return values, known, begins_S, np.array([[strand.mean, strand.deviation] for strand in self.strands])


def origins(
    strands: Sequence[Strand], shape: Shape, begins: Sequence[int], ends: Sequence[int], stride: int = 1
) -> Origins:
    """The windows whose horizons lie in `[begins[s], ends[s])` of each strand, `stride` steps apart, with all of their
    history before.
    """
    found = [
        np.arange(max(begin, shape.needed), end - shape.horizon + 1, stride)
        for begin, end in zip(begins, ends, strict=True)
    ]
    strand_N = np.repeat(np.arange(len(strands)), [len(own) for own in found])
    return Origins(strands, shape, strand_N, np.concatenate(found).astype(np.int64))


def _segments(x_BTD: NDArray[Any], width: int) -> NDArray[Any]:
    """`width` steps side by side as one, each of their columns together: `[B, T, D]` -> `[B, T / width, D * width]`."""
    B, T, D = x_BTD.shape
    return np.ascontiguousarray(x_BTD.reshape(B, T // width, width, D).swapaxes(2, 3).reshape(B, T // width, D * width))
