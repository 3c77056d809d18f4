"""Numbers as a person gives them, and their mean and deviation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import DataError

Numbers = NDArray[np.float64]
LARGEST = 1e30
"""Numbers beyond it would not survive their squares in float32."""
ROUNDING = 1e-12
"""What is nearer to another number than this share of it is that number."""


def read_numbers(values: Any, called: str) -> Numbers:
    """The values as an array; what is masked is missing, NaN. Raises DataError, which names them as they are `called`,
    for what is no array of numbers: complex ones and times are none.
    """
    try:
        given = np.asanyarray(values)
        if given.dtype.kind in "cmM":
            raise TypeError(f"its values are of the kind {given.dtype}")
        if isinstance(given, np.ma.MaskedArray):
            return np.ma.filled(given.astype(float), np.nan)
        return np.asarray(values, float)
    except (ValueError, TypeError) as error:
        raise DataError(f"{called} cannot be read as an array of numbers: {error}") from error


def moments(values: NDArray[Any]) -> tuple[Numbers, Numbers]:
    """Mean and standard deviation over the first axis of what is there; NaN is not, and the mean of nothing is 0.

    Where all values are alike the deviation is 1. Their extremes tell it, since the sum of many equal numbers is
    rounded, and with it the mean. Too large numbers have a mean or a deviation that is not finite.
    """
    seen = ~np.isnan(values)
    count = np.maximum(seen.sum(0), 1)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(seen, values, 0.0).sum(0) / count
        deviation = np.sqrt((np.where(seen, values - mean, 0.0) ** 2).sum(0) / count)
        low, high = np.fmin.reduce(values, 0), np.fmax.reduce(values, 0)
        differ = high - low > ROUNDING * np.maximum(np.abs(low), np.abs(high))
    return mean, np.where(differ, deviation, 1.0)
