"""One step at a time, with the state carried: for what arrives live, and for what a model writes itself."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import _native
from anaphora.cells.cell import Cell, Weights
from anaphora.data.numbers import read_numbers
from anaphora.engine import native
from anaphora.engine.pool import EACH
from anaphora.errors import OptionError
from anaphora.net import blocks
from anaphora.task import RowTask

TABLE_BYTES = 8 << 20
WORTH_A_THREAD = 4_000_000
"""Each thread has as many multiplications of a step, at least: waking one takes some ten microseconds."""


class Session:
    """Recurrent layers of one direction that take one step of `rows` sequences at a time.

        session = Session(cell, [weights], rows=2)
        y_BH = session.step(x_BD)

    `layers` holds one cell's weights for each layer, the lowest first, prepared (`engine.native`) or not. With an
    `embedding` `[V, D]` the inputs are token ids `[rows]`; where a table of x W_ih for all tokens fits into
    `table_bytes`, half of a step is a look-up, and its numbers are exact in every precision; of prepared layers it is
    made with the lowest one's `weight_ih`. Weights are packed once; a
    step takes no memory, and what it returns is overwritten by the next. A session is for one thread at a time.
    """

    def __init__(
        self,
        cell: Cell,
        layers: Sequence[Weights | _native.Packed],
        rows: int = 1,
        precision: str = "float32",
        embedding: NDArray[np.float32] | None = None,
        table_bytes: int = TABLE_BYTES,
        weight_ih: NDArray[np.float32] | None = None,
    ) -> None:
        if rows < 1 or not layers:
            raise OptionError(f"a session needs a row and a layer, not {rows} rows and {len(layers)} layers")
        self.rows, self._tokens = rows, embedding is not None
        if native.kernel_of(cell) is None:
            prepared: list[Any] = [native.prepare(cell, weights) for weights in layers]
            self._make: Any = partial(_Equation, cell, prepared, rows, embedding)
        else:
            self._make = _packed(cell, layers, rows, precision, embedding, table_bytes, weight_ih)
        self._begin()

    def _begin(self) -> None:
        self._steps = steps = self._make()
        self._inputs, self._outputs, self._states = steps.inputs, steps.outputs, steps.states
        self._step = steps.step

    def step(self, x: Any) -> NDArray[np.float32]:
        """The next inputs, `[rows, D]` or ids `[rows]`, to the outputs of the highest layer, `[rows, H]`.

        One row's may come without its axis. Raises ValueError at other shapes and at ids that the embedding has not,
        TypeError at ids that are not integers.
        """
        if self.rows > 1 and np.shape(x) != self._inputs.shape:
            raise ValueError(f"inputs are {list(self._inputs.shape)}, not {list(np.shape(x))}")
        if self._tokens and not isinstance(x, int) and np.asarray(x).dtype.kind not in "iu":
            raise TypeError(f"ids are integers, not {np.asarray(x).dtype}")
        self._inputs[...] = x  # np.copyto, which could refuse, takes as long as a small layer's step
        self._step()
        return self._outputs

    @property
    def compiled(self) -> _native.Session | None:
        """What takes the steps, as a `_native.Writer` needs it; None for a cell without a kernel."""
        return self._steps if isinstance(self._steps, _native.Session) else None

    @property
    def state(self) -> list[NDArray[np.float32]]:
        """A copy of the state: for each layer each array of the cell's state, `[rows, H]`. It can be set, too."""
        return [array.copy() for array in self._states]

    @state.setter
    def state(self, arrays: Sequence[Any]) -> None:
        for own, given in zip(self._states, arrays, strict=True):
            own[...] = given

    @property
    def outputs(self) -> NDArray[np.float32]:
        """What the last step returned, `[rows, H]`."""
        return self._outputs

    def reset(self, row: int | None = None) -> None:
        """Begin anew: all rows, or one."""
        for array in self._states:
            array[slice(None) if row is None else row] = 0

    def fork(self) -> "Session":
        """Another session, on the same weights, that goes on from here on its own."""
        other = copy.copy(self)
        other._begin()
        other.state = self._states
        other._outputs[...] = self._outputs
        return other


