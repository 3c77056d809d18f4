"""The blocks in NumPy, for running. What only matters while training does nothing here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.cells.cell import State
from anaphora.engine import native, stack
from anaphora.engine.pool import pool
from anaphora.engine.ragged import flat
from anaphora.net import blocks
from anaphora.runtime.session import Session

Weights = Mapping[str, NDArray[np.float32]]


class Net:
    """A network that runs: its blocks are its attributes."""

    head: "Head"  # of a language model

    def __init__(self, forward: Callable[..., Any]) -> None:
        self._forward = forward

    def __call__(self, *inputs: Any) -> Any:
        return self._forward(self, *inputs)

    def numpy(self, array: Any) -> Any:
        return array

    def zeros(self, shape: Sequence[int]) -> tuple[Any, ...]:
        return tuple(np.zeros(shape, np.float32))

    def fixed(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(arrays)

    def next_token_scores(self, features: Any, lengths_B: Any, targets_N: Any, head: tuple[Any, Any]) -> Any:
        return native.cross_entropy(flat(features, lengths_B), *head, targets_N, self.head.precision)


class Block:
    def __init__(self, spec: Any, weights: Weights) -> None:
        self.spec = spec
        self.weights = weights


class Embedding(Block):
    def __call__(self, ids_BT: Any) -> Any:
        return self.weights["weight"][ids_BT]


class Recurrent(Block):
    def __init__(self, spec: blocks.Recurrent, weights: Weights, precision: str = "float32") -> None:
        super().__init__(spec, weights)
        both = stack.directions(weights, spec.layers, spec.bidirectional)
        self.prepared = [[native.prepare(spec.cell, own, precision) for own in layer] for layer in both]

    def __call__(self, x_BTD: Any, lengths_B: Any, state: State | None = None) -> Any:
        return stack.run(native.scan, self.spec.cell, self.prepared, x_BTD, lengths_B, state)

    def session(self, rows: int, embedding: Any = None) -> Session:
        """The same layers one step at a time, over tokens if there is an embedding; they read in one direction."""
        layers = [forward for (forward,) in self.prepared]
        first = self.weights["weight_ih_l0"]
        return Session(self.spec.cell, layers, rows, embedding=embedding, weight_ih=first)


class Pool(Block):
    def __call__(self, y_BTH: Any, lengths_B: Any) -> Any:
        return pool(self.spec.kind, y_BTH, lengths_B, self.weights, self.spec.bidirectional)


class Dense(Block):
    def __call__(self, x_BD: Any) -> Any:
        return x_BD @ self.weights["weight"].T + self.weights["bias"]


class Head(Block):
    def __init__(self, spec: blocks.Head, weights: Weights, precision: str = "float32") -> None:
        super().__init__(spec, weights)
        self.precision = precision


class Hidden(Block):
    def __call__(self, x_BD: Any) -> Any:
        for place in range(len(self.spec.widths)):
            x_BD = np.maximum(x_BD @ self.weights[f"weight_{place}"].T + self.weights[f"bias_{place}"], 0)
        return x_BD


class Unchanged(Block):
    """A block of training alone, such as dropout."""

    def __call__(self, x: Any) -> Any:
        return x


BLOCKS: dict[type, type[Block]] = {
    blocks.Embedding: Embedding,
    blocks.Recurrent: Recurrent,
    blocks.Pool: Pool,
    blocks.Dense: Dense,
    blocks.Head: Head,
    blocks.Hidden: Hidden,
    blocks.Dropout: Unchanged,
    blocks.LockedDropout: Unchanged,
    blocks.WordDropout: Unchanged,
    blocks.Adversary: Unchanged,
    blocks.Candidates: Unchanged,
}
