"""The options of the recurrent cell, and the cell that they make."""

from dataclasses import dataclass

from anaphora.cells import ACTIVATIONS, CELLS, Cell
from anaphora.config import Config, option


@dataclass(frozen=True)
class CellOptions(Config):
    """The recurrent cell."""

    cell: str = option("lstm", "which recurrent cell", choices=tuple(CELLS))
    activation: str = option("tanh", "the cell's nonlinearity", choices=ACTIVATIONS)


def make_cell(options: CellOptions) -> Cell:
    """The cell of these options. Raises OptionError at an activation that it does not have."""
    return CELLS[options.cell](options.activation)
