"""The contract of `anaphora.engine` on the compiled kernels (`native/`), over NumPy and without torch.

A `LinearCell` runs through the compiled product and the compiled linear scan. Another cell without a kernel runs
through the reference loop.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import _native
from anaphora.cells.cell import Cell, LinearCell, State, Weights
from anaphora.cells.gru import GRU
from anaphora.cells.lstm import LSTM
from anaphora.cells.rnn import RNN
from anaphora.engine import reference
from anaphora.engine.ragged import inside, zero_state
from anaphora.errors import OptionError

WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
NAMES: dict[Cell, str] = {RNN("tanh"): "rnn_tanh", RNN("relu"): "rnn_relu", LSTM("tanh"): "lstm", GRU(): "gru"}
"""The cells that have a compiled kernel, and its name there."""
MAX_THREADS = 1024
BLOCK_NUMBERS = 1 << 16
"""The coefficients of linear cells are computed for this many projected numbers at a time, which fit into the cache."""
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
"""The types that the factors of products are rounded to; states and sums are float32. `int8` is for inference only.
`auto` is bfloat16 where the processor multiplies it faster than float32, else float32."""


def kernel_of(cell: Cell) -> str | None:
    """The name of the cell's kernel, None if it has none."""
    return NAMES.get(cell)


def cell_of(kernel: str) -> Cell:
    """The cell that a kernel computes."""
    return next(cell for cell, name in NAMES.items() if name == kernel)


class Projecting(dict[str, Any]):
    """The weights of a `LinearCell`, and its input product packed for the compiled kernel."""

    def __init__(self, weights: Weights) -> None:
        super().__init__(weights)
        weight, bias = (np.ascontiguousarray(weights[name], np.float32) for name in ("weight_ih", "bias_ih"))
        self.product = _native.Head(weight, bias, "float32", environment()[0], threads())


def environment() -> tuple[str | None, int | None]:
    """The values of `ANAPHORA_ISA` and `ANAPHORA_THREADS`; None for one that is not set."""
    isa, threads = os.environ.get("ANAPHORA_ISA"), os.environ.get("ANAPHORA_THREADS")
    if isa is not None and isa not in _native.isas():
        raise OptionError(f"ANAPHORA_ISA={isa!r} is not an instruction set of this processor: {_native.isas()}")
    if threads is not None and not (threads.isdecimal() and 0 < int(threads) <= MAX_THREADS):
        raise OptionError(f"ANAPHORA_THREADS={threads!r} is not a number of threads, 1 to {MAX_THREADS}")
    return isa, int(threads) if threads else None


