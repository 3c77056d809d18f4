"""The same contract under torch, for training: the compiled kernels on a CPU, cuDNN on a GPU.

What the kernels do not do (a GPU, other dtypes than float32) goes to torch's own: each direction is one call on the
padded batch; the reverse one runs over rows flipped within their lengths. A cell that has no kernel runs through the
reference loop, under autograd as it is.
"""

from typing import Any

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from anaphora.cells.cell import Cell, State, Weights
from anaphora.engine import native, op, reference
from anaphora.engine.ragged import flip, last, mask, zero_state

KERNELS: dict[str, Any] = {
    "rnn_tanh": torch.rnn_tanh,
    "rnn_relu": torch.rnn_relu,
    "lstm": torch.lstm,
    "gru": torch.gru,
}


def scan(
    cell: Cell,
    weights: Weights,
    x_BTD: Any,
    lengths_B: Any,
    state: State | None = None,
    reverse: bool = False,
    trace: bool = False,
    ends: bool = True,
    precision: str = "float32",
) -> Any:
    """Run `cell` over a ragged batch; the contract stands in `anaphora.engine`. `precision` is the kernels'."""
    kernel = native.kernel_of(cell)
    if kernel is None or trace:
        return reference.scan(cell, weights, x_BTD, lengths_B, state, reverse, trace, ends)
    start = zero_state(cell, weights, len(x_BTD)) if state is None else state
    if x_BTD.device.type == "cpu" and x_BTD.dtype == torch.float32:
        y_BTH, end = op.scan(kernel, x_BTD, lengths_B, None, tuple(_flat(weights)), start, reverse, precision)
        return y_BTH, end if ends else ()
    if x_BTD.numel() == 0 or kernel not in KERNELS:
        return reference.scan(cell, weights, x_BTD, lengths_B, state, reverse, trace, ends)
    return _scan_by_torch(KERNELS[kernel], weights, x_BTD, lengths_B, start, reverse, ends)


def _scan_by_torch(
    kernel: Any, weights: Weights, x_BTD: Any, lengths_B: Any, start: State, reverse: bool, ends: bool
) -> Any:
    ragged = bool((lengths_B < x_BTD.shape[1]).any())
    x_BTD = mask(x_BTD, lengths_B) if ragged else x_BTD
    x_BTD = flip(x_BTD, lengths_B) if reverse else x_BTD
    if ragged and ends and len(start) > 1:
        y_BTH, end = _run_packed(kernel, weights, x_BTD, lengths_B, start)
    else:
        y_BTH, end = _run_padded(kernel, weights, x_BTD, start)
        if ragged:
            y_BTH = mask(y_BTH, lengths_B)
            end = (last(y_BTH, lengths_B),)
    y_BTH = flip(y_BTH, lengths_B) if reverse else y_BTH
    if not ends:
        return y_BTH, ()
    begun_B1 = lengths_B[:, None] > 0
    return y_BTH, tuple(torch.where(begun_B1, e, s) for e, s in zip(end, start, strict=True))


def _run_padded(kernel: Any, weights: Weights, x_BTD: Any, start: State) -> tuple[Any, State]:
    """One direction over the whole padded batch; the state is the one at place T."""
    y_BTH, *end = kernel(x_BTD, _given(start), _flat(weights), True, 1, 0.0, True, False, True)
    return y_BTH, tuple(e[0] for e in end)


def _run_packed(kernel: Any, weights: Weights, x_BTD: Any, lengths_B: Any, start: State) -> tuple[Any, State]:
    """The slow way, for what it alone gives: every array of the state at each row's own end."""
    # Packing knows no empty rows: they run for one step that is thrown away.
    packed = pack_padded_sequence(x_BTD, lengths_B.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
    given = _given(tuple(s[packed.sorted_indices] for s in start))
    data, *end = kernel(packed.data, packed.batch_sizes, given, _flat(weights), True, 1, 0.0, True, False)
    y_BTH, _ = pad_packed_sequence(packed._replace(data=data), batch_first=True, total_length=x_BTD.shape[1])
    return mask(y_BTH, lengths_B), tuple(e[0][packed.unsorted_indices] for e in end)


def _given(state: State) -> Any:
    """The state as torch's kernels take it: `[1, B, H]`, in a list where there are several."""
    arrays = [s[None].contiguous() for s in state]
    return arrays if len(arrays) > 1 else arrays[0]


def _flat(weights: Weights) -> list[Any]:
    return [weights[name] for name in native.WEIGHTS]
