"""The options that choose a cell: its name, and the options of all cells.

`CellOptions` has the field `cell` and one field for every field of a cell in the table; None means the cell's own
default. The options of a network inherit it, so a new cell's options reach the command line, the estimators and the
documentation from the cell's own file.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from anaphora.cells import CELLS
from anaphora.cells.cell import Cell
from anaphora.config import Config, declared, kinds, option
from anaphora.errors import OptionError, in_words

EARLIER_DEFAULTS = {"activation": "tanh"}
"""Values that models of version 0.1 saved with every cell, also with cells that have no such option."""


def options_of_cells() -> dict[str, tuple[type, Any]]:
    """The union of the cells' fields: name -> type and a field whose default is None.

    Choices are the union, too; the cell itself refuses what it does not have. The help names the cells that have the
    option, and their default.
    """
    users: dict[str, list[type[Cell]]] = {}
    for cell in CELLS.values():
        for field in dataclasses.fields(cell):
            users.setdefault(field.name, []).append(cell)
    return {name: (kinds(cells[0])[name], _union(name, cells)) for name, cells in users.items()}


def _union(name: str, cells: list[type[Cell]]) -> Any:
    if len({kinds(cell)[name] for cell in cells}) > 1:
        raise TypeError(f"the cells {in_words([cell.name for cell in cells])} declare {name} with different types")
    users: dict[str, list[str]] = {}
    choices: dict[str, None] = {}
    for cell in cells:
        rules, default = declared(cell, name), cell.__dataclass_fields__[name].default
        users.setdefault(f"{rules['help']} ({{}}; default {default})", []).append(cell.name)
        choices |= dict.fromkeys(rules["choices"] or ())
    help = "; ".join(text.format(", ".join(names)) for text, names in users.items())
    return option(None, help, choices=tuple(choices) or None, **_common_range(name, cells))


def _common_range(name: str, cells: list[type[Cell]]) -> dict[str, float]:
    """The bounds on which all cells agree."""
    first, *others = (declared(cell, name) for cell in cells)
    keys = ("at_least", "at_most", "below")
    return {key: first[key] for key in keys if all(rules[key] == first[key] for rules in others)}


def with_options_of_cells(config: type[Config]) -> type[Config]:
    """Class decorator, applied before `dataclass`: adds the options of all cells."""
    options = options_of_cells()
    config.__annotations__ = {**config.__annotations__, **{name: kind for name, (kind, _) in options.items()}}
    for name, (_, field) in options.items():
        setattr(config, name, field)
    return config


@dataclasses.dataclass(frozen=True)
@with_options_of_cells
class CellOptions(Config):
    """The recurrent cell."""

    cell: str = option("lstm", "which recurrent cell", choices=tuple(CELLS))


def make_cell(options: CellOptions) -> Cell:
    """The cell that the options describe. Raises OptionError if an option is set that the cell does not have."""
    cell = CELLS[options.cell]
    fields = [field.name for field in dataclasses.fields(cell)]
    chosen: dict[str, Any] = {}
    for name, value in options_set(options).items():
        if name in fields:
            chosen[name] = value
        elif EARLIER_DEFAULTS.get(name) != value:
            known = f"its options are {in_words(fields)}" if fields else "it has no options"
            raise OptionError(f"{name}={value!r}: the cell {cell.name} has no option {name}; {known}")
    return cell(**chosen)


def options_set(options: CellOptions) -> Mapping[str, Any]:
    """The options of cells that are not None."""
    values = ((name, getattr(options, name)) for name in options_of_cells())
    return {name: value for name, value in values if value is not None}
