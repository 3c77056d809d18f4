"""The networks of a saved model, ready to run."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.net.build import In, build, member
from anaphora.runtime import blocks
from anaphora.task import Task


def networks(task: Task, arrays: Mapping[str, NDArray[np.float32]], members: int, precision: str) -> list[Any]:
    """All `members`, whose arrays stand in one (`networks.network.together`)."""
    kit, spec = In(blocks, precision), task.spec()
    return [build(task.recipe, spec, kit, member(arrays, place, members)) for place in range(members)]
