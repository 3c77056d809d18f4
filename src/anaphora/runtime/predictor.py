"""From a person's rows to predictions, in NumPy."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import by_length, collect
from anaphora.networks.network import build
from anaphora.runtime import blocks
from anaphora.tasks import Task

BATCH = 128


class Predictor:
    """A task and its network, ready to run. Nothing in it changes, so threads may share it."""

    def __init__(self, task: Task, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        self.task = task
        self.net = build(task.recipe, task.spec(), blocks, arrays)

    def predict(self, rows: list[Any]) -> NDArray[Any]:
        """The task's decoded predictions, one a row, in the order given.

        Rows run in batches of like length. A row's answer is the same in any batch, up to rounding.
        """
        examples = self.task.encode(rows or [self.task.blank()])
        places: list[NDArray[np.int64]] = []
        parts: list[NDArray[Any]] = []
        for chosen in by_length(examples.lengths, BATCH):
            features, _ = self.net(*collect(examples, chosen).inputs)
            places.append(chosen)
            parts.append(self.task.decode(self.net, features))
        answers = np.concatenate(parts)
        ordered = np.empty_like(answers)
        ordered[np.concatenate(places)] = answers
        return ordered[: len(rows)]
