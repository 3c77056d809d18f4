"""Initial weights: the shape of a parameter, and how its initial values are drawn.

NumPy draws them, so that the same seed gives the same network under every library.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # numpy imports numpy.random on first use; running a saved model does not use it
    from numpy.random import Generator

Array = NDArray[np.float32]
Init = Callable[["Generator", tuple[int, ...]], Array]


@dataclass(frozen=True)
class Parameter:
    """A trainable array: its shape, and the function that draws its initial values."""

    shape: tuple[int, ...]
    init: Init

    def draw(self, rng: "Generator") -> Array:
        return self.init(rng, self.shape).astype(np.float32)


def zeros(rng: "Generator", shape: tuple[int, ...]) -> Array:
    return np.zeros(shape, np.float32)


def normal(deviation: float) -> Init:
    """Gaussian around 0 with the given standard deviation."""
    return lambda rng, shape: deviation * rng.standard_normal(shape, np.float32)


def glorot(gates: int = 1) -> Init:
    """Uniform with variance 2 / (fan in + fan out) for each gate's rows (Glorot & Bengio 2010, eq. 16)."""

    def init(rng: "Generator", shape: tuple[int, ...]) -> Array:
        limit = np.sqrt(6.0 / (shape[0] // gates + shape[1]))
        return rng.uniform(-limit, limit, shape).astype(np.float32)

    return init


def orthogonal(gates: int = 1) -> Init:
    """A random orthogonal matrix for each gate's rows: long products neither grow nor vanish (Saxe et al. 2014)."""

    def init(rng: "Generator", shape: tuple[int, ...]) -> Array:
        blocks = []
        for _ in range(gates):
            q, r = np.linalg.qr(rng.standard_normal((shape[1], shape[1])))
            blocks.append((q * np.sign(np.diag(r)))[: shape[0] // gates])  # the signs make the draw uniform
        return np.concatenate(blocks).astype(np.float32)

    return init


def by_gate(gates: Sequence[str], values: Mapping[str, float]) -> Init:
    """A constant for each gate's rows, 0 where `values` has none.

    A forget gate at 1 makes a cell remember from the start (Jozefowicz et al. 2015).
    """

    def init(rng: "Generator", shape: tuple[int, ...]) -> Array:
        constants = np.array([values.get(gate, 0.0) for gate in gates], np.float32)
        return np.repeat(constants, shape[0] // len(gates))

    return init
