"""Numbers from a sequence of numbers: recurrent layers -> pooling -> one linear map.

The linear map sees the last step's inputs, too (the linear part of LSTNet, Lai et al. 2018): a saturating cell cannot
follow a trend past what it was trained on, a linear path can.
"""

from dataclasses import dataclass
from typing import Any

from anaphora.engine.ragged import namespace
from anaphora.networks.blocks import Dense, Dropout, LockedDropout, Pool, Spec
from anaphora.networks.options import NetworkOptions


@dataclass(frozen=True)
class RegressorOptions(NetworkOptions):
    """The network of a regressor: one direction, read at the end, nothing dropped."""

    hidden_size: int = 64
    bidirectional: bool = False
    pool: str = "last"
    dropout: float = 0.0
    locked_dropout: float = 0.0


def spec(options: RegressorOptions, *, inputs: int, outputs: int) -> Spec:
    encoder = options.encoder(inputs)
    pool = Pool(options.pool, encoder.width, options.bidirectional)
    recent = Pool("last", inputs)
    return {
        "locked_dropout": LockedDropout(options.locked_dropout),
        "encoder": encoder,
        "pool": pool,
        "dropout": Dropout(options.dropout),
        "recent": recent,
        "head": Dense(pool.width + recent.width, outputs),
    }


def forward(net: Any, x_BTD: Any, lengths_B: Any, state: Any = None) -> Any:
    """Features `[B, width]` and the state at the rows' ends; the loss or decode applies the head, never this."""
    y_BTH, state = net.encoder(net.locked_dropout(x_BTD), lengths_B, state)
    features_BD = net.dropout(net.pool(y_BTH, lengths_B))
    return namespace(features_BD).concat([features_BD, net.recent(x_BTD, lengths_B)], -1), state
