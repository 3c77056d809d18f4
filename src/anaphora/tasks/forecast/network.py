"""What comes next in a series: a recurrent network reads the recent past in segments, another goes on from its state.

The second reads what is known of the time to come, and answers a segment at a time (in the manner of SegRNN, Lin et al.
2023, arXiv 2308.11200, whose decoder reads positions alone). A linear map of the past is added (the autoregressive part
of LSTNet, Lai et al. 2018): a saturating cell follows no trend past what it was trained on, a linear path does.
"""

from dataclasses import dataclass
from typing import Any

from anaphora.cells import ACTIVATIONS, CELLS
from anaphora.config import Config, option
from anaphora.net.blocks import Dense, Dropout, Embedding, Hidden, Recurrent, Spec


@dataclass(frozen=True)
class ForecasterOptions(Config):
    """The network of a forecaster."""

    cell: str = option("gru", "which recurrent cell", choices=tuple(CELLS))
    activation: str = option("tanh", "the cell's nonlinearity", choices=ACTIVATIONS)
    hidden_size: int = option(None, "width of the state", at_least=1)
    layers: int = option(1, "recurrent layers, one above the other", at_least=1, at_most=100)
    segment: int = option(
        None, "values that are read, and foretold, in one step; the lookback is a number of them", at_least=1
    )
    dropout: float = option(None, "share of the features that is zeroed while training", at_least=0, below=1)
    linear: bool = option(True, "add a linear map of the past to what the recurrent layers say")


def spec(options: ForecasterOptions, *, recent: int, ahead: int, past: int, known: int, answers: int) -> Spec:
    """The blocks. Of each step `past` numbers are read, the value first, and `known` ones are known before it comes;
    `recent` is how many numbers the linear map reads, `ahead` are steps, `answers` are answered for each.
    """
    width, places = options.segment, -(-ahead // options.segment)
    cell = CELLS[options.cell](options.activation)
    layers = Recurrent(cell, options.hidden_size, options.hidden_size, options.layers)
    blocks: Spec = {
        "segments": Hidden(width * past, (options.hidden_size,)),
        "encoder": layers,
        "known": Dense(width * known, options.hidden_size),
        "places": Embedding(places, options.hidden_size),
        "decoder": layers,
        "dropout": Dropout(options.dropout),
        "head": Dense(options.hidden_size, width * answers),
    }
    return blocks | ({"linear": Dense(recent, places * width)} if options.linear else {})


def forward(
    net: Any,
    x_BSI: Any,
    lengths_B: Any,
    known_BPJ: Any,
    places_BP: Any,
    recent_BD: Any,
    offset_Bh: Any,
    unit_B1: Any,
) -> tuple[Any, None]:
    """Features of S segments of the past and P segments to come; `offset` and `unit` bring the answers into the values'
    unit, and are handed on.
    """
    B, P = places_BP.shape
    nothing = net.zeros(net.encoder.spec.state_shape(B))
    _, state = net.encoder(net.segments(x_BSI), lengths_B, nothing)
    z_BPH = net.known(known_BPJ) + net.places(places_BP)
    y_BPH, _ = net.decoder(z_BPH, lengths_B * 0 + P, state)
    return (net.dropout(y_BPH), recent_BD, offset_Bh, unit_B1), None


def answers(net: Any, features: Any, count: int) -> Any:
    """The head's, before `offset` and `unit`: `[B, h, count]`."""
    y_BPH, recent_BD, offset_Bh, _ = features
    B, horizon = offset_Bh.shape
    found_BAC = net.head(y_BPH).reshape(B, -1, count)
    if hasattr(net, "linear"):
        found_BAC = found_BAC + net.linear(recent_BD)[:, :, None]
    return found_BAC[:, :horizon]
