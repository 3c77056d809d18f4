"""Linear map and cross-entropy in one, some rows at a time: the sheet of all scores, `[N, V]`, never exists.

The gradients are made on the way forward, while scores are in cache; the way back only scales them. Float32 on a CPU
is the kernels' (`native/cross_entropy.h`), all else torch's.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from anaphora.engine import native

Gradients = Sequence[Tensor] | None
"""Of x, W and b, to be written."""

CHUNK_NUMBERS = 1 << 22
"""Scores that exist at once where torch computes them."""


def cross_entropy(x_NH: Tensor, weight_VH: Tensor, bias_V: Tensor, targets_N: Tensor, precision: str) -> Tensor:
    """Mean of -log softmax(x W^T + b)[target]. In `bfloat16` the products are of rounded numbers, all sums float32.

    It can be differentiated once.
    """
    loss: Tensor = _CrossEntropy.apply(x_NH, weight_VH, bias_V, targets_N, precision)  # type: ignore[no-untyped-call]  # torch's own
    return loss


def scores(x_NH: Tensor, weight_VH: Tensor, bias_V: Tensor, targets_N: Tensor, precision: str) -> Tensor:
    """The targets' log-probabilities, and 1 where the target's is the highest, 0 elsewhere: `[N, 2]`."""
    if _has_kernel(x_NH):
        return _by_kernels((x_NH, weight_VH, bias_V), targets_N, precision, None)
    found = x_NH.new_empty(len(x_NH), 2)
    for rows, _, likely_CV in _log_probabilities(x_NH, _rounded(weight_VH, precision), bias_V):
        of_target_C1 = likely_CV.gather(1, targets_N[rows, None])
        found[rows] = torch.cat([of_target_C1, (likely_CV.amax(1, keepdim=True) <= of_target_C1).float()], 1)
    return found


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        *tensors, targets_N, precision = inputs
        has_kernel = _has_kernel(tensors[0])
        make = partial(torch.empty_like if has_kernel else torch.zeros_like, memory_format=torch.contiguous_format)
        ctx.gradients = [make(tensor) for tensor in tensors] if any(ctx.needs_input_grad) else None
        if has_kernel:
            found_N2 = _by_kernels(tensors, targets_N, precision, ctx.gradients)
            total = -found_N2[:, 0].sum(dtype=torch.float64).to(found_N2.dtype)
        else:
            total = _by_torch(tensors, targets_N, precision, ctx.gradients)
        return total / max(1, len(targets_N))

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> Any:
        gradients, ctx.gradients = ctx.gradients, None  # nobody else holds them: who gets them need not copy them
        if gradients is None:
            raise RuntimeError("a next-token loss can be differentiated once: its gradients are made with it")
        if upstream[0] != 1:
            for own in gradients:
                own.mul_(upstream[0])
        return *(own if need else None for own, need in zip(gradients, ctx.needs_input_grad, strict=False)), None, None


def _has_kernel(x_NH: Tensor) -> bool:
    return x_NH.device.type == "cpu" and x_NH.dtype == torch.float32


def _by_kernels(tensors: Sequence[Tensor], targets_N: Tensor, precision: str, gradients: Gradients) -> Tensor:
    """What is found of each target, `[N, 2]`."""
    x_NH, weight_VH, bias_V, targets = (tensor.detach().numpy() for tensor in (*tensors, targets_N))
    wanted = [own.numpy() for own in gradients] if gradients else None
    return torch.from_numpy(native.cross_entropy(x_NH, weight_VH, bias_V, targets, precision, wanted))


def _by_torch(tensors: Sequence[Tensor], targets_N: Tensor, precision: str, gradients: Gradients) -> Tensor:
    """The sum of all losses."""
    x_NH, weight_VH, bias_V = tensors
    W_VH, share = _rounded(weight_VH, precision), 1 / max(1, len(x_NH))
    total = x_NH.new_zeros(())
    for rows, x_CH, likely_CV in _log_probabilities(x_NH, W_VH, bias_V):
        at_C1 = targets_N[rows, None]
        total -= likely_CV.gather(1, at_C1).sum()
        if not gradients:
            continue
        dx_NH, dw_VH, db_V = gradients
        d_CV = torch.exp(likely_CV, out=torch.empty_like(likely_CV, dtype=W_VH.dtype))
        d_CV.scatter_add_(1, at_C1, d_CV.new_full((1, 1), -1.0).expand_as(at_C1))
        dx_NH[rows] = (d_CV @ W_VH).to(dx_NH.dtype) * share
        db_V += (d_CV.new_ones(1, len(d_CV)) @ d_CV)[0] * share
        dw_VH += (d_CV.T @ x_CH) * share
    return total


def _log_probabilities(x_NH: Tensor, W_VH: Tensor, bias_V: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Some rows at a time: which, their features as they are multiplied, and the log-probabilities `[C, V]`."""
    size = max(1, CHUNK_NUMBERS // len(W_VH))
    for first in range(0, len(x_NH), size):
        rows = slice(first, first + size)
        x_CH = x_NH[rows].to(W_VH.dtype)
        yield rows, x_CH, (x_CH @ W_VH.T).add(bias_V).log_softmax(1)


def _rounded(tensor: Tensor, precision: str) -> Tensor:
    return tensor.bfloat16() if precision == "bfloat16" else tensor
