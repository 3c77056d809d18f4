"""Answers while a sequence arrives, one step at a time."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.numbers import read_numbers
from anaphora.engine.pool import EACH
from anaphora.errors import OptionError
from anaphora.net import blocks
from anaphora.runtime.networks import mean
from anaphora.runtime.session import Session
from anaphora.task import RowTask


class Live:
    """A model's answers after each step of `rows` sequences, with the state carried.

    Raises OptionError unless the recurrent layers read in one direction and the answer follows from the last output.
    """

    def __init__(self, task: RowTask, nets: Sequence[Any], rows: int) -> None:
        self.task, self.rows = task, rows
        spec = task.spec()
        layers = [block for block in spec.values() if isinstance(block, blocks.Recurrent)]
        pools = [block.kind for block in spec.values() if isinstance(block, blocks.Pool)]
        if any(block.bidirectional for block in layers) or not set(pools) <= {"last", EACH}:
            raise OptionError("answers after each step need a model with bidirectional=False and pool='last'")
        self.sessions: list[Session] = []
        self.nets = [self._stepping(net) for net in nets]

    def _stepping(self, net: Any) -> Any:
        """A copy of the network whose encoder takes one step of a session."""
        stepping = copy.copy(net)
        session = net.encoder.session(self.rows)
        self.sessions.append(session)
        stepping.encoder = lambda x_B1D, lengths_B, state=None: (session.step(x_B1D[:, 0])[:, None], state)
        return stepping

    def step(self, inputs: Sequence[Any]) -> NDArray[Any]:
        """The answers after the next inputs, one a row: those that `predict` gives for all inputs so far."""
        if len(inputs) != self.rows:
            raise OptionError(f"{len(inputs)} inputs for {self.rows} rows")
        examples = self.task.encode(
            [read_numbers(row, f"row {index}").reshape(1, -1) for index, row in enumerate(inputs)]
        )
        batch = examples.batch(np.arange(self.rows))
        return mean([self.task.answers(net.loss.decode(net(*batch.inputs)[0])) for net in self.nets])

    def reset(self, row: int | None = None) -> None:
        """Set the state of all rows, or of one row, to zero."""
        for session in self.sessions:
            session.reset(row)
