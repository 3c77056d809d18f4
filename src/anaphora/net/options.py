"""The options that every recurrent network has."""

from dataclasses import dataclass

from anaphora.cells import ACTIVATIONS, CELLS
from anaphora.config import Config, option
from anaphora.net.blocks import POOLS, Recurrent


@dataclass(frozen=True)
class NetworkOptions(Config):
    """The recurrent layers and what follows them."""

    cell: str = option("lstm", "which recurrent cell", choices=tuple(CELLS))
    activation: str = option("tanh", "the cell's nonlinearity", choices=ACTIVATIONS)
    hidden_size: int = option(None, "width of the state, in each direction", at_least=1)
    layers: int = option(1, "recurrent layers, one above the other", at_least=1, at_most=100)
    bidirectional: bool = option(True, "read each row in both directions")
    pool: str = option("mean+max", "how a row's outputs become one vector", choices=POOLS)
    dropout: float = option(None, "share of the pooled vector that is zeroed while training", at_least=0, below=1)
    locked_dropout: float = option(
        None,
        "share of the recurrent layers' inputs that is zeroed while training, the same at all places of a row",
        at_least=0,
        below=1,
    )

    weight_drop: float = option(
        0.0, "share of the recurrent weights that is zeroed in each step of the training", at_least=0, below=1
    )

    def encoder(self, inputs: int) -> Recurrent:
        """The recurrent layers for inputs of the given width."""
        cell = CELLS[self.cell](self.activation)
        return Recurrent(
            cell, inputs, self.hidden_size, self.layers, self.bidirectional, self.locked_dropout, self.weight_drop
        )
