"""Series of numbers over time, from the columns of a file or from arrays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.data.numbers import LARGEST, Numbers, read_numbers
from anaphora.data.read import Row, read
from anaphora.errors import DataError, in_words
from anaphora.tasks.forecast import times
from anaphora.tasks.forecast.times import Stamps, Step, dst_hint, format_stamp

GAPS = ("refuse", "interpolate")
"""What happens to missing time stamps and numbers: an error, or linear interpolation."""
UNNAMED = "series"
"""The name of a series that has none."""
MISSING = ("", "na", "nan", "null", "none")


@dataclass(frozen=True)
class Series:
    """One series: a value at each of T equal steps.

    `known_AX` are the covariates, known in advance: at those steps, and at A - T future ones. `stamps_A` are the time
    stamps of all these steps.
    """

    name: str
    values_T: Numbers
    stamps_A: Stamps
    known_AX: Numbers

    def __len__(self) -> int:
        return len(self.values_T)

    def until(self, end: int, ahead: int = 0) -> "Series":
        """Its first `end` values, with stamps and covariates of `ahead` more steps."""
        known = end + ahead
        return replace(
            self, values_T=self.values_T[:end], stamps_A=self.stamps_A[:known], known_AX=self.known_AX[:known]
        )

    def index_of(self, at: Any) -> int:
        """How many values are before a stamp; a whole number, 0 or more, is that number. Raises DataError for anything
        else.
        """
        if isinstance(at, bool | np.bool_) or (isinstance(at, int | np.integer) and at < 0):
            raise DataError(
                f"{at} is not a position in {self.name}: a time stamp such as {format_stamp(self.stamps_A[0])}, or the "
                "number of values before it, is needed"
            )
        if isinstance(at, int | np.integer):
            return min(int(at), len(self))
        try:
            stamp = times.parse([str(at)], "")
        except DataError:
            raise DataError(f"{at!r} is not a time stamp such as {format_stamp(self.stamps_A[0])}") from None
        if stamp.dtype.kind != self.stamps_A.dtype.kind:
            raise DataError(
                f"{self.name} has time stamps such as {format_stamp(self.stamps_A[0])}, and {at!r} is of another kind"
            )
        return int(np.searchsorted(self.stamps_A[: len(self)], stamp[0]))


def read_series(
    path: Path,
    time: str | None,
    values: Sequence[str],
    groups: Sequence[str] = (),
    covariates: Sequence[str] = (),
    encoding: str = "utf-8",
    gaps: str = GAPS[0],
) -> list[Series]:
    """The series of a file: one for each value column of each group, in the order of their time stamps.

    The last rows of a group may lack all values: they hold the covariates of future steps. Without a column of time
    stamps the rows are counted. `gaps` is one of GAPS. Raises DataError, which names row and column, for what cannot be
    used.
    """
    rows: dict[tuple[str, ...], list[tuple[int, Row]]] = {}
    columns = [*([time] if time else []), *values, *groups, *covariates]
    for number, row in enumerate(read(path, columns, encoding), 1):
        rows.setdefault(tuple(row[column] for column in groups), []).append((number, row))
    if not rows:
        raise DataError(f"{path} has a header but no rows")
    return [
        one
        for group, numbered in rows.items()
        for one in _of_group(f"{path}", ", ".join(group), numbered, time, values, covariates, gaps)
    ]


def from_arrays(
    values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None, title: str = "the series"
) -> list[Series]:
    """The series of arrays: `[T]` is one series, the columns of `[T, C]` are C, and each item of a list or a dict is
    one; `covariates` are `[A, X]` for all series, or a list or a dict of these. A series without a key is named by its
    number and the number of series: a model recognises a series by its name. `title` is for error messages.
    """
    if isinstance(values, Mapping):
        items = [(str(name), item, name) for name, item in values.items()]
    elif isinstance(values, list | tuple) and _are_arrays(values):
        items = [
            (name, item, index)
            for index, (name, item) in enumerate(zip(_numbered(UNNAMED, len(values)), values, strict=True))
        ]
    else:
        return _columns(values, stamps, covariates, UNNAMED, title)
    series: list[Series] = []
    for name, item, key in items:
        series += _columns(item, stamps, _covariates_of(covariates, key), name, f"{title} {name!r}")
    if not series:
        raise DataError("there is no series: an array [T] or [T, C], a list or a dict of such is needed")
    return series


def _covariates_of(covariates: Any, key: Any) -> Any:
    """The covariates of one series, where they are a dict, or a list of arrays for a list of series."""
    if isinstance(covariates, Mapping):
        if key not in covariates:
            raise DataError(f"there are no covariates of {key!r}, only of {in_words(map(repr, covariates))}")
        return covariates[key]
    if isinstance(key, int) and isinstance(covariates, list | tuple) and _are_arrays(covariates):
        if key >= len(covariates):
            raise DataError(f"there are covariates of {len(covariates)} series, and none of {UNNAMED} {key + 1}")
        return covariates[key]
    return covariates


def _are_arrays(items: Sequence[Any]) -> bool:
    """Whether the items are arrays, and not numbers."""
    try:
        return bool(len(items)) and np.ndim(items[0]) > 0
    except ValueError:  # ragged ones
        return True


def _columns(values: Any, stamps: Sequence[Any] | None, covariates: Any, name: str, title: str) -> list[Series]:
    numbers = read_numbers(values, title)
    if numbers.ndim not in (1, 2) or not numbers.size:
        raise DataError(f"{title} has the shape {numbers.shape}: [T], or [T, C] for C series, is needed")
    columns_TC = numbers[:, None] if numbers.ndim == 1 else numbers
    known_AX = np.zeros((len(columns_TC), 0))
    if covariates is not None:
        known_AX = read_numbers(covariates, f"the covariates of {title}")
        known_AX = known_AX[:, None] if known_AX.ndim == 1 else known_AX
    if known_AX.ndim != 2 or len(known_AX) < len(columns_TC):
        raise DataError(
            f"the covariates of {title} have the shape {known_AX.shape}: [A, X] with A at least {len(columns_TC)} "
            "is needed, a row for each value and for each future step"
        )
    stamps_A = _stamps(stamps, len(columns_TC), len(known_AX), title)
    return [
        _checked(Series(column, columns_TC[:, c].copy(), stamps_A, known_AX), title)
        for c, column in enumerate(_numbered(name, columns_TC.shape[1]))
    ]


def _numbered(name: str, count: int) -> list[str]:
    """Names for `count` things that differ only in their position."""
    return [name] if count == 1 else [f"{name} {index + 1} of {count}" for index in range(count)]


def _stamps(given: Sequence[Any] | None, values: int, known: int, title: str) -> Stamps:
    if given is None:
        return np.arange(known)
    if len(given) not in (values, known):
        raise DataError(f"{title} has {values} values and {len(given)} time stamps: one for each value is needed")
    array = np.asarray(given)
    if array.dtype.kind == "M":
        stamps = array.astype("M8[s]")
        if (fractions := (stamps != array) & ~np.isnat(stamps)).any():
            raise DataError(f"{title}: the time stamp {array[int(fractions.argmax())]} {times.TOO_FINE}")
        if (missing := np.isnat(stamps)).any():
            raise DataError(
                f"{title}: the time stamp of step {int(missing.argmax())} is missing (NaT); every step needs one"
            )
    else:
        stamps = times.parse([str(stamp) for stamp in given], "the time stamp")
    _check_order(stamps, title)
    step = Step.of(stamps, title)
    return np.concatenate([stamps, step.after(stamps, known - len(stamps))])


def _of_group(
    path: str,
    group: str,
    rows: list[tuple[int, Row]],
    time: str | None,
    values: Sequence[str],
    covariates: Sequence[str],
    gaps: str,
) -> list[Series]:
    title = f"{path}, group {group}" if group else path
    stamps_A: Stamps = np.arange(len(rows))
    if time:
        stamps_A = times.parse([row[time] for _, row in rows], time, [at for at, _ in rows])
        order = np.argsort(stamps_A, kind="stable")
        stamps_A, rows = stamps_A[order], [rows[i] for i in order]
        _check_order(stamps_A, title)
    interpolate = gaps == "interpolate"
    past = len(rows)
    while past and all(rows[past - 1][1][column].strip().lower() in MISSING for column in values):
        past -= 1  # rows of future steps
    if not past:
        raise DataError(f"{title} has no value of {in_words(map(repr, values))}")
    known_AX = np.array([[_number(row, column, at, interpolate) for column in covariates] for at, row in rows], float)
    known_AX = known_AX.reshape(len(rows), len(covariates))
    values_TC = np.array([[_number(row, column, at, interpolate) for column in values] for at, row in rows[:past]])
    if interpolate:
        step = Step.most_common(stamps_A, title)
        indices = step.indices(stamps_A, title)
        values_TC = _interpolated(values_TC, indices[:past], values, title)
        known_AX = _interpolated(known_AX, indices, covariates, title)
        stamps_A = np.concatenate([stamps_A[:1], step.after(stamps_A, int(indices[-1]), 0)])
    elif time:
        Step.of(stamps_A, title)
    series = []
    for index, column in enumerate(values):
        name = ": ".join(filter(None, (group, column if len(values) > 1 or not group else "")))
        series.append(Series(name, values_TC[:, index], stamps_A, known_AX))
    return series


def _interpolated(numbers_TC: Numbers, indices: NDArray[np.int64], columns: Sequence[str], title: str) -> Numbers:
    """The numbers of all steps from the first to the last, with linear interpolation of missing ones.

    Raises DataError where the first or the last is missing.
    """
    complete = np.zeros((int(indices[-1]) + 1, numbers_TC.shape[1]))
    for column, numbers, name in zip(complete.T, numbers_TC.T, columns, strict=True):
        present = np.isfinite(numbers)
        for index, which in ((0, "first"), (-1, "last")):
            if not present[index]:
                raise DataError(
                    f"{title}: {name} has no number in the {which} step; only gaps between numbers are interpolated"
                )
        column[:] = np.interp(np.arange(len(complete)), indices[present], numbers[present])
    return complete


def _number(row: Row, column: str, at: int, interpolate: bool) -> float:
    text = row[column].strip()
    if text.lower() in MISSING:
        if interpolate:
            return math.nan
        what = repr(text) if text else "missing"
        raise DataError(f"row {at}: {column} is {what}; every step needs a number: --gaps interpolate fills it in")
    try:
        value = float(text)
    except ValueError:
        raise DataError(f"row {at}: {column} is {text!r}, which is not a number") from None
    if not abs(value) <= LARGEST:
        raise DataError(f"row {at}: {column} is {text}; a finite number of at most {LARGEST:g} is needed")
    return value


def _check_order(stamps: Stamps, title: str) -> None:
    """Raise DataError unless each stamp is later than the one before."""
    differences = np.diff(stamps).astype(np.int64)
    if (differences <= 0).any():
        index = int(np.flatnonzero(differences <= 0)[0])
        here, after = map(format_stamp, stamps[index : index + 2])
        if differences[index] == 0:
            raise DataError(
                f"{title} has the time stamp {here} more than once; name the column that distinguishes the series "
                f"(--group){dst_hint(stamps)}"
            )
        raise DataError(f"{title}: the time stamp {after} comes after {here}: put them in order")


def _checked(series: Series, title: str) -> Series:
    """Raise DataError where a number is not finite."""
    for kind, numbers in (("value", series.values_T), ("covariate", series.known_AX)):
        wrong = np.argwhere(~(np.abs(numbers) <= LARGEST))
        if len(wrong):
            index = tuple(map(int, wrong[0]))
            raise DataError(
                f"{title}: the {kind} of step {index[0]} is {numbers[index]}; every step needs a finite number of at "
                f"most {LARGEST:g}"
            )
    return series
