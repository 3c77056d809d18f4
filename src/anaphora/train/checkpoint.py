"""Where a training stands, in one file: enough to go on as if it had never stopped.

The file is safetensors: arrays, and the rest as JSON in its header. It is written beside, flushed and renamed, so that
at any moment the whole last checkpoint is there. No pickle.
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
from anaphora.names import CHECKPOINT
from anaphora.train.blocks import Net, Noise

EVERY_SECONDS = 60.0


@dataclass
class Progress:
    """Everything that changes while a network trains, but for its weights and the optimizer's state."""

    steps: int
    """How many optimizer steps there will be."""
    step: int = 0
    epoch: int = 1
    batch: int = 0
    """Batches of this epoch that are done."""
    shuffle: dict[str, Any] = field(default_factory=dict)
    """The state of the random numbers that this epoch's order was drawn from."""
    epoch_loss: float = 0.0
    running_loss: float = 0.0
    since_best: int = 0
    averaged: int = 0
    """Steps that the mean of the weights is taken over."""
    seconds: float = 0.0
    reason: str = "all steps done"
    """Why the training ends, for people."""
    epochs: list[dict[str, Any]] = field(default_factory=list)
    """The events of the epochs that are done."""


@dataclass
class Best:
    """The best model so far. It is there at any moment, whatever stops the loop."""

    arrays: dict[str, NDArray[np.float32]] | None = None
    epoch: int = 0
    score: float | None = None


class Checkpoints:
    """The checkpoint of one network's training in a folder; `place` is its number, where several are trained.

    `run` identifies the training: a resumed one must be the same.
    """

    def __init__(self, folder: Path, run: dict[str, Any], place: int = 0) -> None:
        self._file = folder / CHECKPOINT.format(place)
        self._run = json.loads(json.dumps(run))  # as it will be read again: tuples are lists
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether the last checkpoint is a minute old."""
        return time.monotonic() - self._last >= EVERY_SECONDS

    def save(self, objective: Any, optimizer: Any, progress: Progress, best: Best) -> None:
        """Write where the training stands. Raises OSError, with the last checkpoint still whole, where it cannot."""
        net = objective.net
        arrays = {f"model/{name}": array for name, array in net.arrays().items()}
        arrays |= {f"noise/{name}": noise.generator.get_state().numpy() for name, noise in _noises(net)}
        arrays |= {f"best/{name}": array for name, array in (best.arrays or {}).items()}
        arrays |= {f"streams/{place}": state.cpu().numpy() for place, state in enumerate(objective.streams.states)}
        arrays |= {f"average/{place}": mean.cpu().numpy() for place, mean in enumerate(objective.average.means)}
        for place, state in optimizer.state_dict()["state"].items():
            arrays |= {f"optimizer/{place}/{name}": tensor.cpu().numpy() for name, tensor in state.items()}
        progress.averaged = objective.average.steps
        header = {"run": self._run, "progress": asdict(progress), "best": {"epoch": best.epoch, "score": best.score}}
        content = safetensors.numpy.save(
            {name: np.ascontiguousarray(array) for name, array in arrays.items()}, {"state": json.dumps(header)}
        )
        beside = self._file.with_suffix(".writing")
        try:
            with beside.open("wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(self._file)
        finally:
            beside.unlink(missing_ok=True)
        self._last = time.monotonic()

    def restore(self, objective: Any, optimizer: Any, best: Best) -> Progress | None:
        """Put everything back as the last checkpoint says, or return None where there is none.

        Raises DataError where the checkpoint is of another training, naming what differs.
        """
        if not self._file.is_file():
            return None
        try:
            with safetensors.safe_open(self._file, framework="numpy") as file:
                header = json.loads(file.metadata()["state"])
                names = file.keys()
                arrays = {name: file.get_tensor(name) for name in names}
        except (safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
            raise DataError(f"{self._file} is damaged ({error}); --force starts the training afresh") from error
        _check_same(header["run"], self._run)
        net = objective.net
        net.load_state_dict({name: torch.from_numpy(array) for name, array in _part(arrays, "model/").items()})
        for name, noise in _noises(net):
            noise.generator.set_state(torch.from_numpy(arrays[f"noise/{name}"]))
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, array in _part(arrays, "optimizer/").items():
            place, name = key.split("/")
            state.setdefault(int(place), {})[name] = torch.from_numpy(array)
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
        device = next(net.parameters()).device
        objective.streams.states = tuple(_in_order(_part(arrays, "streams/"), device))
        objective.average.means = _in_order(_part(arrays, "average/"), device)
        objective.average.steps = header["progress"]["averaged"]
        best.arrays = _part(arrays, "best/") or None
        best.epoch, best.score = header["best"]["epoch"], header["best"]["score"]
        return Progress(**header["progress"])


def _noises(net: Net) -> list[tuple[str, Noise]]:
    return [(name, module) for name, module in net.named_modules() if isinstance(module, Noise)]


def _in_order(arrays: dict[str, NDArray[Any]], device: torch.device) -> list[torch.Tensor]:
    """What is named 0, 1, 2, ..."""
    return [torch.from_numpy(arrays[str(place)]).to(device) for place in range(len(arrays))]


def _part(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _check_same(then: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with other data or other options than the training began with."""
    differing = [
        f"{name}: {then.get(name)!r} then, {now.get(name)!r} now"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    ]
    if differing:
        raise DataError(f"the unfinished training is another one ({'; '.join(differing)}); --force starts afresh")
