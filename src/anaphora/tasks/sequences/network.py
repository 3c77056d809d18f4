"""Answers to a sequence of numbers, one at its end or one at each step: recurrent layers -> pooling -> one linear map.

The linear map sees the last step's inputs, too (the linear part of LSTNet, Lai et al. 2018), or those of the step that
it answers: a saturating cell cannot follow a trend past what it was trained on, a linear path can.
"""

from dataclasses import dataclass
from typing import Any

from anaphora.config import option
from anaphora.engine.pool import EACH
from anaphora.engine.ragged import namespace
from anaphora.errors import OptionError
from anaphora.net.blocks import Dense, Dropout, LockedDropout, Pool, Spec
from anaphora.net.options import NetworkOptions

TARGETS = ("row", "step")


@dataclass(frozen=True)
class SequenceOptions(NetworkOptions):
    """The network of a sequence of numbers: one direction, read at the end, nothing dropped."""

    hidden_size: int = 64
    bidirectional: bool = False
    pool: str = "last"
    dropout: float = 0.0
    locked_dropout: float = 0.0
    targets: str = option("row", "what has an answer: each row, or each step of a row", choices=TARGETS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stepwise and self.pool != "last":
            raise OptionError(
                f"pool={self.pool!r} makes one vector of a row, but targets='step' wants an answer to each step: leave "
                "one of them out"
            )

    @property
    def stepwise(self) -> bool:
        """Whether each step has an answer."""
        return self.targets == "step"


def spec(options: SequenceOptions, *, inputs: int, outputs: int) -> Spec:
    encoder = options.encoder(inputs)
    ends, recent = (EACH, EACH) if options.stepwise else (options.pool, "last")
    pool = Pool(ends, encoder.width, options.bidirectional)
    nearest = Pool(recent, inputs)
    return {
        "locked_dropout": LockedDropout(options.locked_dropout),
        "encoder": encoder,
        "pool": pool,
        "dropout": Dropout(options.dropout),
        "recent": nearest,
        "head": Dense(pool.width + nearest.width, outputs),
    }


def forward(net: Any, x_BTD: Any, lengths_B: Any, state: Any = None) -> Any:
    """Features `[B, width]`, or `[B, T, width]` for answers to each step, and the state at the rows' ends; the loss or
    decode applies the head, never this.
    """
    y_BTH, state = net.encoder(net.locked_dropout(x_BTD), lengths_B, state)
    features = net.dropout(net.pool(y_BTH, lengths_B))
    return namespace(features).concat([features, net.recent(x_BTD, lengths_B)], -1), state
