"""The linear scan h_t = a_t * h_(t-1) + b_t under torch, with its gradient of any order.

Float32 tensors on a CPU run through the compiled kernel, other tensors through a scan in torch's own operations, whose
depth is log2(T). `torch.compile` and `torch.export` see the kernel as the custom operators `anaphora::linear_scan` and
`anaphora::linear_scan_backward`.
"""

from typing import Any

import torch
from torch.library import custom_op, register_autograd

from anaphora import _native
from anaphora.engine import native
from anaphora.engine.op import threads
from anaphora.engine.ragged import mask

Tensor = torch.Tensor


def linear_scan(a_BTH: Tensor, b_BTH: Tensor, lengths_B: Tensor, h0_BH: Tensor, reverse: bool) -> tuple[Tensor, Tensor]:
    """Outputs h at every step, zeros past each row's end, `[B, T, H]`; and the last h of each row, `[B, H]`."""
    if torch.compiler.is_compiling() and has_kernel(a_BTH):
        y_BTH, h_n = linear_scan_op(a_BTH, b_BTH, lengths_B, h0_BH, reverse)
    else:
        y_BTH, h_n = LinearScan.apply(a_BTH, b_BTH, lengths_B, h0_BH, reverse)  # type: ignore[no-untyped-call]  # torch's
    return y_BTH, h_n


def has_kernel(a_BTH: Tensor) -> bool:
    return a_BTH.device.type == "cpu" and a_BTH.dtype == torch.float32


def is_full(lengths_B: Tensor, T: int) -> bool:
    return bool((lengths_B == T).all())


def output(like_BTH: Tensor, full: bool) -> Tensor:
    """A new array that a kernel writes: uncleared only if every row is full."""
    new = torch.from_numpy(_native.empty(tuple(like_BTH.shape)))  # reuses the memory of large arrays
    return new if full else new.zero_()


def forward(a_BTH: Tensor, b_BTH: Tensor, lengths_B: Tensor, h0_BH: Tensor, reverse: bool) -> tuple[Tensor, Tensor]:
    """`linear_scan` by the compiled kernel, without a gradient."""
    y_BTH, h_n = output(a_BTH, is_full(lengths_B, a_BTH.shape[1])), torch.empty(h0_BH.shape)
    _native.linear_scan(
        array(a_BTH),
        array(b_BTH),
        array(lengths_B),
        reverse,
        array(h0_BH),
        y_BTH.numpy(),
        h_n.numpy(),
        native.environment()[0],
        threads(),
    )
    return y_BTH, h_n


