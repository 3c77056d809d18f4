"""The training loop, in plain sight: a generator of events that the caller draws, plots or counts."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate.accelerator import Accelerator
from numpy.typing import NDArray
from torch import nn

from anaphora.data.batch import Batch, Examples, by_length, collect, shuffled
from anaphora.errors import TrainingFailed
from anaphora.events import Done, Epoch, Event, Start, Step
from anaphora.networks.network import build, draw
from anaphora.tasks import Task
from anaphora.tasks.options import ENOUGH_TO_CHOOSE
from anaphora.train import blocks
from anaphora.train.optim import make_optimizer, make_schedule

VALIDATION_BATCH = 256


@dataclass
class Best:
    """The best model so far. It is there at any moment, whatever stops the loop."""

    arrays: dict[str, NDArray[np.float32]] | None = None
    epoch: int = 0
    score: float = -math.inf


class Objective(nn.Module):
    """Network and loss in one module, so that whatever wraps a module (several ranks, say) sees the whole step."""

    def __init__(self, task: Task, net: blocks.Net) -> None:
        super().__init__()
        self.task = task
        self.net = net

    def forward(self, batch: Batch) -> torch.Tensor:
        features, _ = self.net(*batch.inputs)
        loss: torch.Tensor = self.task.loss(self.net, features, batch)
        return loss


def train(task: Task, training: Examples, validation: Examples, best: Best) -> Iterator[Event]:
    """Train the task's network, keeping the best model in `best` as it goes.

    With too few validation rows to choose by, the last epoch is the best. Raises TrainingFailed where the loss is no
    longer a number.
    """
    options, spec = task.options, task.spec()
    accelerator = Accelerator()
    net: blocks.Net = build(task.recipe, spec, blocks, task.start(draw(spec, options.seed), training))
    net.seed(options.seed)
    rng = np.random.default_rng(options.seed)
    lengths = training.lengths
    steps = options.epochs * math.ceil(len(training) / options.batch_size)
    optimizer = make_optimizer(net, options)
    schedule = make_schedule(optimizer, options, steps)
    objective, optimizer = accelerator.prepare(Objective(task, net), optimizer)

    parameters = sum(parameter.numel() for parameter in net.parameters())
    yield Start(steps, options.epochs, len(training), len(validation), parameters)
    clock = Clock(options.epochs * int(lengths.sum()))
    choosing = len(validation) >= ENOUGH_TO_CHOOSE
    step, running_loss, since_best = 0, math.nan, 0
    try:
        for epoch in range(1, options.epochs + 1):
            net.train()
            total_loss = 0.0
            for chosen in shuffled(lengths, options.batch_size, rng):
                batch = to_device(collect(training, chosen), accelerator.device)
                loss = objective(batch)
                accelerator.backward(loss)
                norm = float(accelerator.clip_grad_norm_(net.parameters(), options.clip))
                step += 1
                check_finite(loss.item(), norm, step)
                optimizer.step()
                optimizer.zero_grad()
                schedule.step()

                total_loss += loss.item() * len(chosen)
                running_loss = loss.item() if step == 1 else 0.98 * running_loss + 0.02 * loss.item()
                clock.count(int(lengths[chosen].sum()))
                rate = float(schedule.get_last_lr()[0])
                yield Step(step, epoch, running_loss, rate, norm, clock.tokens_per_second, clock.seconds_left)

            metrics = evaluate(task, net, validation, accelerator.device) if len(validation) else {}
            score = task.score(metrics) if metrics else math.nan
            is_best = score > best.score if choosing else True
            if is_best:
                best.arrays, best.epoch, best.score = net.arrays(), epoch, score
            since_best = 0 if is_best else since_best + 1
            yield Epoch(epoch, total_loss / len(training), metrics, score, choosing and is_best, clock.seconds)
            if since_best >= options.patience:
                yield Done(f"{since_best} epochs without a better score", best.epoch, clock.seconds)
                return
        yield Done("all epochs done", best.epoch, clock.seconds)
    finally:
        if best.arrays is None and step:  # stopped within the first epoch: what there is, is the best
            best.arrays = net.arrays()


def evaluate(task: Task, net: blocks.Net, examples: Examples, device: torch.device) -> dict[str, Any]:
    """The task's metrics on encoded examples."""
    net.eval()
    predictions, places = [], []
    with torch.inference_mode():
        for chosen in by_length(examples.lengths, VALIDATION_BATCH):
            features, _ = net(*to_device(collect(examples, chosen), device).inputs)
            predictions.append(task.decode(net, features))
            places.append(chosen)
    assert examples.targets is not None
    return task.metrics(np.concatenate(predictions), examples.targets[np.concatenate(places)])


def to_device(batch: Batch, device: torch.device) -> Batch:
    inputs = tuple(torch.from_numpy(array).to(device) for array in batch.inputs)
    return Batch(inputs, None if batch.targets is None else torch.from_numpy(batch.targets).to(device))


def check_finite(loss: float, norm: float, step: int) -> None:
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise TrainingFailed(
            f"step {step}: the loss is {loss} and the gradient's norm {norm}; a smaller --learning-rate or --clip helps"
        )


class Clock:
    """How fast the training goes, and how long it will still take. Only the time spent in steps counts."""

    def __init__(self, tokens: int) -> None:
        self._left = tokens
        self._done = 0
        self._began = time.perf_counter()

    def count(self, tokens: int) -> None:
        self._left -= tokens
        self._done += tokens

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    @property
    def tokens_per_second(self) -> float:
        return self._done / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float:
        return self._left / max(self.tokens_per_second, 1e-9)
