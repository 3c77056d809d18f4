"""The options that every recurrent network has."""

from dataclasses import dataclass
from typing import Any

from anaphora.cells.options import CellOptions, make_cell
from anaphora.config import option
from anaphora.errors import OptionError
from anaphora.net.blocks import POOLS, Recurrent


@dataclass(frozen=True)
class NetworkOptions(CellOptions):
    """The recurrent layers and what follows them."""

    hidden_size: int = option(None, "width of the state, in each direction", at_least=1)
    layers: int = option(1, "recurrent layers, one above the other", at_least=1, at_most=100)
    bidirectional: bool = option(True, "read each row in both directions")
    pool: str = option("mean+max", "how a row's outputs become one vector", choices=POOLS)
    dropout: float = option(None, "share of the pooled vector that is zeroed while training", at_least=0, below=1)
    locked_dropout: float = option(
        None,
        "share of the recurrent layers' inputs that is zeroed while training, the same at all steps of a row",
        at_least=0,
        below=1,
    )
    weight_drop: float = option(
        0.0, "share of the recurrent weights that is zeroed in each training step", at_least=0, below=1
    )

    def encoder(self, inputs: int) -> Recurrent:
        """The recurrent layers for inputs of the given width."""
        return recurrent(
            self,
            inputs,
            self.hidden_size,
            layers=self.layers,
            bidirectional=self.bidirectional,
            dropout=self.locked_dropout,
            weight_drop=self.weight_drop,
        )


def recurrent(
    options: CellOptions, inputs: int, hidden: int, *, weight_drop: float = 0.0, **settings: Any
) -> Recurrent:
    """The recurrent block of the cell that `options` describe.

    Raises OptionError at weight drop if the cell has no recurrent weights.
    """
    cell = make_cell(options)
    if weight_drop and not cell.recurrent_weights:
        raise OptionError(f"weight_drop={weight_drop}: the cell {cell.name} has no recurrent weights")
    return Recurrent(cell, inputs, hidden, weight_drop=weight_drop, **settings)
