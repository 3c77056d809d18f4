"""What a sequence of numbers is like, in a row of numbers that a linear model can read. A missing value (NaN) tells
nothing, and what is told by nothing is NaN.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anaphora.data.numbers import ROUNDING

Row = NDArray[np.float64]


def of_rows(rows: Sequence[Row]) -> Row:
    """`[N, 9 D + 1]`: of each column the mean, the sum, the standard deviation, the smallest, the largest, the first
    and the last value, the slope and the share that was observed; and how long the row is.
    """
    return np.array([_of_row(row) for row in rows])


def of_steps(rows: Sequence[Row], both: bool) -> Row:
    """`[sum of T_i, F]`: of each step its own inputs, those of the step before, of each column the mean, the sum, the
    standard deviation, the smallest and the largest value up to here, whether one was observed here and how many were
    up to here, and how many steps there were. Where the network reads in `both` directions the same from the other
    end, too.
    """
    return np.concatenate([_both_ways(row) if both else _running(row) for row in rows])


def _of_row(row_TD: Row) -> Row:
    T, D = row_TD.shape
    if not T:
        return np.array([np.nan] * 8 * D + [0.0] * (D + 1))
    seen_TD = ~np.isnan(row_TD)
    count_D, places_D = seen_TD.sum(0), np.arange(D)
    filled_TD = np.where(seen_TD, row_TD, 0.0)
    first_D, last_D = seen_TD.argmax(0), T - 1 - seen_TD[::-1].argmax(0)
    with np.errstate(all="ignore"):  # a column without a value, or with one alone, has no mean or no slope: NaN
        mean_D = filled_TD.sum(0) / count_D
        centred_TD = np.where(seen_TD, row_TD - mean_D, 0.0)
        centred_TD[np.abs(centred_TD) <= ROUNDING * np.abs(mean_D)] = 0.0
        t_T1 = np.arange(T)[:, None]
        time_TD = np.where(seen_TD, t_T1 - (seen_TD * t_T1).sum(0) / count_D, 0.0)
        return np.concatenate(
            [
                mean_D,
                filled_TD.sum(0),
                np.sqrt((centred_TD**2).sum(0) / count_D),
                np.fmin.reduce(row_TD, 0),
                np.fmax.reduce(row_TD, 0),
                row_TD[first_D, places_D],
                row_TD[last_D, places_D],
                (time_TD * centred_TD).sum(0) / (time_TD**2).sum(0),
                count_D / T,
                [float(T)],
            ]
        )


def _running(row_TD: Row) -> Row:
    seen_TD = ~np.isnan(row_TD)
    count_TD, filled_TD = seen_TD.cumsum(0), np.where(seen_TD, row_TD, 0.0)
    with np.errstate(all="ignore"):  # before the first value there is no mean: NaN
        mean_TD = filled_TD.cumsum(0) / count_TD
        # Sums of squares around a value of the row, since those around 0 cancel each other out.
        origin_D = np.nan_to_num(row_TD[seen_TD.argmax(0), np.arange(row_TD.shape[1])]) if len(row_TD) else 0.0
        square_TD = (np.where(seen_TD, row_TD - origin_D, 0.0) ** 2).cumsum(0) / count_TD
        deviation_TD = np.sqrt(np.maximum(square_TD - (mean_TD - origin_D) ** 2, 0.0))
    before_TD = np.concatenate([np.full_like(row_TD[:1], np.nan), row_TD[:-1]])
    extremes = [np.fmin.accumulate(row_TD, 0), np.fmax.accumulate(row_TD, 0)]
    steps_T1 = np.arange(1.0, len(row_TD) + 1)[:, None]
    sums_TD = filled_TD.cumsum(0)
    return np.concatenate(
        [row_TD, before_TD, mean_TD, sums_TD, deviation_TD, *extremes, seen_TD, count_TD, steps_T1], 1
    )


def _both_ways(row_TD: Row) -> Row:
    return np.concatenate([_running(row_TD), _running(row_TD[::-1])[::-1]], 1)
