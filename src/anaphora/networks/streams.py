"""States that go from one batch to the next, where a batch's rows are parts of longer streams."""

from typing import Any

from anaphora.data.batch import Batch
from anaphora.engine.ragged import enter, leave


class Streams:
    """Where the streams of a source stand. No gradient goes from batch to batch: truncated back-propagation through
    time (Williams & Peng 1990).
    """

    def __init__(self, net: Any) -> None:
        self._net = net
        self.states: tuple[Any, ...] = ()

    def features(self, batch: Batch) -> Any:
        """The network's features of a batch, whose rows go on where their streams stand."""
        carry = batch.carry
        if carry is None:
            return self._net(*batch.inputs)[0]
        if not self.states:
            self.states = self._net.zeros(self._net.encoder.spec.state_shape(len(carry.leaves_S)))
        features, ends = self._net(*batch.inputs, enter(self.states, carry.enters_R))
        self.states = leave(self.states, self._net.fixed(ends), carry.leaves_S)
        return features