def _packed(
    cell: Cell,
    layers: Sequence[Weights | _native.Packed],
    rows: int,
    precision: str,
    embedding: NDArray[np.float32] | None,
    table_bytes: int,
    weight_ih: NDArray[np.float32] | None,
) -> Callable[[], _native.Session]:
    packed: list[Any] = [native.prepare(cell, weights, precision) for weights in layers]
    table = None
    if embedding is not None:
        embedding, first = np.ascontiguousarray(embedding, np.float32), layers[0]
        weight_ih = (
            weight_ih if isinstance(first, _native.Packed) else np.ascontiguousarray(first["weight_ih"], np.float32)
        )
        if weight_ih is not None and 4 * len(embedding) * packed[0].gate_floats <= table_bytes:
            # By our own kernels: under ANAPHORA_ISA=portable the same on every machine, which a library of BLAS is not.
            projection = _native.Head(weight_ih, None, "float32", native.environment()[0], native.threads())
            table, embedding = packed[0].table(projection.logits(embedding, native.threads())), None
    work = rows * sum(weights.numbers for weights in packed)
    threads = max(1, min(native.threads(), rows, work // WORTH_A_THREAD))
    return partial(_native.Session, packed, rows, table, embedding, threads)


class _Equation:
    """The steps by the cell's equation, for a cell without a kernel."""

    def __init__(self, cell: Cell, layers: Sequence[Weights], rows: int, embedding: Any) -> None:
        self.cell, self.layers, self.embedding = cell, layers, embedding
        D = cell.input_width(layers[0])
        self.inputs: NDArray[Any] = np.zeros((rows, D), np.float32) if embedding is None else np.zeros(rows, np.int64)
        self.states = [
            np.zeros((rows, width), np.float32)
            for weights in layers
            for width in cell.state_widths(cell.width(weights))
        ]
        self.outputs = np.zeros((rows, cell.width(layers[-1])), np.float32)

    def step(self) -> None:
        if self.embedding is None:
            x = self.inputs
        else:
            for row, token in enumerate(self.inputs.tolist()):
                if not 0 <= token < len(self.embedding):
                    raise ValueError(f"ids[{row}] is {token}, not between 0 and {len(self.embedding) - 1}")
            x = self.embedding[self.inputs]
        states = iter(self.states)
        for weights in self.layers:
            state = [next(states) for _ in self.cell.state]
            after, _ = self.cell.step(np, native.project(self.cell, x, weights), tuple(state), weights)
            for array, new in zip(state, after, strict=True):
                array[...] = new
            x = state[0]
        self.outputs[...] = x


class Live:
    """A model's answers after each step of `rows` sequences at once.

    Its recurrent layers read in one direction and it answers by their last output, or at each step: OptionError
    otherwise.
    """

    def __init__(self, task: RowTask, nets: Sequence[Any], rows: int) -> None:
        self.task, self.rows = task, rows
        spec = task.spec()
        layers = [block for block in spec.values() if isinstance(block, blocks.Recurrent)]
        pools = [block.kind for block in spec.values() if isinstance(block, blocks.Pool)]
        if any(block.bidirectional for block in layers) or not set(pools) <= {"last", EACH}:
            raise OptionError("answers step by step are for models of one direction (bidirectional=False, pool='last')")
        self._each = EACH in pools
        self.sessions: list[Session] = []
        self.nets = [self._stepping(net) for net in nets]

    def _stepping(self, net: Any) -> Any:
        own = copy.copy(net)
        session = net.encoder.session(self.rows)
        self.sessions.append(session)
        own.encoder = lambda x_B1D, lengths_B, state=None: (session.step(x_B1D[:, 0])[:, None], state)
        return own

    def step(self, inputs: Sequence[Any]) -> NDArray[Any]:
        """What the next inputs, one a row, lead to: the answers that `predict` gives for all inputs so far."""
        if len(inputs) != self.rows:
            raise OptionError(f"{len(inputs)} inputs for {self.rows} rows")
        examples = self.task.encode(
            [read_numbers(row, f"row {place}").reshape(1, -1) for place, row in enumerate(inputs)]
        )
        batch, lengths_B = np.stack(list(examples.rows)), np.ones(self.rows, np.int64)
        answers = together([self.task.decode(net, net(batch, lengths_B)[0]) for net in self.nets])
        return answers[:, 0] if self._each else answers

    def reset(self, row: int | None = None) -> None:
        """Begin anew: all rows, or one."""
        for session in self.sessions:
            session.reset(row)


def together(answers: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The answer of several networks: the mean of theirs."""
    return answers[0] if len(answers) == 1 else np.mean(answers, axis=0, dtype=answers[0].dtype)
