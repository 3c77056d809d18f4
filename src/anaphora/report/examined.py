"""What scoring returns, for every task, and tables of it for a terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Table:
    """A table for a terminal: the first column holds names, the others hold numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""


class Examined(Protocol):
    """The result of scoring a model on some data."""

    @property
    def scores(self) -> dict[str, Any]:
        """Everything, as JSON; `verdict` is among it."""

    def tables(self, data: str) -> list[Table | str]:
        """Tables and lines for a terminal, in order, without the verdict; `data` names what was scored."""

    def page(self, training: Mapping[str, Any], data: str) -> str:
        """An HTML page; `training` holds the facts of the bundle."""
