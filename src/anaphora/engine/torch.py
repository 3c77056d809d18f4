"""The same contract on torch's kernels, for training: oneDNN on a CPU, cuDNN on a GPU.

Each direction is one call on the padded batch; the reverse one runs over rows flipped within their lengths. A cell that
torch has no kernel for runs through the reference loop, under autograd as it is.
"""

from typing import Any

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from anaphora.cells.cell import Cell, State, Weights
from anaphora.engine import reference
from anaphora.engine.ragged import flip, last, mask, zero_state

KERNELS: dict[tuple[str, str], Any] = {
    ("rnn", "tanh"): torch.rnn_tanh,
    ("rnn", "relu"): torch.rnn_relu,
    ("lstm", "tanh"): torch.lstm,
    ("gru", "tanh"): torch.gru,
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
) -> Any:
    """Run `cell` over a ragged batch; the contract stands in `anaphora.engine`."""
    kernel = KERNELS.get((cell.name, cell.activation))
    if kernel is None or trace or x_BTD.numel() == 0:
        return reference.scan(cell, weights, x_BTD, lengths_B, state, reverse, trace, ends)
    B, T = x_BTD.shape[:2]
    start = zero_state(cell, weights, B) if state is None else state
    ragged = bool((lengths_B < T).any())

    x_BTD = mask(x_BTD, lengths_B) if ragged else x_BTD
    x_BTD = flip(x_BTD, lengths_B) if reverse else x_BTD
    if ragged and ends and len(cell.state) > 1:
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
    return [weights[name] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
