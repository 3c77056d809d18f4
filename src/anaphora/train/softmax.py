"""Linear map and cross-entropy in one, a few rows at a time: the sheet of all scores, `[N, V]`, never exists.

The gradients are made on the way forward, while a chunk's scores are in cache; the way back only scales them.
"""

from collections.abc import Iterator
from typing import Any

import torch

from anaphora.engine.ragged import inside

CHUNK_NUMBERS = 1 << 22
"""Scores that exist at once."""


def flat(features: torch.Tensor, lengths_B: torch.Tensor) -> torch.Tensor:
    """The places of a ragged batch row after row: `[B, T, H]` -> `[N, H]`."""
    if bool((lengths_B == features.shape[1]).all()):
        return features.reshape(-1, features.shape[-1])
    return features[inside(features, lengths_B)[..., 0]]


def cross_entropy(
    x_NH: torch.Tensor, weight_VH: torch.Tensor, bias_V: torch.Tensor, targets_N: torch.Tensor, half: bool
) -> torch.Tensor:
    """Mean of -log softmax(x W^T + b)[target]. With `half` the products are of bfloat16 numbers, all sums float32."""
    loss: torch.Tensor = _CrossEntropy.apply(x_NH, weight_VH, bias_V, targets_N, half)  # type: ignore[no-untyped-call]  # torch's own
    return loss


def scores(
    x_NH: torch.Tensor, weight_VH: torch.Tensor, bias_V: torch.Tensor, targets_N: torch.Tensor, half: bool
) -> torch.Tensor:
    """The targets' log-probabilities, and 1 where the target's is the highest, 0 elsewhere: `[N, 2]`."""
    found = x_NH.new_empty(len(x_NH), 2)
    for rows, _, likely_CV in _log_probabilities(x_NH, _rounded(weight_VH, half), bias_V):
        of_target_C1 = likely_CV.gather(1, targets_N[rows, None])
        found[rows] = torch.cat([of_target_C1, (likely_CV.amax(1, keepdim=True) <= of_target_C1).float()], 1)
    return found


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        x_NH, weight_VH, bias_V, targets_N, half = inputs
        W_VH, learns = _rounded(weight_VH, half), any(ctx.needs_input_grad)
        total, dx_NH, dw_VH, db_V = x_NH.new_zeros(()), torch.empty_like(x_NH), None, torch.zeros_like(bias_V)
        for rows, x_CH, likely_CV in _log_probabilities(x_NH, W_VH, bias_V):
            at_C1 = targets_N[rows, None]
            total -= likely_CV.gather(1, at_C1).sum()
            if not learns:
                continue
            d_CV = torch.exp(likely_CV, out=torch.empty_like(likely_CV, dtype=W_VH.dtype))
            d_CV.scatter_add_(1, at_C1, d_CV.new_full((1, 1), -1.0).expand_as(at_C1))
            dx_NH[rows] = (d_CV @ W_VH).to(dx_NH.dtype)
            db_V += (d_CV.new_ones(1, len(d_CV)) @ d_CV)[0]
            own_VH = d_CV.T @ x_CH
            dw_VH = own_VH.to(weight_VH.dtype) if dw_VH is None else dw_VH.add_(own_VH)
        ctx.rows = max(1, len(x_NH))
        ctx.save_for_backward(dx_NH, torch.zeros_like(weight_VH) if dw_VH is None else dw_VH, db_V)
        return total / ctx.rows

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> Any:
        scale = upstream[0] / ctx.rows
        gradients = (own * scale for own in ctx.saved_tensors)
        return *(own if need else None for own, need in zip(gradients, ctx.needs_input_grad, strict=False)), None, None


def _log_probabilities(
    x_NH: torch.Tensor, W_VH: torch.Tensor, bias_V: torch.Tensor
) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor]]:
    """Some rows at a time: which, their features as they are multiplied, and the log-probabilities `[C, V]`."""
    size = max(1, CHUNK_NUMBERS // len(W_VH))
    for first in range(0, len(x_NH), size):
        rows = slice(first, first + size)
        x_CH = x_NH[rows].to(W_VH.dtype)
        yield rows, x_CH, (x_CH @ W_VH.T).add(bias_V).log_softmax(1)


def _rounded(tensor: torch.Tensor, half: bool) -> torch.Tensor:
    return tensor.bfloat16() if half else tensor