def resolve(precision: str) -> str:
    """The precision, with `auto` replaced. Raises OptionError at an unknown one."""
    if precision not in PRECISIONS:
        raise OptionError(f"precision {precision!r} is not known: it is one of {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision
    return "bfloat16" if _native.has_bfloat16(environment()[0]) else "float32"


def project(cell: Cell, x_ND: Any, weights: Weights) -> Any:
    """The projection of inputs `[N, D]`, by the compiled product if the weights are prepared for it: `[N, G]`.

    The compiled product of a row does not depend on the number of rows, so chunks give the same bits as the whole.
    """
    if isinstance(weights, Projecting):
        return weights.product.logits(np.ascontiguousarray(x_ND, np.float32), threads())
    return cell.project(np, x_ND[None], weights)[0]


def used(cell: Cell, precision: str) -> str:
    """The precision of a cell's products: float32 if the cell has no kernel."""
    return "float32" if kernel_of(cell) is None else resolve(precision)


def threads() -> int:
    """`ANAPHORA_THREADS`, or the number of processors that this process may use."""
    if count := environment()[1]:
        return count
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare(cell: Cell, weights: Weights | _native.Packed, precision: str = "float32") -> Weights | _native.Packed:
    """The weights of one direction in the form that `scan` reads fastest; unchanged if the cell has no fast path."""
    kernel, precision = kernel_of(cell), resolve(precision)
    if isinstance(weights, _native.Packed | Projecting):
        return weights
    if kernel is not None:
        arrays = (np.ascontiguousarray(weights[name], np.float32) for name in WEIGHTS)
        return _native.Packed(kernel, *arrays, True, False, precision, environment()[0], threads())
    # A cell with its own `project` computes that with NumPy.
    return Projecting(weights) if isinstance(cell, LinearCell) and type(cell).project is Cell.project else weights


def scan(
    cell: Cell,
    weights: Weights | _native.Packed,
    x_BTD: Any,
    lengths_B: Any,
    state: State | None = None,
    reverse: bool = False,
    trace: bool = False,
    ends: bool = True,
) -> Any:
    """Run `cell` over a ragged batch; `anaphora.engine` states the contract. `weights` may be prepared."""
    packed = weights if trace else prepare(cell, weights)
    if isinstance(cell, LinearCell) and not trace:
        return _linear_scan(cell, packed, x_BTD, lengths_B, state, reverse, ends)
    if not isinstance(packed, _native.Packed):
        return reference.scan(cell, packed, x_BTD, lengths_B, state, reverse, trace, ends)
    B, T, D = x_BTD.shape
    H, lengths_B = packed.hidden, _integers(lengths_B)
    h_BH, *c_BH = state or [np.zeros((B, H), np.float32)] * len(cell.state)
    end_BH, c_BH = np.empty((B, H), np.float32), [np.array(c, np.float32, order="C") for c in c_BH]
    y_BTH = np.zeros((B, T, H), np.float32)
    row_B, time_T = np.arange(B) * T, np.arange(T)
    packed.forward(
        np.ascontiguousarray(x_BTD, np.float32).reshape(-1, D),
        row_B,
        time_T,
        lengths_B,
        reverse,
        np.ascontiguousarray(h_BH, np.float32),
        y_BTH.reshape(-1, H),
        row_B,
        time_T,
        end_BH,
        c_BH[0] if c_BH else None,
        None,
        threads(),
    )
    return y_BTH, (end_BH, *c_BH) if ends else ()


def _linear_scan(
    cell: LinearCell, weights: Any, x_BTD: Any, lengths_B: Any, state: State | None, reverse: bool, ends: bool
) -> tuple[Any, State]:
    B, T, D = x_BTD.shape
    H, lengths_B = cell.width(weights), _integers(lengths_B)
    (h0_BH,) = zero_state(cell, weights, B) if state is None else state
    if ragged := not (lengths_B == T).all():
        inside_BT = inside(x_BTD, lengths_B)[..., 0]
    x_ND = x_BTD[inside_BT] if ragged else x_BTD.reshape(B * T, D)
    x_NG = project(cell, x_ND, weights)
    a_NH, b_NH = (np.empty((len(x_NG), H), np.float32) for _ in range(2))
    block = max(1, BLOCK_NUMBERS // x_NG.shape[1])
    for start in range(0, len(x_NG), block):
        part = slice(start, start + block)
        a_NH[part], b_NH[part] = cell.coefficients(np, x_NG[part], weights)

    def by_row(values_NH: Any) -> Any:
        if not ragged:
            return values_NH.reshape(B, T, H)
        values_BTH = np.empty((B, T, H), np.float32)
        values_BTH[inside_BT] = values_NH
        return values_BTH

    a_BTH, b_BTH = by_row(a_NH), by_row(b_NH)
    y_BTH, end_BH = (np.zeros if ragged else np.empty)((B, T, H), np.float32), np.empty((B, H), np.float32)
    h0_BH = np.ascontiguousarray(h0_BH, np.float32)
    _native.linear_scan(a_BTH, b_BTH, lengths_B, reverse, h0_BH, y_BTH, end_BH, environment()[0], threads())
    return y_BTH, (end_BH,) if ends else ()


def _integers(lengths_B: Any) -> NDArray[np.int64]:
    lengths_B = np.asarray(lengths_B)
    if lengths_B.dtype.kind not in "iu":
        raise TypeError(f"lengths are integers, not {lengths_B.dtype}")
    return np.ascontiguousarray(lengths_B, np.int64)


def cross_entropy(
    x_NH: Any, weight_VH: Any, bias_V: Any, targets_N: Any, precision: str, gradients: Sequence[Any] | None = None
) -> NDArray[np.float32]:
    """The log-probabilities of targets under a linear layer and softmax; the scores `[N, V]` are never all in memory.

    Returns `[N, 2]`: the log-probability of each target, and 1 if no token has a higher one, else 0. The gradients of
    the mean of -log-probability are written to `gradients`, arrays of the shapes of x, W and b; `int8` has none.
    """
    x_NH, weight_VH, bias_V = (np.ascontiguousarray(array, np.float32) for array in (x_NH, weight_VH, bias_V))
    targets_N = np.ascontiguousarray(targets_N, np.int64)
    dx_NH, dw_VH, db_V = gradients or (None, None, None)
    weight = 1 / max(1, len(targets_N))
    how = (resolve(precision), environment()[0], threads())
    return _native.cross_entropy(x_NH, weight_VH, bias_V, targets_N, weight, dx_NH, dw_VH, db_V, *how)
