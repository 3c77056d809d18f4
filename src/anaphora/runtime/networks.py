"""The networks of a saved model for inference, and the mean of their answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.net.build import Backend, build, member
from anaphora.runtime import blocks
from anaphora.task import Task


def networks(task: Task, arrays: Mapping[str, NDArray[np.float32]], members: int, precision: str) -> list[Any]:
    """All `members` of an ensemble, whose arrays were merged by `net.build.merge`."""
    backend, spec = Backend(blocks, precision), task.spec()
    return [build(task.recipe, spec, backend, member(arrays, index, members)) for index in range(members)]


def mean(answers: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """The mean of the networks' answers."""
    return answers[0] if len(answers) == 1 else np.mean(answers, axis=0, dtype=answers[0].dtype)
