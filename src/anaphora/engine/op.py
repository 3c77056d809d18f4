"""The compiled kernels under torch: one direction of one layer with its gradient, for float32 tensors on a CPU.

Eager programs reach them through an autograd function. `torch.compile` and `torch.export` see the same as custom
operators, `anaphora::scan` and `anaphora::scan_backward`, with fake implementations.
"""

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.library import custom_op, register_autograd
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from anaphora import _native
from anaphora.cells import CELLS
from anaphora.engine import native, reference

Tensor = torch.Tensor
Maybe = torch.Tensor | None

_native.share_openmp()


class Layout:
    """Where the rows of a batch stand in flat arrays, and how long they are.

    `x` is `[B, T, D]`, or `[T, B, D]` where it is `time_first`, or, with `batch_sizes_T`, the data `[N, D]` of a
    PackedSequence.
    """

    def __init__(self, x: Tensor, lengths_B: Maybe, batch_sizes_T: Maybe, time_first: bool) -> None:
        if batch_sizes_T is not None:
            alive = batch_sizes_T.numpy()
            self.full = True
            self.row = np.arange(alive[0] if len(alive) else 0)
            self.time = np.cumsum(alive) - alive
            self.lengths = (alive[:, None] > self.row).sum(0)
            return
        T, B = x.shape[:2] if time_first else (x.shape[1], x.shape[0])
        self.row, self.time = (np.arange(B), np.arange(T) * B) if time_first else (np.arange(B) * T, np.arange(T))
        self.lengths = np.full(B, T) if lengths_B is None else lengths_B.numpy()
        self.full = lengths_B is None or bool((self.lengths == T).all())


def flat(x: Tensor) -> Any:
    """An array `[B, T, D]`, `[T, B, D]` or `[N, D]` as a flat one `[rows, D]` of NumPy's."""
    return x.detach().contiguous().view(-1, x.shape[-1]).numpy()


def lies_time_first(x_BTD: Tensor) -> bool:
    return x_BTD.ndim == 3 and x_BTD.stride(0) < x_BTD.stride(1)


def rows_of(x: Tensor) -> int:
    return math.prod(x.shape[:-1])


def fresh(*shape: int) -> Tensor:
    """An uncleared array, in memory that is used again where it is large."""
    return torch.from_numpy(_native.empty(shape))


def zeros(*shape: int) -> Tensor:
    return fresh(*shape).zero_()


def array(tensor: Maybe) -> Any:
    return None if tensor is None else tensor.detach().contiguous().numpy()


def threads() -> int:
    return native.environment()[1] or torch.get_num_threads()


def keeping(x: Tensor, cell: str, H: int, precision: str, keep: bool) -> Tensor:
    """Room for what the way back needs, a row for each place; no rows where there will be none."""
    return fresh(rows_of(x) if keep else 0, kept_floats(cell, H, precision))


def kept_floats(cell: str, H: int, precision: str) -> int:
    """Floats of each row and step that the way back needs."""
    return _native.kept(cell, H, native.resolve(precision), native.environment()[0])


def pack(cell: str, *weights: Maybe, precision: str, forward: bool = False, backward: bool = False) -> _native.Packed:
    own = (array(weight) for weight in weights)
    how = (forward, backward, native.resolve(precision), native.environment()[0], threads())
    return _native.Packed(cell, *own, *how)


