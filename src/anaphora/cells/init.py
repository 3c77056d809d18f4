"""Weights before training: what a parameter's shape is, and how its first values are drawn.

Drawn with NumPy, so that the same seed starts the same network whatever library trains it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # numpy loads its random numbers when they are first asked for; a saved model asks for none
    from numpy.random import Generator

Array = NDArray[np.float32]
Init = Callable[["Generator", tuple[int, ...]], Array]


@dataclass(frozen=True)
class Parameter:
    """A trainable array: its shape, and the function that draws its first values."""

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
    """Uniform with variance 2 / (fan in + fan out) (Glorot & Bengio 2010, eq. 16), for each gate's rows."""

    def init(rng: "Generator", shape: tuple[int, ...]) -> Array:
        limit = np.sqrt(6.0 / (shape[0] // gates + shape[1]))
        return rng.uniform(-limit, limit, shape).astype(np.float32)

    return init


def orthogonal(gates: int = 1) -> Init:
    """A random orthogonal matrix for each gate's rows (Saxe et al. 2014): long products neither grow nor vanish."""

    def init(rng: "Generator", shape: tuple[int, ...]) -> Array:
        blocks = []
        for _ in range(gates):
            q, r = np.linalg.qr(rng.standard_normal((shape[1], shape[1])))
            blocks.append((q * np.sign(np.diag(r)))[: shape[0] // gates])  # the signs make the draw uniform
        return np.concatenate(blocks).astype(np.float32)

    return init


def ones_for_gate(gate: int, gates: int) -> Init:
    """Zeros, but ones for one gate's rows: an LSTM that starts by remembering (Jozefowicz et al. 2015)."""

    def init(rng: "Generator", shape: tuple[int, ...]) -> Array:
        bias = np.zeros((gates, shape[0] // gates), np.float32)
        bias[gate] = 1.0
        return bias.reshape(shape)

    return init
