"""From a person's rows to answers, in NumPy."""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import by_length
from anaphora.runtime.live import Live
from anaphora.runtime.networks import mean, networks
from anaphora.task import RowTask

BATCH = 128
TaskT = TypeVar("TaskT", bound=RowTask)


class Predictor(Generic[TaskT]):
    """A task and its network, or an ensemble, ready to run. It is immutable, so threads may share it."""

    def __init__(
        self, task: TaskT, arrays: Mapping[str, NDArray[np.float32]], members: int = 1, precision: str = "float32"
    ) -> None:
        self.task = task
        self.nets = networks(task, arrays, members, precision)

    def live(self, rows: int) -> Live:
        """Answers after each step of `rows` sequences. Raises OptionError for a model that cannot give them."""
        return Live(self.task, self.nets, rows)

    def predict(self, rows: list[Any]) -> Any:
        """The answers in the order of the rows: an array `[N, ...]`, or a list of `[T_i, ...]` for a ragged task.

        Rows run in batches of similar length. An answer does not depend on its batch, up to rounding.
        """
        if self.task.ragged:
            answers: list[Any] = [None] * len(rows)
            for chosen, lengths, decoded in self._batches(rows) if rows else ():
                for i, answer in zip(chosen, np.split(decoded, lengths.cumsum()[:-1]), strict=True):
                    answers[i] = answer
            return answers
        chosen, _, parts = zip(*self._batches(rows or [self.task.blank()]), strict=True)
        by_batch = np.concatenate(parts)
        ordered = np.empty_like(by_batch)
        ordered[np.concatenate(chosen)] = by_batch
        return ordered[: len(rows)]

    def _batches(self, rows: list[Any]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]]:
        """Row numbers, the rows' lengths, and the mean answers of all networks."""
        examples = self.task.encode(rows)
        for chosen in by_length(examples.lengths, BATCH):
            inputs = examples.batch(chosen).inputs
            decoded = mean([self.task.answers(net.loss.decode(net(*inputs)[0])) for net in self.nets])
            yield chosen, examples.lengths[chosen], decoded
