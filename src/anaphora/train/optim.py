"""The optimizer, and the learning rate of each step."""

import math
from collections.abc import Iterable
from typing import Any

import torch

from anaphora.task import TrainingOptions
from anaphora.train.blocks import Net
from anaphora.train.sparse_adam import RowAdamW, coalesced, dense, values

WARM_UP = 0.25
BETAS = (0.9, 0.99)
MOMENTUM = 0.9
ALL_LEARN = 0.4
"""The share of the steps after which no layer is frozen."""


def make_optimizer(net: Net, options: TrainingOptions) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019), Adam (Kingma & Ba 2015), SGD with momentum, or without (`train/averaging.py`).

    With Adam and SGD the weight decay is part of the gradient. Biases are not pulled towards zero. Each layer takes a
    `share` of the learning rate: the lower, the smaller. Of a gradient of some rows, AdamW moves these alone.
    """
    layer_rate = options.fine_tuning().layer_rate
    layers = [list(net.parameters())] if layer_rate == 1 else net.layers()
    groups: list[dict[str, Any]] = []
    for depth, layer in enumerate(layers):
        trained = [parameter for parameter in layer if parameter.requires_grad]
        matrices = [parameter for parameter in trained if parameter.ndim > 1]
        others = [parameter for parameter in trained if parameter.ndim <= 1]
        for params, decay in ((matrices, options.weight_decay), (others, 0.0)):
            groups.append({"params": params, "weight_decay": decay, "share": layer_rate**-depth})
    if options.optimizer in ("sgd", "asgd"):
        momentum = MOMENTUM if options.optimizer == "sgd" else 0.0
        return _dense(torch.optim.SGD(groups, lr=options.learning_rate, momentum=momentum, fused=True))
    if options.optimizer == "adamw":
        rate = options.learning_rate
        return RowAdamW(groups, alone=options.rows_learn_alone(), lr=rate, betas=BETAS, fused=True)
    return _dense(torch.optim.Adam(groups, lr=options.learning_rate, betas=BETAS, fused=True))


def _dense(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """One that takes gradients of some rows as such of all."""
    optimizer.register_step_pre_hook(dense)
    return optimizer


def clip(parameters: Iterable[torch.Tensor], most: float) -> float:
    """Scale all gradients down where their norm is above `most`. The norm as it was."""
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


class Unfreezing:
    """Which layers learn: where the options say so, the highest alone at first, then one more below at equal distances
    (Howard & Ruder 2018, section 3.3, by the share of the steps in the place of epochs).
    """

    def __init__(self, net: Net, options: TrainingOptions) -> None:
        self._layers = net.layers() if options.fine_tuning().unfreeze else []

    def reach(self, step: int, steps: int) -> None:
        """Freeze all but the layers that learn in step 0, 1, ..., steps - 1: what is frozen has no gradient."""
        learning = self._learning(step, steps)
        for depth, layer in enumerate(self._layers):
            for parameter in layer:
                parameter.requires_grad_(depth < learning)

    def over(self, step: int, steps: int) -> bool:
        """Whether all layers learn in a step."""
        return self._learning(step, steps) >= len(self._layers)

    def _learning(self, step: int, steps: int) -> int:
        below = max(0, len(self._layers) - 1)
        return 1 + int(step * below / (ALL_LEARN * steps))
