"""The optimizer and its schedule."""

import math
from typing import Any

import torch
from torch import nn

from anaphora.tasks.options import TrainingOptions

WARM_UP = 0.25


def make_optimizer(net: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019). Biases are not pulled towards zero."""
    matrices = [parameter for parameter in net.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in net.parameters() if parameter.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": options.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate, betas=(0.9, 0.99), fused=True)


def make_schedule(optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """One cycle (Smith & Topin 2018): the rate rises over the first quarter of the steps, then falls to zero."""

    def share(step: int) -> float:
        rise = max(1.0, WARM_UP * steps)
        if step < rise:
            return (step + 1) / (rise + 1)
        return 0.5 + 0.5 * math.cos(math.pi * (step - rise) / max(1.0, steps - rise))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
