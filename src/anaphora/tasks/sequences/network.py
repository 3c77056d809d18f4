"""A network for sequences of numbers, with one answer a row or one a step: recurrent layers -> pooling -> a linear map.

The linear map also reads the inputs of the last step, or of the step that it answers (the linear part of LSTNet, Lai et
al. 2018): a saturating cell cannot follow a trend beyond its training range, a linear map can.
"""

from dataclasses import dataclass
from typing import Any

from anaphora.config import option
from anaphora.engine.pool import EACH
from anaphora.engine.ragged import namespace
from anaphora.errors import OptionError
from anaphora.net.blocks import Dense, Dropout, LockedDropout, Pool, Spec
from anaphora.net.losses import Loss
from anaphora.net.options import NetworkOptions

TARGETS = ("row", "step")


@dataclass(frozen=True)
class SequenceOptions(NetworkOptions):
    """The network for a sequence of numbers: one direction, the last output, no dropout."""

    hidden_size: int = 64
    bidirectional: bool = False
    pool: str = "last"
    dropout: float = 0.0
    locked_dropout: float = 0.0
    targets: str = option("row", "what has a target: each row, or each step of a row", choices=TARGETS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stepwise and self.pool != "last":
            raise OptionError(
                f"pool={self.pool!r} makes one vector of a row, but targets='step' has a target for each step: leave "
                "one of them out"
            )

    @property
    def stepwise(self) -> bool:
        """Whether each step has a target."""
        return self.targets == "step"


def spec(options: SequenceOptions, *, inputs: int, outputs: int, loss: Loss) -> Spec:
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
        "loss": loss,
    }


def forward(net: Any, x_BTD: Any, lengths_B: Any, state: Any = None) -> Any:
    """Outputs for each row, `[B, outputs]`, or for each step before a row's end, `[N, outputs]`, row after row; and the
    state at the rows' ends.
    """
    y_BTH, state = net.encoder(net.locked_dropout(x_BTD), lengths_B, state)
    features = net.dropout(net.pool(y_BTH, lengths_B))
    features = namespace(features).concat([features, net.recent(x_BTD, lengths_B)], -1)
    return net.head(features, lengths_B if net.pool.spec.kind == EACH else None), state
