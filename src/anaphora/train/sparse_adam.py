"""Sparse gradients of embeddings, which hold only the rows of the tokens in a batch, and AdamW for them."""

from collections.abc import Iterable
from typing import Any

import torch

HAVE_SPARSE = ("cpu", "cuda")
"""Devices that have sparse gradients."""


def values(gradient: torch.Tensor) -> torch.Tensor:
    """The numbers of a gradient, to be changed in place; a sparse one must be `coalesced`."""
    return gradient._values() if gradient.is_sparse else gradient


def coalesced(parameters: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """The gradients of the parameters that have one; a sparse one holds each row once."""
    gradients = []
    for parameter in parameters:
        if parameter.grad is not None:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
            gradients.append(parameter.grad)
    return gradients


def dense(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """A hook before an optimizer's step: make sparse gradients dense."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = parameter.grad.to_dense()


class SparseAdamW(torch.optim.AdamW):
    """AdamW that updates only the rows of a matrix that have a gradient (lazy Adam).

    With `per_row_bias_correction` Adam's bias correction counts each row's own updates. Without, it counts all steps,
    as `torch.optim.SparseAdam` does: a row whose first update is late then moves up to twice as far at each update.
    docs/decisions.md says which is better for which network.
    """

    def __init__(self, params: Any, *, per_row_bias_correction: bool = True, **options: Any) -> None:
        super().__init__(params, **options)
        self.per_row_bias_correction = per_row_bias_correction

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        sparse = []
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and parameter.grad.is_sparse:
                    sparse.append((group, parameter, parameter.grad.coalesce()))
                    parameter.grad = None
        loss = super().step(closure)
        for group, parameter, gradient in sparse:
            self._step_rows(group, parameter, gradient)
        return loss

    def _step_rows(self, group: dict[str, Any], parameter: torch.Tensor, gradient: torch.Tensor) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = parameter.new_zeros(len(parameter) if self.per_row_bias_correction else 1, 1)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        first, second = group["betas"]
        rows, g_RH = gradient._indices()[0], gradient._values()
        steps = rows if self.per_row_bias_correction else slice(None)
        steps_R1 = state["step"][steps] + 1
        mean_RH = state["exp_avg"][rows].lerp_(g_RH, 1 - first)
        square_RH = state["exp_avg_sq"][rows].mul_(second).addcmul_(g_RH, g_RH, value=1 - second)
        state["step"][steps], state["exp_avg"][rows], state["exp_avg_sq"][rows] = steps_R1, mean_RH, square_RH
        size_RH = (square_RH / (1 - second**steps_R1)).sqrt_().add_(group["eps"])
        decayed_RH = parameter[rows].mul_(1 - group["lr"] * group["weight_decay"])
        parameter[rows] = decayed_RH.addcdiv_(mean_RH / (1 - first**steps_R1), size_RH, value=-group["lr"])