def forward(
    x: Tensor,
    lengths_B: Maybe,
    batch_sizes_T: Maybe,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Maybe,
    bias_hh: Maybe,
    h0_BH: Tensor,
    c0_BH: Maybe,
    cell: str,
    reverse: bool,
    time_first: bool,
    precision: str,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Outputs, h and c at the rows' ends (c empty where there is none), and what backward needs beside them."""
    packed = pack(cell, weight_ih, weight_hh, bias_ih, bias_hh, precision=precision, forward=True)
    kept = keeping(x, cell, weight_hh.shape[1], precision, keep)
    # An operator's outputs are the same for the same inputs, what is never used too: the padding of each row, and rows
    # past the last place of a ragged batch.
    kept[:, -16:].zero_()
    kept[rows_of(x) if lengths_B is None else int(lengths_B.sum()) :].zero_()
    return forward_with(packed, x, lengths_B, batch_sizes_T, h0_BH, c0_BH, reverse, time_first, kept)


def forward_with(
    packed: _native.Packed,
    x: Tensor,
    lengths_B: Maybe,
    batch_sizes_T: Maybe,
    h0_BH: Tensor,
    c0_BH: Maybe,
    reverse: bool,
    time_first: bool,
    kept: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`forward`, with weights that are packed already."""
    layout = Layout(x, lengths_B, batch_sizes_T, time_first)
    lstm, H = c0_BH is not None, packed.hidden
    y = (fresh if layout.full else zeros)(*x.shape[:-1], H)
    h_n = x.new_empty(h0_BH.shape)
    c_n = c0_BH.detach().clone(memory_format=torch.contiguous_format) if c0_BH is not None else x.new_empty(0)
    packed.forward(
        flat(x),
        layout.row,
        layout.time,
        layout.lengths,
        reverse,
        array(h0_BH),
        flat(y),
        layout.row,
        layout.time,
        array(h_n),
        array(c_n) if lstm else None,
        array(kept) if kept.numel() else None,
        threads(),
    )
    return y, h_n, c_n, kept


def backward(
    dy: Tensor,
    dh_n: Tensor,
    dc_n: Maybe,
    x: Tensor,
    lengths_B: Maybe,
    batch_sizes_T: Maybe,
    weight_ih: Tensor,
    weight_hh: Tensor,
    h0_BH: Tensor,
    c0_BH: Maybe,
    y: Tensor,
    kept: Tensor,
    cell: str,
    reverse: bool,
    time_first: bool,
    precision: str,
    needs_dx: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, weight_ih, weight_hh, bias_ih, bias_hh, h0 and c0 (x and c0: empty where nobody asks)."""
    packed = pack(cell, weight_ih, weight_hh, None, None, precision=precision, backward=True)
    given = (h0_BH, c0_BH, y, kept, reverse, time_first, needs_dx)
    return backward_with(packed, dy, dh_n, dc_n, x, lengths_B, batch_sizes_T, weight_ih, weight_hh, *given)


def backward_with(
    packed: _native.Packed,
    dy: Tensor,
    dh_n: Tensor,
    dc_n: Maybe,
    x: Tensor,
    lengths_B: Maybe,
    batch_sizes_T: Maybe,
    weight_ih: Tensor,
    weight_hh: Tensor,
    h0_BH: Tensor,
    c0_BH: Maybe,
    y: Tensor,
    kept: Tensor,
    reverse: bool,
    time_first: bool,
    needs_dx: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """`backward`, with weights that are packed already."""
    layout = Layout(x, lengths_B, batch_sizes_T, time_first)
    G = len(weight_hh)
    lstm = c0_BH is not None
    dx = (fresh if layout.full else zeros)(*x.shape) if needs_dx else x.new_empty(0)
    dh = dh_n.detach().clone(memory_format=torch.contiguous_format)
    dc = dc_n.detach().clone(memory_format=torch.contiguous_format) if dc_n is not None else x.new_empty(0)
    dw_ih, dw_hh, db_ih, db_hh = (x.new_empty(shape) for shape in (weight_ih.shape, weight_hh.shape, G, G))
    packed.backward(
        flat(x),
        layout.row,
        layout.time,
        layout.lengths,
        reverse,
        array(h0_BH),
        array(c0_BH),
        flat(y),
        flat(dy),
        layout.row,
        layout.time,
        array(kept) if kept.shape[1] else None,
        array(dh),
        array(dc) if lstm else None,
        flat(dx) if needs_dx else None,
        array(dw_ih),
        array(dw_hh),
        array(db_ih),
        array(db_hh),
        threads(),
    )
    return dx, dw_ih, dw_hh, db_ih, db_hh, dh, dc


scan_op = custom_op("anaphora::scan", forward, mutates_args=())
scan_backward_op = custom_op("anaphora::scan_backward", backward, mutates_args=())


@scan_op.register_fake
def _(*inputs: Any) -> tuple[Tensor, ...]:
    x, _, _, _, weight_hh, _, _, h0_BH, c0_BH, cell, _, _, precision, keep = inputs
    H, rows = weight_hh.shape[1], rows_of(x) if keep else 0
    return (
        x.new_empty(*x.shape[:-1], H),
        x.new_empty(h0_BH.shape),
        x.new_empty(0 if c0_BH is None else c0_BH.shape),
        x.new_empty(rows, kept_floats(cell, int(H), precision)),
    )


@scan_backward_op.register_fake
def _(*inputs: Any) -> tuple[Tensor, ...]:
    _, dh_n, dc_n, x, _, _, weight_ih, weight_hh, *_, needs_dx = inputs
    G = weight_hh.shape[0]
    return (
        x.new_empty(x.shape if needs_dx else 0),
        x.new_empty(weight_ih.shape),
        x.new_empty(weight_hh.shape),
        x.new_empty(G),
        x.new_empty(G),
        x.new_empty(dh_n.shape),
        x.new_empty(0 if dc_n is None else dc_n.shape),
    )


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    *tensors, ctx.cell, ctx.reverse, ctx.time_first, ctx.precision, _ = inputs
    y, _, _, kept = output
    ctx.save_for_backward(*tensors, y, kept)
    ctx.mark_non_differentiable(kept)
    ctx.set_materialize_grads(False)  # of what is kept it would be a sheet of zeros


def _gradients(run: Any, ctx: Any, dy: Any, dh_n: Any, dc_n: Any, *how: Any) -> tuple[Any, ...]:
    needs = ctx.needs_input_grad
    x, lengths_B, batch_sizes_T, weight_ih, weight_hh, _, _, h0_BH, c0_BH, y, kept = ctx.saved_tensors
    own = (x, lengths_B, batch_sizes_T, weight_ih, weight_hh, h0_BH, c0_BH, y, kept)
    dy, dh_n = (torch.zeros_like(of) if given is None else given for given, of in ((dy, y), (dh_n, h0_BH)))
    dc_n = None if c0_BH is None else torch.zeros_like(c0_BH) if dc_n is None else dc_n
    dx, dw_ih, dw_hh, db_ih, db_hh, dh, dc = run(dy, dh_n, dc_n, *own, *how, needs[0])
    gradients = (dx, None, None, dw_ih, dw_hh, db_ih, db_hh, dh, dc, None, None, None, None, None)
    return tuple(gradient if need else None for gradient, need in zip(gradients, needs, strict=True))


def _gradients_with_a_graph(ctx: Any, upstream: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same through the cell's equation in float32, slowly, for who wants to differentiate the gradients."""
    # Views of its own: what of one input is made from another, or tied to it, must not count twice.
    inputs: tuple[Any, ...] = tuple(t if t is None else t.view_as(t) for t in ctx.saved_tensors[:9])
    x, lengths_B, sizes_T, weight_ih, weight_hh, bias_ih, bias_hh, *state = inputs
    name, activation = next(key for key, kernel in native.NAMES.items() if kernel == ctx.cell)
    weights = {"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias_ih, "bias_hh": bias_hh}
    none = weight_ih.new_zeros(len(weight_ih))
    weights = {key: none if weight is None else weight for key, weight in weights.items()}
    if sizes_T is not None:
        x, lengths_B = pad_packed_sequence(PackedSequence(x, sizes_T), batch_first=True)
    else:
        x = x.transpose(0, 1) if ctx.time_first else x
        lengths_B = torch.full((x.shape[0],), x.shape[1]) if lengths_B is None else lengths_B
    start = tuple(array for array in state if array is not None)
    y, end = reference.scan(CELLS[name](activation), weights, x, lengths_B, start, ctx.reverse)
    if sizes_T is not None:
        y = pack_padded_sequence(y, lengths_B, batch_first=True).data
    y = y.transpose(0, 1) if ctx.time_first else y
    wanted = [tensor for tensor, need in zip(inputs, ctx.needs_input_grad, strict=False) if need]
    reached = [(of, given) for of, given in zip((y, *end), upstream, strict=False) if given is not None]
    if not reached:  # whoever came after gave no gradient
        return (None,) * len(ctx.needs_input_grad)
    outputs, given = zip(*reached, strict=True)
    found = torch.autograd.grad(outputs, wanted, given, create_graph=True, allow_unused=True)
    gradients = iter(found)
    return tuple(next(gradients) if need else None for need in ctx.needs_input_grad)


def _op_backward(ctx: Any, dy: Any, dh_n: Any, dc_n: Any, *_: Any) -> tuple[Any, ...]:
    how = (ctx.cell, ctx.reverse, ctx.time_first, ctx.precision)
    return _gradients(scan_backward_op, ctx, dy, dh_n, dc_n, *how)


register_autograd("anaphora::scan", _op_backward, setup_context=_remember)


class Scan(torch.autograd.Function):
    """`forward` with its gradient, for eager programs: a custom operator costs half as much time again."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        x, lengths_B, sizes_T, *weights, h0_BH, c0_BH, cell, reverse, time_first, precision, keep = inputs
        # Both ways at once, while the weights are in cache; torch refuses the way back if they change before it.
        ctx.packed = pack(cell, *weights, precision=precision, forward=True, backward=True)
        kept = keeping(x, cell, ctx.packed.hidden, precision, keep)
        output = forward_with(ctx.packed, x, lengths_B, sizes_T, h0_BH, c0_BH, reverse, time_first, kept)
        y, *rest = output
        # The way back reads y. As with torch's own kernels, a program may change an RNN's or a GRU's, not an LSTM's.
        _remember(ctx, inputs, (y if c0_BH is not None else y.clone(), *rest))
        return output

    @staticmethod
    def backward(ctx: Any, dy: Any, dh_n: Any, dc_n: Any, *_: Any) -> Any:
        if torch.is_grad_enabled():
            return _gradients_with_a_graph(ctx, (dy, dh_n, dc_n))
        return _gradients(partial(backward_with, ctx.packed), ctx, dy, dh_n, dc_n, ctx.reverse, ctx.time_first)


def scan(
    cell: str,
    x: Tensor,
    lengths_B: Maybe,
    batch_sizes_T: Maybe,
    weights: tuple[Maybe, ...],
    state: tuple[Tensor, ...],
    reverse: bool,
    precision: str = "float32",
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One direction of one layer: outputs as `x` is laid out, and the state at the rows' ends.

    `x` is `[B, T, D]` with `lengths_B` (None: all are T), or a PackedSequence's `[N, D]` with its `batch_sizes_T`, and
    then rows and states are in its sorted order. `weights` are torch's weight_ih, weight_hh, bias_ih and bias_hh.
    """
    c0_BH = state[1] if len(state) > 1 else None
    given = (x, *weights, *state)
    keep = torch.is_grad_enabled() and any(tensor is not None and tensor.requires_grad for tensor in given)
    time_first = lies_time_first(x)
    x = x.transpose(0, 1) if time_first else x
    how = (cell, reverse, time_first, precision, keep)
    inputs: tuple[Any, ...] = (x, lengths_B, batch_sizes_T, *weights, state[0], c0_BH, *how)
    if torch.compiler.is_compiling():
        y, *end, _ = scan_op(*inputs)
    else:
        y, *end, _ = Scan.apply(*inputs) if keep else forward(*inputs)  # type: ignore[no-untyped-call]  # torch's own
    return y.transpose(0, 1) if time_first else y, tuple(end[: len(state)])
