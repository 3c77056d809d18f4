"""The optimizer, and the learning rate of each step."""

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


def learning_rate(options: TrainingOptions, step: int, steps: int) -> float:
    """The learning rate of step 0, 1, ..., steps - 1.

    `one-cycle` rises over the first quarter and falls to zero along a cosine (Smith & Topin 2018); `cosine` only falls
    (Loshchilov & Hutter 2017); `constant` stays.
    """
    if options.schedule == "constant":
        return options.learning_rate
    rise = max(1.0, WARM_UP * steps) if options.schedule == "one-cycle" else 0.0
    if step < rise:
        return options.learning_rate * (step + 1) / (rise + 1)
    return options.learning_rate * (0.5 + 0.5 * math.cos(math.pi * (step - rise) / max(1.0, steps - rise)))


def set_learning_rate(optimizer: Any, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
