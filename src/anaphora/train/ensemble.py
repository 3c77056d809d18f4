"""Several networks, one after the other, that start differently and will answer together."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from anaphora.data.batch import Source
from anaphora.events import Event, Stage
from anaphora.task import Task
from anaphora.train import loop
from anaphora.train.checkpoint import Best, Checkpoints

SEEDS_APART = 1_000_003
"""An ensemble of seed 0 shares no network with one of seed 1."""


def train(
    task: Task,
    training: Source,
    validation: Source,
    bests: list[Best],
    partial: Path | None,
    run: dict[str, Any],
) -> Generator[Event, None, None]:
    """Train `options.networks()`, the best of each in `bests`; one network is the usual case.

    With `partial`, a folder, each keeps its checkpoints there under a name of its own; `run` identifies the training.
    """
    options = task.options
    networks = options.networks()
    for place in range(networks):
        if networks > 1:
            yield Stage(f"network {place + 1} of {networks}")
        bests.append(Best())
        checkpoints = None if partial is None else Checkpoints(partial, run, place)
        yield from loop.train(task, training, validation, bests[-1], options.seed + SEEDS_APART * place, checkpoints)
