"""The same contract on the compiled kernels (`native/`), over NumPy and without torch. A cell without a kernel runs
through the reference loop.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import _native
from anaphora.cells.cell import Cell, State, Weights
from anaphora.engine import reference
from anaphora.errors import OptionError

WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
NAMES = {("rnn", "tanh"): "rnn_tanh", ("rnn", "relu"): "rnn_relu", ("lstm", "tanh"): "lstm", ("gru", "tanh"): "gru"}
MOST_THREADS = 1024
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
"""What weights, and what they are multiplied with, are rounded to; states and sums are float32. `int8` does not learn;
`auto` is bfloat16 where the processor multiplies it faster than float32, else float32."""


def kernel_of(cell: Cell) -> str | None:
    """The kernel's name, None for a cell that has none."""
    return NAMES.get((cell.name, cell.activation))


def environment() -> tuple[str | None, int | None]:
    """What `ANAPHORA_ISA` and `ANAPHORA_THREADS` ask for; None where they leave the choice."""
    isa, threads = os.environ.get("ANAPHORA_ISA"), os.environ.get("ANAPHORA_THREADS")
    if isa is not None and isa not in _native.isas():
        raise OptionError(f"ANAPHORA_ISA={isa!r} is not an instruction set of this processor: {_native.isas()}")
    if threads is not None and not (threads.isdecimal() and 0 < int(threads) <= MOST_THREADS):
        raise OptionError(f"ANAPHORA_THREADS={threads!r} is not a number of threads, 1 to {MOST_THREADS}")
    return isa, int(threads) if threads else None


def resolve(precision: str) -> str:
    """The precision that is meant here. Raises OptionError at an unknown one."""
    if precision not in PRECISIONS:
        raise OptionError(f"precision {precision!r} is not known: it is one of {', '.join(PRECISIONS)}")
    if precision != "auto":
        return precision
    return "bfloat16" if _native.has_bfloat16(environment()[0]) else "float32"


def used(cell: Cell, precision: str) -> str:
    """What a cell's products are really computed in: without a kernel, in float32."""
    return "float32" if kernel_of(cell) is None else resolve(precision)


def threads() -> int:
    """As many as `ANAPHORA_THREADS` says, or as this process may have."""
    asked = environment()[1]
    if asked:
        return asked
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def prepare(cell: Cell, weights: Weights | _native.Packed, precision: str = "float32") -> Weights | _native.Packed:
    """One direction's weights as `scan` reads them fastest, made once; where there is no kernel, as they are."""
    kernel, meant = kernel_of(cell), resolve(precision)
    if kernel is None or isinstance(weights, _native.Packed):
        return weights
    arrays = (np.ascontiguousarray(weights[name], np.float32) for name in WEIGHTS)
    isa = environment()[0]
    return _native.Packed(kernel, *arrays, True, False, meant, isa, threads())


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
    """Run `cell` over a ragged batch; the contract stands in `anaphora.engine`. `weights` may be prepared."""
    packed = weights if trace or isinstance(weights, _native.Packed) else prepare(cell, weights)
    if not isinstance(packed, _native.Packed):
        return reference.scan(cell, packed, x_BTD, lengths_B, state, reverse, trace, ends)
    B, T, D = x_BTD.shape
    H, lengths_B = packed.hidden, np.asarray(lengths_B)
    if lengths_B.dtype.kind not in "iu":
        raise TypeError(f"lengths are integers, not {lengths_B.dtype}")
    h_BH, *c_BH = state or [np.zeros((B, H), np.float32)] * len(cell.state)
    end_BH, c_BH = np.empty((B, H), np.float32), [np.array(c, np.float32, order="C") for c in c_BH]
    y_BTH = np.zeros((B, T, H), np.float32)
    row_B, time_T = np.arange(B) * T, np.arange(T)
    packed.forward(
        np.ascontiguousarray(x_BTD, np.float32).reshape(-1, D),
        row_B,
        time_T,
        np.ascontiguousarray(lengths_B, np.int64),
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


def cross_entropy(
    x_NH: Any, weight_VH: Any, bias_V: Any, targets_N: Any, precision: str, gradients: Sequence[Any] | None = None
) -> NDArray[np.float32]:
    """How likely targets are under a linear layer that scores all of them, whose scores `[N, V]` never all exist.

    Of each the log-probability, and 1 where none is higher, 0 elsewhere: `[N, 2]`. Where `gradients` of x, W and b are
    given, arrays of their shapes, those of the mean of -log-probability are written there; `int8` has none.
    """
    x_NH, weight_VH, bias_V = (np.ascontiguousarray(array, np.float32) for array in (x_NH, weight_VH, bias_V))
    targets_N = np.ascontiguousarray(targets_N, np.int64)
    dx_NH, dw_VH, db_V = gradients or (None, None, None)
    share = 1 / max(1, len(targets_N))
    how = (resolve(precision), environment()[0], threads())
    return _native.cross_entropy(x_NH, weight_VH, bias_V, targets_N, share, dx_NH, dw_VH, db_V, *how)
