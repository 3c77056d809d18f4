"""How many steps a training takes: a given number, a number of epochs, or as many as fit into a given time."""

import time
from typing import Any

import numpy as np
import torch

from anaphora.data.batch import Source
from anaphora.task import TrainingOptions
from anaphora.train.device import to_device
from anaphora.train.optim import learning_rate, make_optimizer, set_learning_rate

TRIAL_STEPS = 12
TOO_SHORT = 0.1
"""A last epoch with a smaller share of its steps is dropped: scoring it would take longer than it gains."""
FORWARD_SHARE = 1 / 3
"""The cost of a validation row in units of a training row: a forward pass without a backward pass."""


def steps_for(
    options: TrainingOptions,
    objective: Any,
    training: Source,
    validation_rows: int,
    seed: int,
    device: torch.device,
) -> int:
    """The number of optimizer steps. With `minutes`, some trial steps are timed, and then undone."""
    if options.steps:
        return options.steps
    if not options.minutes:
        return options.epochs * len(training.epoch(options.batch_size, np.random.default_rng(seed)))
    seconds = _seconds_per_step(options, objective, training, device)
    seconds *= 1 + FORWARD_SHARE * validation_rows / len(training)
    objective.net.seed(seed)  # the trial has drawn random numbers
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
        loss = objective(to_device(training.batch(chosen), device))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        loss.item()  # on a GPU, time counts when the work is done
        times.append((time.perf_counter() - began) / max(1, training.tokens(chosen)))
    net.load_state_dict(weights)
    objective.begin()
    tokens = np.mean([training.tokens(chosen) for chosen in order])
    # The first steps prepare the kernels; a step's time grows with what it reads.
    return float(np.median(times[len(times) // 4 :]) * tokens)
