"""Checkpoints: the state of a training in one file, enough to continue as if it had never stopped.

The file is safetensors: arrays, and the rest as JSON in its header. It is written under a temporary name, flushed and
renamed, so that the last checkpoint is whole at any moment. No pickle.
"""

import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import torch
from numpy.typing import NDArray

from anaphora.errors import DataError
from anaphora.train.net import Net, Noise

EVERY_SECONDS = 60.0
CHECKPOINT = "checkpoint-{}.safetensors"
"""The file of one network's checkpoint, by the network's index in an ensemble."""


@dataclass
class Progress:
    """What changes during a training, apart from the weights and the optimizer's state."""

    steps: int
    """Optimizer steps in all."""
    step: int = 0
    epoch: int = 1
    batch: int = 0
    """Finished batches of this epoch."""
    shuffle: dict[str, Any] = field(default_factory=dict)
    """The state of the random generator that drew this epoch's order."""
    epoch_loss: float = 0.0
    running_loss: float = 0.0
    since_best: int = 0
    seconds: float = 0.0
    reason: str = "all steps done"
    """Why the training ends, for messages."""
    epochs: list[dict[str, Any]] = field(default_factory=list)
    """The events of the finished epochs."""


@dataclass
class Best:
    """The best model so far, whatever stops the loop."""

    arrays: dict[str, NDArray[np.float32]] | None = None
    epoch: int = 0
    score: float | None = None


class Checkpoints:
    """The checkpoint of one network's training in a folder; `index` is the network's index in an ensemble.

    `run` identifies the training: a resumed one must be the same.
    """

    def __init__(self, folder: Path, run: dict[str, Any], index: int = 0) -> None:
        self._file = folder / CHECKPOINT.format(index)
        self._run = json.loads(json.dumps(run))  # as it will be read again: tuples are lists
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether the last checkpoint is a minute old."""
        return time.monotonic() - self._last >= EVERY_SECONDS

    def save(self, objective: Any, optimizer: Any, progress: Progress, best: Best) -> None:
        """Write a checkpoint. Raises OSError where it cannot; the last checkpoint is then still whole."""
        net = objective.net
        arrays = {f"model/{name}": array for name, array in net.arrays().items()}
        arrays |= {f"noise/{name}": noise.generator.get_state().numpy() for name, noise in _noises(net)}
        arrays |= {f"best/{name}": array for name, array in (best.arrays or {}).items()}
        arrays |= {f"streams/{index}": state.cpu().numpy() for index, state in enumerate(objective.streams.states)}
        for index, state in optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer/{index}/{name}": tensor.cpu().numpy() for name, tensor in state.items()}
        header = {"run": self._run, "progress": asdict(progress), "best": {"epoch": best.epoch, "score": best.score}}
        content = safetensors.numpy.save(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()}, {"state": json.dumps(header)}
        )
        temporary = self._file.with_suffix(".writing")
        try:
            with temporary.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(self._file)
        finally:
            temporary.unlink(missing_ok=True)
        self._last = time.monotonic()

    def restore(self, objective: Any, optimizer: Any, best: Best) -> Progress | None:
        """Restore everything from the last checkpoint, or return None where there is none.

        Raises DataError, naming what differs, where the checkpoint is of another training.
        """
        if not self._file.is_file():
            return None
        try:
            with safetensors.safe_open(self._file, framework="numpy") as file:
                header = json.loads(file.metadata()["state"])
                names = file.keys()
                arrays = {name: file.get_tensor(name) for name in names}
        except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
            raise DataError(
                f"{self._file} is damaged ({error}); --force starts the training again from the beginning"
            ) from error
        _check_same(header["run"], self._run)
        net = objective.net
        net.load_state_dict({name: torch.from_numpy(array) for name, array in _part(arrays, "model/").items()})
        for name, noise in _noises(net):
            noise.generator.set_state(torch.from_numpy(arrays[f"noise/{name}"]))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, array in _part(arrays, "optimizer/").items():
            index, name = key.split("/")
            state.setdefault(int(index), {})[name] = torch.from_numpy(array)
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
        device = next(net.parameters()).device
        objective.streams.states = tuple(_in_order(_part(arrays, "streams/"), device))
        best.arrays = _part(arrays, "best/") or None
        best.epoch, best.score = header["best"]["epoch"], header["best"]["score"]
        return Progress(**header["progress"])


def _noises(net: Net) -> list[tuple[str, Noise]]:
    return [(name, module) for name, module in net.named_modules() if isinstance(module, Noise)]


def _in_order(arrays: dict[str, NDArray[Any]], device: torch.device) -> list[torch.Tensor]:
    """The arrays named 0, 1, 2, ..., in order."""
    return [torch.from_numpy(arrays[str(index)]).to(device) for index in range(len(arrays))]


def _part(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _check_same(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise DataError unless data and options are those that the training started with."""
    differing = [
        f"{name}: {then.get(name)!r} before, {now.get(name)!r} now"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    if differing:
        raise DataError(
            f"the unfinished training has other data or options ({'; '.join(differing)}); --force starts again"
        )
