"""Named arrays as bytes and back (safetensors): data only, no code."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

Arrays = Mapping[str, NDArray[Any]]


def to_bytes(arrays: Arrays) -> bytes:
    """Arrays of any memory order, as one safetensors file."""
    # safetensors writes an array's memory as it lies, so that a transposed one would come back scrambled.
    return safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def from_bytes(content: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of `to_bytes`. Raises ValueError where `content` is damaged."""
    try:
        return safetensors.numpy.load(content)
    except (SafetensorError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(str(error)) from error
