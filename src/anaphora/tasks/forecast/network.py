"""A forecasting network: an encoder reads the recent past in segments, a decoder continues from its state.

The decoder reads what is known of the future and answers a segment at a time (as in SegRNN, Lin et al. 2023, arXiv
2308.11200, whose decoder reads positions only). A linear map of the past is added (the autoregressive part of LSTNet,
Lai et al. 2018): a saturating cell cannot follow a trend beyond its training range, a linear map can.
"""

from dataclasses import dataclass
from typing import Any

from anaphora.cells.options import CellOptions, make_cell
from anaphora.config import option
from anaphora.net.blocks import Dense, Dropout, Embedding, Hidden, Recurrent, Spec
from anaphora.net.losses import Quantiles


@dataclass(frozen=True)
class ForecasterOptions(CellOptions):
    """The network of a forecaster."""

    cell: str = "gru"
    hidden_size: int = option(None, "width of the state", at_least=1)
    layers: int = option(1, "recurrent layers, one above the other", at_least=1, at_most=100)
    segment: int = option(
        None, "values that are read, and predicted, in one step; the lookback is a multiple", at_least=1
    )
    dropout: float = option(None, "share of the decoder's outputs that is zeroed in training", at_least=0, below=1)
    linear: bool = option(True, "add a linear map of the past to the outputs of the recurrent layers")


def spec(
    options: ForecasterOptions, *, recent: int, ahead: int, past: int, known: int, levels: tuple[float, ...]
) -> Spec:
    """The blocks. At each step `past` numbers are read, the value first, and `known` numbers are known in advance;
    `recent` is the number of inputs of the linear map, `ahead` the number of future steps, `levels` are the quantiles'.
    """
    width, segments, answers = options.segment, -(-ahead // options.segment), 1 + len(levels)
    layers = Recurrent(make_cell(options), options.hidden_size, options.hidden_size, options.layers)
    blocks: Spec = {
        "segments": Hidden(width * past, (options.hidden_size,)),
        "encoder": layers,
        "known": Dense(width * known, options.hidden_size),
        "places": Embedding(segments, options.hidden_size),
        "decoder": layers,
        "dropout": Dropout(options.dropout),
        "head": Dense(options.hidden_size, width * answers),
    }
    blocks |= {"linear": Dense(recent, segments * width)} if options.linear else {}
    return blocks | {"loss": Quantiles(levels=levels)}


def forward(
    net: Any,
    x_BSI: Any,
    lengths_B: Any,
    known_BPJ: Any,
    positions_BP: Any,
    recent_BD: Any,
    offset_Bh: Any,
    unit_B1: Any,
) -> tuple[Any, None]:
    """The outputs of the loss `Quantiles`, from S segments of the past and P segments of the future."""
    B, P = positions_BP.shape
    _, state = net.encoder(net.segments(x_BSI), lengths_B, net.zeros(net.encoder.spec.state_shapes(B)))
    z_BPH = net.known(known_BPJ) + net.places(positions_BP)
    y_BPH, _ = net.decoder(z_BPH, lengths_B * 0 + P, state)
    values_BAC = net.head(net.dropout(y_BPH)).reshape(B, -1, 1 + len(net.loss.spec.levels))
    if hasattr(net, "linear"):
        values_BAC = values_BAC + net.linear(recent_BD)[:, :, None]
    return (values_BAC[:, : offset_Bh.shape[1]], offset_Bh, unit_B1), None
