"""Gradients that hold only some rows of a matrix: those of the tokens that a step has read, of all that there are."""

from collections.abc import Iterable
from typing import Any

import torch

HAVE_SPARSE = ("cpu", "cuda")
"""Devices whose gradients may hold only some rows."""


def values(gradient: torch.Tensor) -> torch.Tensor:
    """The numbers of a gradient; those of a sparse one must be `coalesced`. They can be changed in place."""
    return gradient._values() if gradient.is_sparse else gradient


def coalesced(parameters: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """The gradients of those that have one; a row that was read twice is there once."""
    gradients = []
    for parameter in parameters:
        if parameter.grad is not None:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
            gradients.append(parameter.grad)
    return gradients


def dense(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """Before a step: all gradients have all rows."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None and parameter.grad.is_sparse:
                parameter.grad = parameter.grad.to_dense()


class RowAdamW(torch.optim.AdamW):
    """AdamW by which a step moves those rows of a matrix that it has a gradient for, and leaves the others and their
    means as they are.

    With `alone` a row learns as if the steps that read it were all. Without, all steps count for the correction of its
    means, as in `torch.optim.SparseAdam`: a row that is read for the first time late moves as if these had been long in
    the making, up to twice as far for each reading. What suits which network: docs/decisions.md.
    """

    def __init__(self, params: Any, *, alone: bool = True, **options: Any) -> None:
        super().__init__(params, **options)
        self.alone = alone

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        found = []
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and parameter.grad.is_sparse:
                    found.append((group, parameter, parameter.grad.coalesce()))
                    parameter.grad = None
        loss = super().step(closure)
        for group, parameter, gradient in found:
            self._step_rows(group, parameter, gradient)
        return loss

    def _step_rows(self, group: dict[str, Any], parameter: torch.Tensor, gradient: torch.Tensor) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = parameter.new_zeros(len(parameter) if self.alone else 1, 1)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        first, second = group["betas"]
        rows, g_RH = gradient._indices()[0], gradient._values()
        counted = rows if self.alone else slice(None)
        steps_R1 = state["step"][counted] + 1
        mean_RH = state["exp_avg"][rows].lerp_(g_RH, 1 - first)
        square_RH = state["exp_avg_sq"][rows].mul_(second).addcmul_(g_RH, g_RH, value=1 - second)
        state["step"][counted], state["exp_avg"][rows], state["exp_avg_sq"][rows] = steps_R1, mean_RH, square_RH
        size_RH = (square_RH / (1 - second**steps_R1)).sqrt_().add_(group["eps"])
        own_RH = parameter[rows].mul_(1 - group["lr"] * group["weight_decay"])
        parameter[rows] = own_RH.addcdiv_(mean_RH / (1 - first**steps_R1), size_RH, value=-group["lr"])
