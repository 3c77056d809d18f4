"""A file's rows as texts and labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anaphora.data.read import Row, read
from anaphora.errors import DataError


@dataclass(frozen=True)
class Table:
    """Texts and labels in the file's order, and what was noticed on the way."""

    texts: list[str]
    labels: list[str]
    empty_texts: int = 0
    dropped_missing: int = 0
    dropped_duplicates: int = 0
    groups: list[str] = field(default_factory=list)
    """What the group columns say of each row, an empty text where there are none."""


def read_table(
    path: Path,
    text: Sequence[str],
    label: str,
    *,
    encoding: str = "utf-8",
    drop_missing: bool = False,
    drop_duplicates: bool = False,
    groups: Sequence[str] = (),
) -> Table:
    """Read a file of texts and labels.

    Several text columns are joined by a space. A missing text is an empty one. Raises DataError where a label is
    missing, unless `drop_missing` leaves such rows out; `drop_duplicates` keeps the first row of each text.
    """
    texts: list[str] = []
    labels: list[str] = []
    of_groups: list[str] = []
    seen: set[str] = set()
    rows = missing = duplicates = 0
    for row in read(path, [*text, label, *groups], encoding):
        rows += 1
        joined, answer = join(row, text), row[label].strip()
        if not answer:
            missing += 1
        elif drop_duplicates and joined in seen:
            duplicates += 1
        else:
            seen.add(joined)
            texts.append(joined)
            labels.append(answer)
            of_groups.append(join(row, groups))
    if not rows:
        raise DataError(f"{path} has a header but no rows")
    if missing and not drop_missing:
        raise DataError(f"{missing:,} of {rows:,} rows of {path} have no {label!r}; --drop-missing leaves them out")
    if not texts:
        raise DataError(f"no row of {path} has a {label!r}")
    empty = sum(not joined.strip() for joined in texts)
    return Table(texts, labels, empty, missing, duplicates, of_groups)


def join(row: Row, columns: Sequence[str]) -> str:
    """The text of a row: its columns' texts, joined by a space."""
    return " ".join(row[column] for column in columns if row[column])
