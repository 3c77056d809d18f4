"""The optimizer, and the learning rate of each step."""

import math
from collections.abc import Iterable
from typing import Any

import torch

from anaphora.task import TrainingOptions
from anaphora.train.net import Net
from anaphora.train.sparse_adam import SparseAdamW, coalesced, dense, values

WARM_UP = 0.25
BETAS = (0.9, 0.99)
MOMENTUM = 0.9


def make_optimizer(net: Net, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019), Adam (Kingma & Ba 2015), or SGD with momentum.

    With Adam and SGD the weight decay is part of the gradient. Biases do not decay. Each layer's learning rate is its
    `share` of the rate: lower layers have a smaller one where the options say so (Howard & Ruder 2018, section 3.3).
    With a sparse gradient, AdamW updates only the rows that have one.
    """
    layer_rate = options.layer_rate_factor()
    layers = [list(net.parameters())] if layer_rate == 1 else net.layers()
    groups: list[dict[str, Any]] = []
    for depth, layer in enumerate(layers):
        trained = [parameter for parameter in layer if parameter.requires_grad]
        matrices = [parameter for parameter in trained if parameter.ndim > 1]
        others = [parameter for parameter in trained if parameter.ndim <= 1]
        for params, decay in ((matrices, options.weight_decay), (others, 0.0)):
            groups.append({"params": params, "weight_decay": decay, "share": layer_rate**-depth})
    if options.optimizer == "sgd":
        return _dense(torch.optim.SGD(groups, lr=options.learning_rate, momentum=MOMENTUM, fused=True))
    if options.optimizer == "adamw":
        per_row = options.per_row_bias_correction()
        return SparseAdamW(groups, per_row_bias_correction=per_row, lr=options.learning_rate, betas=BETAS, fused=True)
    return _dense(torch.optim.Adam(groups, lr=options.learning_rate, betas=BETAS, fused=True))


def _dense(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """The optimizer, with sparse gradients made dense before each step."""
    optimizer.register_step_pre_hook(dense)
    return optimizer


def clip(parameters: Iterable[torch.Tensor], most: float) -> float:
    """Scale all gradients down so that their norm is at most `most`. Returns the norm before."""
    gradients = [values(gradient) for gradient in coalesced(parameters)]
    norm = float(torch.nn.utils.get_total_norm(gradients))
    if norm > most:
        torch._foreach_mul_(gradients, most / norm)
    return norm


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
        group["lr"] = rate * group["share"]
