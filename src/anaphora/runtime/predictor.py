"""From a person's rows to predictions, in NumPy."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import by_length, collect
from anaphora.runtime.networks import networks
from anaphora.runtime.session import Live, together
from anaphora.task import RowTask

BATCH = 128


class Predictor:
    """A task and its network, or several networks, ready to run. Nothing in it changes, so threads may share it."""

    def __init__(
        self, task: RowTask, arrays: Mapping[str, NDArray[np.float32]], members: int = 1, precision: str = "float32"
    ) -> None:
        self.task = task
        self.nets = networks(task, arrays, members, precision)

    def live(self, rows: int) -> Live:
        """The answers after each step of `rows` sequences at once. Raises OptionError where there are none."""
        return Live(self.task, self.nets, rows)

    def predict(self, rows: list[Any]) -> NDArray[Any]:
        """The task's decoded predictions, one a row, in the order given.

        Rows run in batches of like length. A row's answer is the same in any batch, up to rounding.
        """
        places, parts = zip(*self._batches(rows or [self.task.blank()]), strict=True)
        sorted_by_length = np.concatenate(parts)
        ordered = np.empty_like(sorted_by_length)
        ordered[np.concatenate(places)] = sorted_by_length
        return ordered[: len(rows)]

    def predict_steps(self, rows: list[Any]) -> list[NDArray[Any]]:
        """The same of a task with an answer to each step: of each row its own, `[T_i, ...]`."""
        found: dict[int, NDArray[Any]] = {}
        for chosen, answers in self._batches(rows) if rows else ():
            found |= {int(i): own[: len(rows[i])] for i, own in zip(chosen, answers, strict=True)}
        return [found[i] for i in range(len(rows))]

    def _batches(self, rows: list[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Row numbers, and what all networks together say of them."""
        examples = self.task.encode(rows)
        for chosen in by_length(examples.lengths, BATCH):
            inputs = collect(examples, chosen).inputs
            yield chosen, together([self.task.decode(net, net(*inputs)[0]) for net in self.nets])