def backward(
    dy_BTH: Tensor, dh_n: Tensor, a_BTH: Tensor, lengths_B: Tensor, h0_BH: Tensor, y_BTH: Tensor, reverse: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a, b and h0 by the compiled kernel."""
    full = is_full(lengths_B, a_BTH.shape[1])
    da, db, dh0 = output(a_BTH, full), output(a_BTH, full), torch.empty(h0_BH.shape)
    _native.linear_scan_backward(
        array(a_BTH),
        array(lengths_B),
        reverse,
        array(h0_BH),
        array(y_BTH),
        array(dy_BTH),
        array(dh_n),
        da.numpy(),
        db.numpy(),
        dh0.numpy(),
        native.environment()[0],
        threads(),
    )
    return da, db, dh0


def array(tensor: Tensor) -> Any:
    return tensor.detach().contiguous().numpy()


def forward_in_torch(
    a_BTH: Tensor, b_BTH: Tensor, lengths_B: Tensor, h0_BH: Tensor, reverse: bool
) -> tuple[Tensor, Tensor]:
    """`linear_scan` in torch's operations (Hillis & Steele 1986): each pass doubles the steps that are composed."""
    T = a_BTH.shape[1]
    if T == 0:
        return b_BTH, h0_BH
    inside_BT1 = torch.arange(T, device=a_BTH.device)[None, :, None] < lengths_B[:, None, None]
    # A step past a row's end keeps the state: a = 1, b = 0. Then the state at the end of time is the row's last.
    a = torch.where(inside_BT1, a_BTH, 1.0)
    b = torch.where(inside_BT1, b_BTH, 0.0)
    a, b = (a.flip(1), b.flip(1)) if reverse else (a, b)
    span = 1
    while span < T:
        b = torch.cat([b[:, :span], a[:, span:] * b[:, :-span] + b[:, span:]], 1)
        a = torch.cat([a[:, :span], a[:, span:] * a[:, :-span]], 1)
        span *= 2
    h_BTH = a * h0_BH[:, None] + b
    y_BTH = torch.where(inside_BT1, h_BTH.flip(1) if reverse else h_BTH, 0.0)
    return y_BTH, h_BTH[:, -1].clone()


def backward_as_scan(
    dy_BTH: Tensor, dh_n: Tensor, a_BTH: Tensor, lengths_B: Tensor, h0_BH: Tensor, y_BTH: Tensor, reverse: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a, b and h0 as another linear scan, in the opposite direction, which autograd can follow.

    g_t = dh_t = a_(t+1) g_(t+1) + dy_t, where the coefficient of the last step is 1 and the state is dh_n.
    """
    T = a_BTH.shape[1]
    if T == 0:
        return torch.zeros_like(a_BTH), torch.zeros_like(a_BTH), dh_n
    one_B1H, h0_B1H = torch.ones_like(a_BTH[:, :1]), h0_BH[:, None]
    last_BT1 = (torch.arange(T, device=a_BTH.device) == lengths_B[:, None] - 1)[:, :, None]
    if reverse:
        next_a = torch.cat([one_B1H, a_BTH[:, :-1]], 1)
        before = torch.where(last_BT1, h0_B1H, torch.cat([y_BTH[:, 1:], h0_B1H], 1))
    else:
        next_a = torch.where(last_BT1, 1.0, torch.cat([a_BTH[:, 1:], one_B1H], 1))
        before = torch.cat([h0_B1H, y_BTH[:, :-1]], 1)
    g_BTH, g_first = linear_scan(next_a, dy_BTH, lengths_B, dh_n, not reverse)
    if reverse:
        a_first = a_BTH.gather(1, (lengths_B - 1).clamp(min=0)[:, None, None].expand(-1, 1, a_BTH.shape[2]))[:, 0]
    else:
        a_first = a_BTH[:, 0]
    begun_B1 = lengths_B[:, None] > 0
    return g_BTH * mask(before, lengths_B), g_BTH, torch.where(begun_B1, mask_rows(a_first, begun_B1) * g_first, dh_n)


def mask_rows(x_BH: Tensor, keep_B1: Tensor) -> Tensor:
    return torch.where(keep_B1, x_BH, 0.0)


class LinearScan(torch.autograd.Function):
    """`linear_scan` for eager programs: a custom operator takes longer to call."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, lengths_B: Tensor, h0_BH: Tensor, reverse: bool) -> Any:
        y_BTH, h_n = (forward if has_kernel(a) else forward_in_torch)(a, b, lengths_B, h0_BH, reverse)
        _remember(ctx, (a, b, lengths_B, h0_BH, reverse), (y_BTH, h_n))
        return y_BTH, h_n

    @staticmethod
    def backward(ctx: Any, dy_BTH: Any, dh_n: Any) -> Any:
        a, lengths_B, h0_BH, y_BTH = ctx.saved_tensors
        run = backward if has_kernel(a) and not torch.is_grad_enabled() else backward_as_scan
        da, db, dh0 = run(dy_BTH, dh_n, a, lengths_B, h0_BH, y_BTH, ctx.reverse)
        return da, db, None, dh0, None


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    a, _, lengths_B, h0_BH, ctx.reverse = inputs
    ctx.save_for_backward(a, lengths_B, h0_BH, output[0])


def _op_backward(ctx: Any, dy_BTH: Tensor, dh_n: Tensor) -> tuple[Any, ...]:
    a, lengths_B, h0_BH, y_BTH = ctx.saved_tensors
    da, db, dh0 = linear_scan_backward_op(dy_BTH, dh_n, a, lengths_B, h0_BH, y_BTH, ctx.reverse)
    return da, db, None, dh0, None


linear_scan_op = custom_op("anaphora::linear_scan", forward, mutates_args=())
linear_scan_backward_op = custom_op("anaphora::linear_scan_backward", backward, mutates_args=())


@linear_scan_op.register_fake
def _(a: Tensor, b: Tensor, lengths_B: Tensor, h0_BH: Tensor, reverse: bool) -> tuple[Tensor, Tensor]:
    return a.new_empty(a.shape), h0_BH.new_empty(h0_BH.shape)


@linear_scan_backward_op.register_fake
def _(
    dy: Tensor, dh_n: Tensor, a: Tensor, lengths_B: Tensor, h0_BH: Tensor, y: Tensor, reverse: bool
) -> tuple[Tensor, Tensor, Tensor]:
    return a.new_empty(a.shape), a.new_empty(a.shape), h0_BH.new_empty(h0_BH.shape)


register_autograd("anaphora::linear_scan", _op_backward, setup_context=_remember)
