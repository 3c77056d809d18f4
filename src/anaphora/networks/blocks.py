"""The blocks that networks are made of, as plain data: sizes, and the parameters that follow from them.

Each is implemented twice: in torch, for learning (`train/blocks.py`), and in NumPy, for running (`runtime/blocks.py`).
"""

from dataclasses import dataclass
from itertools import pairwise

from anaphora.cells import Cell
from anaphora.cells.init import Parameter, glorot, normal, zeros
from anaphora.engine.stack import suffixes

Parameters = dict[str, Parameter]


@dataclass(frozen=True)
class Embedding:
    """Token ids -> vectors: `[B, T]` -> `[B, T, D]`. A `frozen` table stays as it began. One that is learned `by_rows`
    has a gradient of the rows that were read, and of no others.
    """

    vocabulary: int
    width: int
    frozen: bool = False
    by_rows: bool = False

    def parameters(self) -> Parameters:
        return {"weight": Parameter((self.vocabulary, self.width), normal(0.1))}


@dataclass(frozen=True)
class Recurrent:
    """Stacked cells over a ragged batch: `[B, T, D]`, lengths, state -> `[B, T, directions * H]`, state.

    `dropout` stands between the layers, with one mask for all places of a row; `weight_drop` zeroes numbers of
    `weight_hh`, with one mask a batch (Merity et al. 2018, section 2).
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

    def state_shape(self, rows: int) -> tuple[int, int, int, int]:
        """Of the state, as one array: what the cell's state consists of, layers and directions, rows, width."""
        return len(self.cell.state), self.layers * (1 + self.bidirectional), rows, self.hidden

    def parameters(self) -> Parameters:
        parameters: Parameters = {}
        for layer, names in enumerate(suffixes(self.layers, self.bidirectional)):
            for suffix in names:
                own = self.cell.parameters(self.width if layer else self.inputs, self.hidden)
                parameters |= {name + suffix: parameter for name, parameter in own.items()}
        return parameters


@dataclass(frozen=True)
class Pool:
    """A ragged sequence of outputs -> one vector a row: `[B, T, D]` -> `[B, width]`; zeros for an empty row.

    `last` takes, of each direction, the output that has seen the whole row; `attention` a mean weighted by a learned
    softmax(v . tanh(W y_t + b)) over the places (Yang et al. 2016, eq. 5-7). What a `+` joins stands side by side.
    `each` (`engine.pool.EACH`) leaves every place its own output, `[B, T, width]`: for answers to each step.
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
    """A linear map: `[B, inputs]` -> `[B, outputs]`."""

    inputs: int
    outputs: int

    def parameters(self) -> Parameters:
        return {
            "weight": Parameter((self.outputs, self.inputs), glorot()),
            "bias": Parameter((self.outputs,), zeros),
        }


@dataclass(frozen=True)
class Head:
    """The scores of all tokens to be the next: features `[..., inputs]` -> `[..., vocabulary]`, a token's score being
    the product with its row of a matrix. A `tied` head has no matrix of its own: it shares the embedding's.
    """

    inputs: int
    vocabulary: int
    tied: bool = False

    def parameters(self) -> Parameters:
        own = {} if self.tied else {"weight": Parameter((self.vocabulary, self.inputs), normal(0.1))}
        return {**own, "bias": Parameter((self.vocabulary,), zeros)}


@dataclass(frozen=True)
class Hidden:
    """Dense layers with relu: `[B, inputs]` -> `[B, width]`; no layers change nothing."""

    inputs: int
    widths: tuple[int, ...]

    @property
    def width(self) -> int:
        return self.widths[-1] if self.widths else self.inputs

    def parameters(self) -> Parameters:
        parameters = {}
        for place, (inputs, outputs) in enumerate(pairwise((self.inputs, *self.widths))):
            parameters[f"weight_{place}"] = Parameter((outputs, inputs), glorot())
            parameters[f"bias_{place}"] = Parameter((outputs,), zeros)
        return parameters


@dataclass(frozen=True)
class Dropout:
    """Zero each number with probability `rate` while training (Srivastava et al. 2014); nothing at prediction."""

    rate: float

    def parameters(self) -> Parameters:
        return {}


@dataclass(frozen=True)
class LockedDropout:
    """Dropout of `[B, T, D]` with one mask for all places of a row (Gal & Ghahramani 2016)."""

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


@dataclass(frozen=True)
class Adversary:
    """Move a row's vectors in the direction that raises the loss most, while training (`train/adversary.py`): all
    together by `size` times the length of one.
    """

    size: float

    def parameters(self) -> Parameters:
        return {}


@dataclass(frozen=True)
class Candidates:
    """The tokens that a target's score stands beside while training: so many draws, and all of a step's targets; with
    no draws, all tokens (`train/sampled.py`).
    """

    draws: int

    def parameters(self) -> Parameters:
        return {}


Block = (
    Embedding
    | Recurrent
    | Pool
    | Dense
    | Head
    | Hidden
    | Dropout
    | LockedDropout
    | WordDropout
    | Adversary
    | Candidates
)
Spec = dict[str, Block]
