"""Files of sequences: tables in which each row is a step, and NumPy's .npz."""

import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.data.read import Row, read
from anaphora.errors import DataError, in_words

ROW = "row"
"""The column that names the sequences of a file without names."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table of sequences: `order` and `target` may be absent."""

    id: str
    value: tuple[str, ...]
    target: str | None = None
    order: str | None = None

    def names(self) -> list[str]:
        return [self.id, *self.value, *([self.target] if self.target else []), *([self.order] if self.order else [])]

    def to_dict(self) -> dict[str, Any]:
        """As a saved model keeps them; an absent column is an empty name."""
        return {"id": self.id, "value": list(self.value), "target": self.target or "", "order": self.order or ""}

    @classmethod
    def of_model(cls, columns: Mapping[str, Any], **given: Any) -> Self | None:
        """The columns of a saved model, or those `given` in their place; None where there is no id or no value."""
        chosen = {name: given.get(name) or columns.get(name) or None for name in ("id", "value", "target", "order")}
        if not chosen["id"] or not chosen["value"]:
            return None
        return cls(chosen["id"], tuple(chosen["value"]), chosen["target"], chosen["order"])


@dataclass(frozen=True)
class SequenceFile:
    """Sequences in the file's order: their ids, their rows `[T_i, D]`, the names of their steps, and their targets.

    A target is a text from a table, or a number or a text from arrays; of steps, a list of them.
    """

    ids: list[Any]
    id_name: str
    rows: list[NDArray[np.float64]]
    steps: list[list[Any]]
    step_name: str
    targets: list[Any] | None

    def __len__(self) -> int:
        return len(self.rows)


def is_arrays(path: Path) -> bool:
    return path.name.lower().endswith(".npz")


def read_table(path: Path, columns: Columns, stepwise: bool, encoding: str = "utf-8") -> SequenceFile:
    """The rows of a table with the same id are one sequence, in the file's order, or sorted by `columns.order`.

    Without `columns.target` there are no targets. An empty value is missing, NaN. Raises DataError and UnknownColumn.
    """
    by_id: dict[str, list[Row]] = {}
    for number, row in enumerate(read(path, columns.names(), encoding), 1):
        key = row[columns.id].strip()
        if not key:
            raise DataError(f"{path}: row {number} after the header has no {columns.id!r}")
        by_id.setdefault(key, []).append(row)
    if not by_id:
        raise DataError(f"{path} has a header but no rows")
    if columns.order:
        key_of = _order(row[columns.order] for rows in by_id.values() for row in rows)
        by_id = {key: sorted(rows, key=lambda row: key_of(row[columns.order or ""])) for key, rows in by_id.items()}
    values = [_values(path, f"{columns.id} {key!r}", rows, columns.value) for key, rows in by_id.items()]
    steps: list[list[Any]] = [
        [row[columns.order] for row in rows] if columns.order else list(range(len(rows))) for rows in by_id.values()
    ]
    targets = None
    if columns.target:
        target_of = _targets_of_steps if stepwise else _target_of_row
        targets = [
            target_of(
                f"{path}: {columns.id} {key!r}", columns.target, [row[columns.target or ""].strip() for row in rows]
            )
            for key, rows in by_id.items()
        ]
    return SequenceFile(list(by_id), columns.id, values, steps, columns.order or "step", targets)


def _order(texts: Iterable[str]) -> Callable[[str], Any]:
    """The sort key of a column: numbers where all its texts are numbers, otherwise texts."""
    return float if as_numbers(texts) is not None else str


def _values(path: Path, name: str, rows: Sequence[Row], columns: Sequence[str]) -> NDArray[np.float64]:
    values_TD = np.full((len(rows), len(columns)), np.nan)
    for t, row in enumerate(rows):
        for d, column in enumerate(columns):
            text = row[column].strip()
            try:
                values_TD[t, d] = float(text) if text else np.nan
            except ValueError:
                raise DataError(f"{path}: {name}, step {t} has {text!r} in {column!r}: a number is needed") from None
    return values_TD


def _targets_of_steps(name: str, column: str, texts: list[str]) -> list[str]:
    if "" in texts:
        raise DataError(f"{name}, step {texts.index('')} has no {column!r}: each step needs a target")
    return texts


def _target_of_row(name: str, column: str, texts: list[str]) -> str:
    """The one target of a sequence: the same in all its rows, or in the last row only."""
    different = sorted(set(texts) - {""})
    if not different:
        raise DataError(f"{name} has no {column!r}")
    if len(different) > 1:
        raise DataError(
            f"{name} has several values of {column!r}, {in_words(map(repr, different))}: a sequence needs one "
            "target, or with --targets step one for each step"
        )
    if "" in texts and any(texts[:-1]):
        raise DataError(f"{name} has {column!r} in some rows only: give it in all of them, or in the last one")
    return texts[-1] or different[0]


def read_arrays(path: Path, stepwise: bool, with_targets: bool = True) -> SequenceFile:
    """The arrays `x` `[N, T, D]` or `[N, T]`, or `x` `[sum of T_i, D]` with `lengths` `[N]`, and `y`, in a .npz file.

    `y` has an entry for each row, or for each step: `[N, T]`, or `[sum of T_i]` where there are lengths.
    """
    if not path.is_file():
        raise DataError(f"{path} is not a file")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("x", "y", "lengths") if name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not a whole .npz file of numbers and texts: {error}") from error
    if missing := [name for name in ("x", *(["y"] if with_targets else [])) if name not in arrays]:
        raise DataError(f"{path} has no array {missing[0]!r}")
    x, lengths = arrays["x"], arrays.get("lengths")
    if x.ndim == 0 or not len(x):
        raise DataError(f"{path}: x has the shape {list(x.shape)}, no sequence in it")
    if lengths is None:
        rows = list(x)
    else:
        rows = _cut(path, "x", x, lengths)
    targets = None
    if with_targets:
        y = arrays["y"]
        if y.ndim == 0:
            raise DataError(f"{path}: y is one value, not an array of targets")
        targets = list(_cut(path, "y", y, lengths) if stepwise and lengths is not None else y)
        targets = [target.tolist() for target in targets]
        if len(targets) != len(rows):
            raise DataError(f"{path}: x has {len(rows)} sequences, y has {len(targets)} targets")
    steps: list[list[Any]] = [list(range(len(np.atleast_1d(row)))) for row in rows]
    return SequenceFile(list(range(len(rows))), ROW, rows, steps, "step", targets)


def _cut(path: Path, name: str, array: NDArray[Any], lengths: NDArray[Any]) -> list[NDArray[Any]]:
    if lengths.ndim != 1 or lengths.dtype.kind not in "iu" or (lengths < 0).any() or lengths.sum() != len(array):
        raise DataError(f"{path}: lengths must be whole numbers whose sum is the length of {name}, {len(array)}")
    return np.split(array, lengths.cumsum()[:-1])


def numeric_targets(path: Path, data: SequenceFile) -> list[Any]:
    """The targets as numbers. Raises DataError, which names the sequence."""
    values: list[Any] = []
    for key, target in zip(data.ids, data.targets or [], strict=True):
        try:
            values.append(np.asarray(target, float).tolist())
        except (ValueError, TypeError):
            raise DataError(f"{path}: {data.id_name} {key!r} has the target {target!r}: a number is needed") from None
    return values


def as_numbers(texts: Iterable[Any]) -> list[float] | None:
    """The texts as numbers; None where one of them is not a number."""
    try:
        return [float(text) for text in texts]
    except (ValueError, TypeError):
        return None
