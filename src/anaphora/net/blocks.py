"""The blocks that networks are made of, as plain data: sizes, and the parameters that follow from them.

Each is implemented twice: in torch, for training (`train/blocks.py`), and in NumPy, for running (`runtime/blocks.py`).
Losses are blocks, too (`net/losses.py`). A block that only one task uses may live in the task's folder; its class
attributes `torch_class` and `numpy_class` then name the two implementations.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from anaphora.cells import Cell
from anaphora.cells.init import Parameter, glorot, normal, zeros
from anaphora.engine.stack import suffixes

Parameters = dict[str, Parameter]


class Block(Protocol):
    """The part of a network that a spec names. Every block is a frozen dataclass."""

    def parameters(self) -> Parameters:
        """The trainable arrays by name."""


Spec = dict[str, Block]
"""The blocks of a network by name, in the order in which their initial weights are drawn."""


@dataclass(frozen=True)
class Embedding:
    """Token ids -> vectors: `[B, T]` -> `[B, T, D]`. A `frozen` table is not trained. A `sparse` one has a gradient
    only for the rows that a batch reads.
    """

    vocabulary: int
    width: int
    frozen: bool = False
    sparse: bool = False

    def parameters(self) -> Parameters:
        return {"weight": Parameter((self.vocabulary, self.width), normal(0.1))}


@dataclass(frozen=True)
class Recurrent:
    """Stacked cells over a ragged batch: `[B, T, D]`, lengths, state -> `[B, T, directions * H]`, state.

    `dropout` is applied between the layers, with one mask for all steps of a row; `weight_drop` zeroes entries of the
    recurrent weights, with one mask for each batch (Merity et al. 2018, section 2).
    """

    cell: Cell
    inputs: int
    hidden: int
    layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0
    weight_drop: float = 0.0

    @property
    def width(self) -> int:
        return self.hidden * (2 if self.bidirectional else 1)

    def state_shapes(self, rows: int) -> list[tuple[int, int, int]]:
        """`[layers * directions, rows, width]` for each array of the cell's state."""
        stacked = self.layers * (1 + self.bidirectional)
        return [(stacked, rows, width) for width in self.cell.state_widths(self.hidden)]

    def parameters(self) -> Parameters:
        parameters: Parameters = {}
        for layer, names in enumerate(suffixes(self.layers, self.bidirectional)):
            for suffix in names:
                of_cell = self.cell.parameters(self.width if layer else self.inputs, self.hidden)
                parameters |= {name + suffix: parameter for name, parameter in of_cell.items()}
        return parameters


@dataclass(frozen=True)
class Pool:
    """A ragged sequence of outputs -> one vector a row: `[B, T, D]` -> `[B, width]`; zeros for an empty row.

    `last` takes, of each direction, the output that has seen the whole row; `attention` a mean weighted by a learned
    softmax(v . tanh(W y_t + b)) over the steps (Yang et al. 2016, eq. 5-7). Kinds joined by `+` are concatenated.
    `each` (`engine.pool.EACH`) keeps the output of every step, `[B, T, width]`.
    """

    kind: str
    inputs: int
    bidirectional: bool = False

    @property
    def width(self) -> int:
        return self.inputs * len(self.kind.split("+"))

    def parameters(self) -> Parameters:
        if self.kind != "attention":
            return {}
        square = Parameter((self.inputs, self.inputs), glorot())
        return {"weight": square, "bias": Parameter((self.inputs,), zeros), "query": Parameter((self.inputs,), zeros)}


POOLS = ("last", "mean", "max", "mean+max", "last+mean+max", "attention")


@dataclass(frozen=True)
class Dense:
    """A linear map: `[..., inputs]` -> `[..., outputs]`. With lengths, of the steps before each row's end: `[B, T,
    inputs]` -> `[N, outputs]`, row after row.
    """

    inputs: int
    outputs: int

    def parameters(self) -> Parameters:
        return {
            "weight": Parameter((self.outputs, self.inputs), glorot()),
            "bias": Parameter((self.outputs,), zeros),
        }


@dataclass(frozen=True)
class Head:
    """The output layer of a large vocabulary: its matrix `[vocabulary, inputs]` and bias. The loss block multiplies, a
    few rows at a time. A `tied` head has no matrix: it uses the embedding's (Press & Wolf 2017).
    """

    inputs: int
    vocabulary: int
    tied: bool = False

    def parameters(self) -> Parameters:
        weight = {} if self.tied else {"weight": Parameter((self.vocabulary, self.inputs), normal(0.1))}
        return {**weight, "bias": Parameter((self.vocabulary,), zeros)}


@dataclass(frozen=True)
class Hidden:
    """Dense layers with relu: `[B, inputs]` -> `[B, width]`; with no widths, the identity."""

    inputs: int
    widths: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.widths[-1] if self.widths else self.inputs

    def parameters(self) -> Parameters:
        parameters = {}
        for index, (inputs, outputs) in enumerate(pairwise((self.inputs, *self.widths))):
            parameters[f"weight_{index}"] = Parameter((outputs, inputs), glorot())
            parameters[f"bias_{index}"] = Parameter((outputs,), zeros)
        return parameters


@dataclass(frozen=True)
class Dropout:
    """Zero each number with probability `rate` while training (Srivastava et al. 2014); nothing at prediction."""

    rate: float

    def parameters(self) -> Parameters:
        return {}


@dataclass(frozen=True)
class LockedDropout:
    """Dropout of `[B, T, D]` with one mask for all steps of a row (Gal & Ghahramani 2016)."""

    rate: float

    def parameters(self) -> Parameters:
        return {}


@dataclass(frozen=True)
class WordDropout:
    """Replace each token id with `unknown` with probability `rate` while training (Iyyer et al. 2015)."""

    rate: float
    unknown: int

    def parameters(self) -> Parameters:
        return {}
