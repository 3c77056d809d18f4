"""Adversarial training of text classifiers (Miyato, Dai & Goodfellow 2017, section 3)."""

from collections.abc import Callable
from typing import Any

import torch

from anaphora.data.batch import Batch
from anaphora.train.blocks import Adversary, Net, Noise


def gradients(objective: Any, batch: Batch, backward: Callable[[torch.Tensor], Any]) -> torch.Tensor:
    """The loss of a batch; its gradients are there then.

    In a network with an active adversary they are the mean of these and of those of the batch read anew: with the same
    numbers dropped, and each row's vectors moved along their gradient (eq. 5 and 6), together by `size` times their
    mean length. Padding has no gradient, and stays.
    """
    net: Net = objective.net
    adversary = next((module for module in net.modules() if isinstance(module, Adversary) and module.active), None)
    if adversary is None:
        loss: torch.Tensor = objective(batch)
        backward(loss)
        return loss
    noises = [module for module in net.modules() if isinstance(module, Noise)]
    states = [noise.generator.get_state() for noise in noises]
    loss = objective(batch)
    backward(loss / 2)
    for noise, state in zip(noises, states, strict=True):
        noise.generator.set_state(state)
    adversary.push = worst(adversary, batch.inputs[1])
    try:
        backward(objective(batch) / 2)
    finally:
        adversary.push = None
    return loss


def worst(adversary: Adversary, lengths_B: torch.Tensor) -> torch.Tensor:
    """The direction `[B, T, D]` in which the loss rises most, to first order."""
    x_BTD, adversary.read = adversary.read, None
    assert x_BTD is not None
    assert x_BTD.grad is not None
    gradient_BTD = x_BTD.grad
    inside_BT = torch.arange(x_BTD.shape[1], device=x_BTD.device) < lengths_B[:, None]
    length_B = (x_BTD.detach().norm(dim=2) * inside_BT).sum(1) / lengths_B.clamp(min=1)
    size_B = gradient_BTD.flatten(1).norm(dim=1).clamp(min=torch.finfo(gradient_BTD.dtype).tiny)
    return gradient_BTD * (adversary.spec.size * length_B / size_B)[:, None, None]
