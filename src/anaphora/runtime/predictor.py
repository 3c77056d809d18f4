"""From a person's rows to predictions, in NumPy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import by_length, collect
from anaphora.networks.network import In, build, member
from anaphora.runtime import blocks
from anaphora.runtime.session import Live
from anaphora.tasks import RowTask

BATCH = 128


class Predictor:
    """A task and its network, or several networks, ready to run. Nothing in it changes, so threads may share it."""

    def __init__(
        self, task: RowTask, arrays: Mapping[str, NDArray[np.float32]], members: int = 1, precision: str = "float32"
    ) -> None:
        self.task = task
        kit = In(blocks, precision)
        own = [member(arrays, place, members) for place in range(members)]
        self.nets = [build(task.recipe, task.spec(), kit, arrays) for arrays in own]

    def live(self, rows: int) -> Live:
        """The answers after each step of `rows` sequences at once. Raises OptionError where there are none."""
        return Live(self.task, self.nets, rows)

    def predict(self, rows: list[Any]) -> NDArray[Any]:
        """The task's decoded predictions, one a row, in the order given.

        Rows run in batches of like length. A row's answer is the same in any batch, up to rounding.
        """
        examples = self.task.encode(rows or [self.task.blank()])
        places: list[NDArray[np.int64]] = []
        parts: list[NDArray[Any]] = []
        for chosen in by_length(examples.lengths, BATCH):
            inputs = collect(examples, chosen).inputs
            answers = [self.task.decode(net, net(*inputs)[0]) for net in self.nets]
            places.append(chosen)
            parts.append(answers[0] if len(answers) == 1 else np.mean(answers, axis=0, dtype=answers[0].dtype))
        sorted_by_length = np.concatenate(parts)
        ordered = np.empty_like(sorted_by_length)
        ordered[np.concatenate(places)] = sorted_by_length
        return ordered[: len(rows)]
