"""The optimizer and its schedule."""

import math
from typing import Any

import torch
from torch import nn

from anaphora.tasks.options import TrainingOptions

WARM_UP = 0.25
BETAS = (0.9, 0.99)
MOMENTUM = 0.9


def make_optimizer(net: nn.Module, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019), Adam (Kingma & Ba 2015) or SGD with momentum.

    With Adam and SGD the weight decay is part of the gradient. Biases are not pulled towards zero.
    """
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [parameter for parameter in trained if parameter.ndim > 1], "weight_decay": options.weight_decay},
        {"params": [parameter for parameter in trained if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    if options.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=options.learning_rate, momentum=MOMENTUM, fused=True)
    kind = torch.optim.AdamW if options.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=options.learning_rate, betas=BETAS, fused=True)


def make_schedule(
    optimizer: torch.optim.Optimizer, options: TrainingOptions, steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """The share of the learning rate at each step.

    `one-cycle` rises over the first quarter and falls to zero along a cosine (Smith & Topin 2018); `cosine` only falls
    (Loshchilov & Hutter 2017); `constant` stays.
    """
    rise = {"one-cycle": max(1.0, WARM_UP * steps), "cosine": 0.0, "constant": 0.0}[options.schedule]

    def share(step: int) -> float:
        if options.schedule == "constant":
            return 1.0
        if step < rise:
            return (step + 1) / (rise + 1)
        return 0.5 + 0.5 * math.cos(math.pi * (step - rise) / max(1.0, steps - rise))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
