"""temporary"""

from dataclasses import dataclass

from anaphora.cells import ACTIVATIONS, CELLS
from anaphora.config import Config, option


@dataclass(frozen=True)
class CellOptions(Config):
    """The recurrent cell."""

    cell: str = option("lstm", "which recurrent cell", choices=tuple(CELLS))
    activation: str = option("tanh", "the cell's nonlinearity", choices=ACTIVATIONS)


def make_cell(options):
    return CELLS[options.cell](options.activation)
