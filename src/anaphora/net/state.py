"""Recurrent states that go from one batch to the next, where a batch's rows are parts of longer streams."""

from typing import Any

from anaphora.data.batch import Batch
from anaphora.engine.ragged import enter, leave


class Streams:
    """The states of all streams of a source. No gradient goes from batch to batch: truncated back-propagation through
    time (Williams & Peng 1990).
    """

    def __init__(self, net: Any) -> None:
        self._net = net
        self.states: tuple[Any, ...] = ()

    def outputs(self, batch: Batch) -> Any:
        """The network's outputs for a batch; each row starts with the state of its stream."""
        carry = batch.carry
        if carry is None:
            return self._net(*batch.inputs)[0]
        if not self.states:
            self.states = self._net.zeros(self._net.encoder.spec.state_shapes(len(carry.leaves_S)))
        outputs, ends = self._net(*batch.inputs, enter(self.states, carry.enters_R))
        self.states = leave(self.states, self._net.detach(ends), carry.leaves_S)
        return outputs
