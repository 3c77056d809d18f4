"""How many steps a training takes: as told, as the epochs say, or as fit into a time on this machine."""

import time
from typing import Any

import numpy as np
import torch

from anaphora.data.batch import Source
from anaphora.task import TrainingOptions
from anaphora.train.adversary import gradients
from anaphora.train.device import to_device
from anaphora.train.optim import learning_rate, make_optimizer, set_learning_rate

TRIAL_STEPS = 12
TOO_SHORT = 0.1
"""A last epoch of a smaller share of its steps is left out: it would hardly be worth its scoring."""
FORWARD_SHARE = 1 / 3
"""What a validation row costs, in units of a training row: the forward pass without the backward one."""


def steps_for(
    options: TrainingOptions,
    objective: Any,
    training: Source,
    validation_rows: int,
    seed: int,
    device: torch.device,
) -> int:
    """The number of optimizer steps. With `minutes` some steps are tried and timed, and everything is put back.

    In the trial all layers learn: steps with some of them frozen are shorter, and the time is not used up.
    """
    if options.steps:
        return options.steps
    if not options.minutes:
        return options.epochs * len(training.epoch(options.batch_size, np.random.default_rng(seed)))
    seconds = _seconds_per_step(options, objective, training, device)
    seconds *= 1 + FORWARD_SHARE * validation_rows / len(training)
    objective.net.seed(seed)  # the trial used some of the random numbers
    steps = max(1, int(60 * options.minutes / options.networks() / seconds))
    epoch = len(training.epoch(options.batch_size, np.random.default_rng(seed)))
    rest = steps % epoch
    return steps - rest if steps > epoch and rest < TOO_SHORT * epoch else steps


def _seconds_per_step(options: TrainingOptions, objective: Any, training: Source, device: torch.device) -> float:
    net = objective.net
    weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    optimizer = make_optimizer(net, options)
    set_learning_rate(optimizer, learning_rate(options, 0, 1_000))
    net.train()
    order = training.epoch(options.batch_size, np.random.default_rng(options.seed))
    times = []
    for chosen in order[:TRIAL_STEPS]:
        began = time.perf_counter()
        loss = gradients(objective, to_device(training.batch(chosen), device), torch.Tensor.backward)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()  # on a GPU, time counts when the work is done
        times.append((time.perf_counter() - began) / max(1, training.tokens(chosen)))
    net.load_state_dict(weights)
    objective.begin()
    tokens = np.mean([training.tokens(chosen) for chosen in order])
    # The first steps prepare the kernels; a step's time grows with what it reads.
    return float(np.median(times[len(times) // 4 :]) * tokens)
