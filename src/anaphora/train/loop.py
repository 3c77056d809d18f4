"""The training loop, in plain sight: a generator of events that the caller draws, plots or counts."""

import math
import time
from collections.abc import Generator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from accelerate.accelerator import Accelerator
from torch import nn

from anaphora.data.batch import Batch, Source
from anaphora.errors import TrainingFailed
from anaphora.events import Done, Epoch, Event, Start, Step
from anaphora.net.build import Backend, build, draw
from anaphora.net.state import Streams
from anaphora.task import ENOUGH_TO_CHOOSE, Task
from anaphora.train import blocks
from anaphora.train.budget import steps_for
from anaphora.train.checkpoint import Best, Checkpoints, Progress
from anaphora.train.device import to_device
from anaphora.train.losses import Loss
from anaphora.train.net import Net
from anaphora.train.optim import clip, learning_rate, make_optimizer, set_learning_rate

HARD_STOP = 1.1
"""The share of its time budget at which a training stops in any case."""
EXPLODED = 1e6
"""A larger loss has diverged: cross-entropies and errors of standardised targets are around 1."""


class Objective(nn.Module):
    """Network and loss in one module, so that a wrapper of modules (distributed training) sees the whole step."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net
        self.streams = Streams(net)

    def begin(self) -> None:
        """Start an epoch: all streams start from the zero state."""
        self.streams = Streams(self.net)

    def forward(self, batch: Batch) -> torch.Tensor:
        return loss_of(self.net).loss(self.streams.outputs(batch), batch.targets)


def train(
    task: Task,
    training: Source,
    validation: Source,
    best: Best,
    seed: int,
    checkpoints: Checkpoints | None = None,
) -> Generator[Event, None, None]:
    """Train the task's network and keep the best model so far in `best`.

    With too few validation rows to select by, the last epoch is the best. With `checkpoints`, an unfinished training of
    the same data and options continues where it stopped, and reaches the weights of an uninterrupted training. Raises
    TrainingFailed when the loss is not a number or has diverged.
    """
    options, spec = task.options, task.spec()
    accelerator = Accelerator()
    device = accelerator.device
    net: Net = build(task.recipe, spec, Backend(blocks, options.precision), task.start(draw(spec, seed), training))
    net.seed(seed)
    rng = np.random.default_rng(seed)
    objective, optimizer = accelerator.prepare(Objective(net), make_optimizer(net, options))

    now = checkpoints.restore(objective, optimizer, best) if checkpoints else None
    if now is None:
        now = Progress(steps_for(options, objective, training, len(validation), seed, device))
    elif now.shuffle:
        rng.bit_generator.state = now.shuffle
    parameters = sum(parameter.numel() for parameter in net.parameters())
    yield Start(now.steps, len(training), len(validation), parameters, now.step, task.unit)
    for epoch in now.epochs:
        yield Epoch(**epoch)

    choosing = len(validation) >= ENOUGH_TO_CHOOSE
    began = time.perf_counter() - now.seconds
    tokens_here, began_here = 0, time.perf_counter()
    try:
        while now.step < now.steps or now.batch:  # `batch`: stopped after the last step, before scoring
            now.shuffle = dict(rng.bit_generator.state)
            order = training.epoch(options.batch_size, rng)
            net.train()
            if not now.batch:
                objective.begin()
            for chosen in order[now.batch : now.batch + now.steps - now.step]:
                rate = learning_rate(options, now.step, now.steps)
                set_learning_rate(optimizer, rate)
                loss = objective(to_device(training.batch(chosen), device))
                accelerator.backward(loss)
                norm = clip(net.parameters(), options.clip)
                loss_value = loss.item()
                check_sane(loss_value, norm, now.step + 1)
                optimizer.step()
                optimizer.zero_grad()

                now.step += 1
                now.batch += 1
                now.epoch_loss += loss_value * training.count(chosen)
                now.running_loss = loss_value if now.step == 1 else 0.98 * now.running_loss + 0.02 * loss_value
                now.seconds = time.perf_counter() - began
                tokens_here += training.tokens(chosen)
                speed = tokens_here / max(time.perf_counter() - began_here, 1e-9)
                left = (now.steps - now.step) * now.seconds / now.step
                yield Step(now.step, now.steps, now.epoch, now.running_loss, rate, norm, speed, left)
                if checkpoints and checkpoints.due():
                    checkpoints.save(objective, optimizer, now, best)
                if options.minutes and now.seconds > HARD_STOP * 60 * options.minutes / options.networks():
                    now.steps, now.reason = now.step, "the time is up"
                    break

            metrics = evaluate(task, net, validation, device) if len(validation) else {}
            score = task.score(metrics) if metrics else None
            is_best = not choosing or best.score is None or (score is not None and score > best.score)
            if is_best:
                best.arrays, best.epoch, best.score = net.arrays(), now.epoch, score
            now.since_best = 0 if is_best else now.since_best + 1
            targets_read = sum(map(training.count, order[: now.batch]))
            now.seconds = time.perf_counter() - began
            ended = Epoch(now.epoch, now.epoch_loss / targets_read, metrics, score, choosing and is_best, now.seconds)
            now.epochs.append(asdict(ended))
            now.epoch, now.batch, now.epoch_loss = now.epoch + 1, 0, 0.0
            if now.since_best >= options.patience:
                now.steps, now.reason = now.step, f"{now.since_best} epochs without a better score"
            now.shuffle = dict(rng.bit_generator.state)
            if checkpoints:
                checkpoints.save(objective, optimizer, now, best)
            yield ended
        yield Done(now.reason, best.epoch, choosing, now.seconds)
    except GeneratorExit:  # stopped between two steps, where the state is consistent
        if checkpoints:
            checkpoints.save(objective, optimizer, now, best)
        if best.arrays is None and now.step:  # stopped within the first epoch: keep what there is
            best.arrays = net.arrays()
        raise


def evaluate(task: Task, net: Net, source: Source, device: torch.device) -> dict[str, Any]:
    """The task's metrics on examples that are not trained on."""
    net.eval()
    streams, loss = Streams(net), loss_of(net)
    target_scores, targets = [], []
    with torch.inference_mode():
        for chosen in source.in_order():
            batch = source.batch(chosen)
            on_device = to_device(batch, device)
            target_scores.append(loss.target_scores(streams.outputs(on_device), on_device.targets))
            targets.append(batch.targets)
    return task.metrics(np.concatenate(target_scores), np.concatenate(targets))


def loss_of(net: Net) -> Loss:
    """The network's loss block."""
    loss = net.loss
    assert isinstance(loss, Loss)
    return loss


def check_sane(loss: float, norm: float, step: int) -> None:
    if not (loss < EXPLODED and math.isfinite(norm)):
        raise TrainingFailed(
            f"step {step}: the loss is {loss:g} and the gradient's norm {norm:g}; "
            "a smaller --learning-rate or --clip helps"
        )
