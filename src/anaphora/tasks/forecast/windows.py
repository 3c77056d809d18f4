"""Windows of series: a lookback before each origin, and the horizon after it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import Batch

MAX_EVALUATION_BATCH = 1_024
DIFFERENCES = ("last", "season", "none")
"""What is subtracted from a window's values: the last one, from each the value a season before, or nothing."""


@dataclass(frozen=True)
class ScaledSeries:
    """A series as a network reads it: scaled values `[T]`, and the features of each step that are known in advance,
    `[A, F]`, A >= T. `mean` and `deviation` convert the values back into the unit of the series.
    """

    values_T: NDArray[np.float64]
    known_AF: NDArray[np.float32]
    mean: float
    deviation: float


@dataclass(frozen=True)
class WindowShape:
    """How windows are cut and normalised: `difference` is one of DIFFERENCES; with `scale_windows` each window is
    divided by its root mean square.
    """

    lookback: int
    horizon: int
    segment: int
    season: int
    difference: str
    scale_windows: bool
    covariates: int = 0
    """How many of the features known in advance, the last ones, are covariates; the others are the calendar's."""

    @property
    def history(self) -> int:
        """How many values before an origin the network reads."""
        return self.lookback + (self.season if self.difference == "season" else 0)

    @property
    def min_history(self) -> int:
        """How many values before an origin the network and the seasonal naive forecast need."""
        return max(self.history, self.season)

    @property
    def padded_horizon(self) -> int:
        """The steps that the network answers: the horizon, rounded up to whole segments."""
        return -(-self.horizon // self.segment) * self.segment


@dataclass(frozen=True)
class WindowBatch:
    """Windows without their future values, in the unit of the scaled series: the history `[B, history]`, the known
    features of the lookback `[B, L, F]` and of the horizon `[B, h, F]`, means and deviations `[B, 1]`.
    """

    shape: WindowShape
    past_BT: NDArray[np.float64]
    known_BLF: NDArray[np.float32]
    known_BhF: NDArray[np.float32]
    mean_B1: NDArray[np.float64]
    deviation_B1: NDArray[np.float64]

    @cached_property
    def offset(self) -> NDArray[np.float64]:
        """What is added back to the answers, `[B, h]`."""
        horizon = np.arange(self.shape.horizon)
        if self.shape.difference == "season":
            return self.past_BT[:, horizon % self.shape.season - self.shape.season]
        level = self.past_BT[:, -1:] if self.shape.difference == "last" else np.zeros((len(self.past_BT), 1))
        return np.repeat(level, len(horizon), 1)

    @cached_property
    def _differenced(self) -> NDArray[np.float64]:
        L, season = self.shape.lookback, self.shape.season
        if self.shape.difference == "season":
            return self.past_BT[:, -L:] - self.past_BT[:, -L - season : -season]
        return self.past_BT - self.past_BT[:, -1:] if self.shape.difference == "last" else self.past_BT

    @cached_property
    def unit(self) -> NDArray[np.float64]:
        """What each window is divided by, `[B, 1]`: its root mean square; 1 where that is zero or not wanted."""
        size_B1 = np.sqrt(np.square(self._differenced).mean(1, keepdims=True))
        return np.where(self.shape.scale_windows & (size_B1 > 0), size_B1, 1.0)

    @property
    def normalized(self) -> NDArray[np.float64]:
        """The lookback as the network reads it, `[B, L]`."""
        return self._differenced / self.unit

    @property
    def linear_inputs(self) -> NDArray[np.float64]:
        """The inputs of a linear map: the lookback, and the covariates of the horizon, `[B, L + h * X]`."""
        B, covariates = len(self.past_BT), self.shape.covariates
        known_BhX = self.known_BhF[:, :, self.known_BhF.shape[2] - covariates :]
        return np.concatenate([self.normalized, known_BhX.reshape(B, self.shape.horizon * covariates)], 1)

    def normalize(self, future_Bh: NDArray[np.float64]) -> NDArray[np.float32]:
        """Future values -> targets, in the unit of the network's outputs."""
        return ((future_Bh - self.offset) / self.unit).astype(np.float32)

    def inputs(self) -> tuple[NDArray[Any], ...]:
        """The inputs of `network.forward`."""
        shape, B = self.shape, len(self.past_BT)
        steps_BLD = np.concatenate([self.normalized[:, :, None], self.known_BLF], 2).astype(np.float32)
        known_BAF = np.zeros((B, shape.padded_horizon, self.known_BhF.shape[2]), np.float32)
        known_BAF[:, : shape.horizon] = self.known_BhF  # the rest of the last segment is cut off the answers
        return (
            _segments(steps_BLD, shape.segment),
            np.full(B, shape.lookback // shape.segment, np.int64),
            _segments(known_BAF, shape.segment),
            np.tile(np.arange(shape.padded_horizon // shape.segment), (B, 1)),
            self.linear_inputs.astype(np.float32),
            self.mean_B1 + self.deviation_B1 * self.offset,
            self.deviation_B1 * self.unit,
        )


@dataclass(frozen=True)
class WindowDataset:
    """The windows of some series: window i is of the series `series_N[i]`, and its horizon begins at `origin_N[i]`."""

    series: Sequence[ScaledSeries]
    shape: WindowShape
    series_N: NDArray[np.int64]
    origin_N: NDArray[np.int64]
    with_targets: bool = True
    """Whether the values after the origins are known."""

    def __len__(self) -> int:
        return len(self.origin_N)

    def epoch(self, size: int, rng: "np.random.Generator") -> Sequence[NDArray[np.int64]]:
        order = rng.permutation(len(self))
        return [order[first : first + size] for first in range(0, len(order), size)]

    def in_order(self) -> Iterator[NDArray[np.int64]]:
        for first in range(0, len(self), MAX_EVALUATION_BATCH):
            yield np.arange(first, min(first + MAX_EVALUATION_BATCH, len(self)))

    def count(self, chosen: NDArray[np.int64]) -> int:
        return len(chosen)

    def tokens(self, chosen: NDArray[np.int64]) -> int:
        return len(chosen) * self.shape.lookback

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Inputs of `network.forward`, and targets `[B, h]` in the unit of its outputs."""
        windows = self.take(chosen)
        return Batch(windows.inputs(), windows.normalize(self.actual(chosen)) if self.with_targets else None)

    def take(self, chosen: NDArray[np.int64]) -> WindowBatch:
        """The chosen windows, without their future values."""
        shape = self.shape
        values, known, first_B1, scale_2B1 = self.locate(chosen)
        return WindowBatch(
            shape,
            values[first_B1 + np.arange(-shape.history, 0)],
            known[first_B1 + np.arange(-shape.lookback, 0)],
            known[first_B1 + np.arange(shape.horizon)],
            *scale_2B1,
        )

    def actual(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """The values after the origins, in the unit of the scaled series, `[B, h]`."""
        values, _, first_B1, _ = self.locate(chosen)
        return values[first_B1 + np.arange(self.shape.horizon)]

    def truth(self) -> NDArray[np.float64]:
        """The values after all origins, in the unit of the series, `[N, h]`."""
        everything = np.arange(len(self))
        mean_N1, deviation_N1 = self.locate(everything)[3]
        return mean_N1 + deviation_N1 * self.actual(everything)

    def locate(self, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], ...]:
        """The values and the known features of all series, one after the other; the positions of the origins in them,
        `[B, 1]`; means and deviations, `[2, B, 1]`.
        """
        values, known, begins_S, scales_S2 = self._concatenated
        series_B = self.series_N[chosen]
        return values, known, (begins_S[series_B] + self.origin_N[chosen])[:, None], scales_S2[series_B].T[:, :, None]

    @cached_property
    def _concatenated(self) -> tuple[NDArray[Any], ...]:
        lengths = [len(one.known_AF) for one in self.series]
        values = np.full(sum(lengths), np.nan)
        begins_S = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        for one, begin in zip(self.series, begins_S, strict=True):
            values[begin : begin + len(one.values_T)] = one.values_T
        known = np.concatenate([one.known_AF for one in self.series])
        return values, known, begins_S, np.array([[one.mean, one.deviation] for one in self.series])


def windows(
    series: Sequence[ScaledSeries], shape: WindowShape, begins: Sequence[int], ends: Sequence[int], stride: int = 1
) -> WindowDataset:
    """The windows with a complete history whose horizons are within `[begins[s], ends[s])` of each series, `stride`
    steps apart.
    """
    origins = [
        np.arange(max(begin, shape.min_history), end - shape.horizon + 1, stride)
        for begin, end in zip(begins, ends, strict=True)
    ]
    series_N = np.repeat(np.arange(len(series)), [len(each) for each in origins])
    return WindowDataset(series, shape, series_N, np.concatenate(origins).astype(np.int64))


def _segments(x_BTD: NDArray[Any], width: int) -> NDArray[Any]:
    """Join each `width` steps into one, column by column: `[B, T, D]` -> `[B, T / width, D * width]`."""
    B, T, D = x_BTD.shape
    return np.ascontiguousarray(x_BTD.reshape(B, T // width, width, D).swapaxes(2, 3).reshape(B, T // width, D * width))
