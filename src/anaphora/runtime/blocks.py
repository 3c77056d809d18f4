"""The blocks in NumPy, for running. Blocks that act only in training are identities here."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.cells.cell import State
from anaphora.engine import native, stack
from anaphora.engine.pool import pool
from anaphora.engine.ragged import flat
from anaphora.net import blocks, losses
from anaphora.runtime.session import Session

Weights = Mapping[str, NDArray[np.float32]]


class Net:
    """A network for inference: its blocks are its attributes."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self._forward = forward

    def __call__(self, *inputs: Any) -> Any:
        return self._forward(self, *inputs)

    def zeros(self, shapes: Sequence[Sequence[int]]) -> tuple[NDArray[np.float32], ...]:
        return tuple(np.zeros(shape, np.float32) for shape in shapes)

    def detach(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """NumPy arrays have no gradient."""
        return tuple(arrays)


class Block:
    """A block with its weights."""

    def __init__(self, spec: Any, weights: Weights) -> None:
        self.spec = spec
        self.weights = weights


class Embedding(Block):
    def __call__(self, ids_BT: Any) -> Any:
        return self.weights["weight"][ids_BT]


class Recurrent(Block):
    def __init__(self, spec: blocks.Recurrent, weights: Weights, precision: str = "float32") -> None:
        super().__init__(spec, weights)
        layers = stack.directions(weights, spec.layers, spec.bidirectional)
        self.prepared = [[native.prepare(spec.cell, one, precision) for one in layer] for layer in layers]

    def __call__(self, x_BTD: Any, lengths_B: Any, state: State | None = None) -> Any:
        return stack.run(native.scan, self.spec.cell, self.prepared, x_BTD, lengths_B, state)

    def session(self, rows: int, embedding: Any = None) -> Session:
        """The same layers one step at a time, for layers of one direction. With an embedding, inputs are token ids."""
        layers = [forward for (forward,) in self.prepared]
        first = self.weights["weight_ih_l0"]
        return Session(self.spec.cell, layers, rows, embedding=embedding, weight_ih=first)


class Pool(Block):
    def __call__(self, y_BTH: Any, lengths_B: Any) -> Any:
        return pool(self.spec.kind, y_BTH, lengths_B, self.weights, self.spec.bidirectional)


class Dense(Block):
    def __call__(self, x: Any, lengths_B: Any = None) -> Any:
        y = x @ self.weights["weight"].T + self.weights["bias"]
        return y if lengths_B is None else flat(y, lengths_B)


class Head(Block):
    """Only holds the weights: the loss multiplies."""


class Hidden(Block):
    def __call__(self, x_BD: Any) -> Any:
        for index in range(len(self.spec.widths)):
            x_BD = np.maximum(x_BD @ self.weights[f"weight_{index}"].T + self.weights[f"bias_{index}"], 0)
        return x_BD


class Identity(Block):
    """A block that acts only in training, such as dropout."""

    def __call__(self, x: Any) -> Any:
        return x


class Loss(Block):
    """A loss: decodes outputs to answers."""

    def decode(self, outputs: Any) -> NDArray[Any]:
        answers: NDArray[Any] = self.spec.decode(outputs)
        return answers


class NextToken(Loss):
    def __init__(self, spec: losses.NextToken, weights: Weights, precision: str = "float32") -> None:
        super().__init__(spec, weights)
        self.precision = precision

    def target_scores(self, outputs: Any, targets_N: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of each target its log-probability, and 1 where no token has a higher one: `[N, 2]`."""
        features_BTH, lengths_B, weight_VH, bias_V = outputs
        return native.cross_entropy(flat(features_BTH, lengths_B), weight_VH, bias_V, targets_N, self.precision)


TASK_BLOCKS = "numpy_class"
BLOCKS: dict[type, type[Block]] = {
    blocks.Embedding: Embedding,
    blocks.Recurrent: Recurrent,
    blocks.Pool: Pool,
    blocks.Dense: Dense,
    blocks.Head: Head,
    blocks.Hidden: Hidden,
    blocks.Dropout: Identity,
    blocks.LockedDropout: Identity,
    blocks.WordDropout: Identity,
    losses.CrossEntropy: Loss,
    losses.SquaredError: Loss,
    losses.Quantiles: Loss,
    losses.NextToken: NextToken,
}
