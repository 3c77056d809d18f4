"""Training an ensemble: several networks, one after the other, with different initial weights."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from anaphora.data.batch import Source
from anaphora.events import Event, Stage
from anaphora.task import Task
from anaphora.train import loop
from anaphora.train.checkpoint import Best, Checkpoints

SEED_STEP = 1_000_003
"""An ensemble of seed 0 shares no network with one of seed 1."""


def train(
    task: Task,
    training: Source,
    validation: Source,
    bests: list[Best],
    partial: Path | None,
    run: dict[str, Any],
) -> Generator[Event, None, None]:
    """Train `options.networks()` networks and append the best of each to `bests`.

    With `partial`, a folder, each network keeps its checkpoint there; `run` identifies the training.
    """
    options = task.options
    networks = options.networks()
    for index in range(networks):
        if networks > 1:
            yield Stage(f"network {index + 1} of {networks}")
        bests.append(Best())
        checkpoints = None if partial is None else Checkpoints(partial, run, index)
        yield from loop.train(task, training, validation, bests[-1], options.seed + SEED_STEP * index, checkpoints)
