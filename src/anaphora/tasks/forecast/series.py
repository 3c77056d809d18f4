"""Series of numbers over time: from the columns of a file, or from a person's arrays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.forecast import times
from anaphora.data.numbers import LARGEST, Numbers, read_numbers
from anaphora.data.read import Row, read
from anaphora.tasks.forecast.times import Stamps, Step
from anaphora.errors import DataError, in_words

GAPS = ("refuse", "interpolate")
"""What becomes of missing time stamps and numbers: an error, or the line between those before and after."""
WHOLE = "series"
"""What a series is called that has no name of its own."""
MISSING = ("", "na", "nan", "null", "none")


@dataclass(frozen=True)
class Series:
    """One series: a value at each of T equal steps.

    `known_AX` are the covariates, known in advance: at those steps, and at A - T ones to come. `stamps_A` say when the
    steps are.
    """

    name: str
    values_T: Numbers
    stamps_A: Stamps
    known_AX: Numbers

    def __len__(self) -> int:
        return len(self.values_T)

    def until(self, end: int, ahead: int = 0) -> "Series":
        """Its first `end` values, with what was known then of `ahead` steps to come."""
        known = end + ahead
        return replace(
            self, values_T=self.values_T[:end], stamps_A=self.stamps_A[:known], known_AX=self.known_AX[:known]
        )

    def place(self, at: Any) -> int:
        """How many values are before a stamp; a whole number, 0 or more, says it already. Raises DataError at another
        thing.
        """
        if isinstance(at, bool | np.bool_) or (isinstance(at, int | np.integer) and at < 0):
            raise DataError(
                f"{at} is no place in {self.name}: a time stamp such as {times.written(self.stamps_A[0])}, or the "
                "number of values before it, is needed"
            )
        if isinstance(at, int | np.integer):
            return min(int(at), len(self))
        try:
            stamp = times.parse([str(at)], "")
        except DataError:
            raise DataError(f"{at!r} is no time stamp such as {times.written(self.stamps_A[0])}") from None
        if stamp.dtype.kind != self.stamps_A.dtype.kind:
            raise DataError(
                f"{self.name} has time stamps such as {times.written(self.stamps_A[0])}, and {at!r} is of another kind"
            )
        return int(np.searchsorted(self.stamps_A[: len(self)], stamp[0]))


def read_series(
    path: Path,
    time: str | None,
    values: Sequence[str],
    groups: Sequence[str] = (),
    covariates: Sequence[str] = (),
    encoding: str = "utf-8",
    gaps: str = "refuse",
) -> list[Series]:
    """The series of a file: one for each value column of each group, in the order of their time stamps.

    The last rows of a group may lack all values: what they hold of the covariates is known of the time to come. Without
    a column of time stamps the rows are counted. `gaps`, one of GAPS, says what becomes of missing steps and numbers.
    Raises DataError, which names row and column, for what cannot be used.
    """
    rows: dict[tuple[str, ...], list[tuple[int, Row]]] = {}
    columns = [*([time] if time else []), *values, *groups, *covariates]
    for number, row in enumerate(read(path, columns, encoding), 1):
        rows.setdefault(tuple(row[column] for column in groups), []).append((number, row))
    if not rows:
        raise DataError(f"{path} has a header but no rows")
    return [
        one
        for group, own in rows.items()
        for one in _of_group(f"{path}", ", ".join(group), own, time, values, covariates, gaps)
    ]


def of_arrays(
    values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None, called: str = "the series"
) -> list[Series]:
    """The series of a person's arrays: `[T]` is one, the columns of `[T, C]` are C, the items of a list or a dict are
    as many; `covariates` are `[A, X]`, of all series alike, or a list or a dict of these. A series without a key is
    called by its place and how many there are: by its name a model knows it again.
    """
    if isinstance(values, Mapping):
        named = [(str(name), own, name) for name, own in values.items()]
    elif isinstance(values, list | tuple) and _are_arrays(values):
        named = [
            (name, own, place)
            for place, (name, own) in enumerate(zip(_places(WHOLE, len(values)), values, strict=True))
        ]
    else:
        return _columns(values, stamps, covariates, WHOLE, called)
    found: list[Series] = []
    for name, own, key in named:
        found += _columns(own, stamps, _of_series(covariates, key), name, f"{called} {name!r}")
    if not found:
        raise DataError("there is no series: an array [T] or [T, C], a list or a dict of such is needed")
    return found


def _of_series(covariates: Any, key: Any) -> Any:
    """A series' covariates: its own, where they are a dict, or a list of arrays beside a list of series."""
    if isinstance(covariates, Mapping):
        if key not in covariates:
            raise DataError(f"there are no covariates of {key!r}, only of {in_words(map(repr, covariates))}")
        return covariates[key]
    if isinstance(key, int) and isinstance(covariates, list | tuple) and _are_arrays(covariates):
        if key >= len(covariates):
            raise DataError(f"there are covariates of {len(covariates)} series, and none of {WHOLE} {key + 1}")
        return covariates[key]
    return covariates


def _are_arrays(items: Sequence[Any]) -> bool:
    """Whether they are arrays themselves, and not numbers."""
    try:
        return bool(len(items)) and np.ndim(items[0]) > 0
    except ValueError:  # ragged ones
        return True


def _columns(values: Any, stamps: Sequence[Any] | None, covariates: Any, name: str, called: str) -> list[Series]:
    numbers = read_numbers(values, called)
    if numbers.ndim not in (1, 2) or not numbers.size:
        raise DataError(f"{called} has the shape {numbers.shape}: [T], or [T, C] for C series, is needed")
    columns_TC = numbers[:, None] if numbers.ndim == 1 else numbers
    known_AX = np.zeros((len(columns_TC), 0))
    if covariates is not None:
        known_AX = read_numbers(covariates, f"the covariates of {called}")
        known_AX = known_AX[:, None] if known_AX.ndim == 1 else known_AX
    if known_AX.ndim != 2 or len(known_AX) < len(columns_TC):
        raise DataError(
            f"the covariates of {called} have the shape {known_AX.shape}: [A, X] with A at least {len(columns_TC)} "
            "is needed, a row for each value, and for what is to come"
        )
    stamps_A = _stamps(stamps, len(columns_TC), len(known_AX), called)
    return [
        _checked(Series(own, columns_TC[:, c].copy(), stamps_A, known_AX), called)
        for c, own in enumerate(_places(name, columns_TC.shape[1]))
    ]


def _places(name: str, count: int) -> list[str]:
    """The names of as many things that are told apart by their places alone."""
    return [name] if count == 1 else [f"{name} {place + 1} of {count}" for place in range(count)]


def _stamps(given: Sequence[Any] | None, values: int, known: int, called: str) -> Stamps:
    if given is None:
        return np.arange(known)
    if len(given) not in (values, known):
        raise DataError(f"{called} has {values} values and {len(given)} time stamps: as many are needed")
    array = np.asarray(given)
    if array.dtype.kind == "M":
        stamps = array.astype("M8[s]")
        if (fractions := (stamps != array) & ~np.isnat(stamps)).any():
            raise DataError(f"{called}: the time stamp {array[int(fractions.argmax())]} {times.TOO_FINE}")
        if (missing := np.isnat(stamps)).any():
            raise DataError(
                f"{called}: the time stamp of step {int(missing.argmax())} is missing (NaT); every step needs one"
            )
    else:
        stamps = times.parse([str(stamp) for stamp in given], "the time stamp")
    _check_order(stamps, called)
    step = Step.of(stamps, called)
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
    called = f"{path}, group {group}" if group else path
    stamps_A: Stamps = np.arange(len(rows))
    if time:
        stamps_A = times.parse([row[time] for _, row in rows], time, [at for at, _ in rows])
        order = np.argsort(stamps_A, kind="stable")
        stamps_A, rows = stamps_A[order], [rows[i] for i in order]
        _check_order(stamps_A, called)
    filled = gaps == "interpolate"
    past = len(rows)
    while past and all(rows[past - 1][1][column].strip().lower() in MISSING for column in values):
        past -= 1  # rows of the time to come
    if not past:
        raise DataError(f"{called} has no value of {in_words(map(repr, values))}")
    known_AX = np.array([[_number(row, column, at, filled) for column in covariates] for at, row in rows], float)
    known_AX = known_AX.reshape(len(rows), len(covariates))
    values_TC = np.array([[_number(row, column, at, filled) for column in values] for at, row in rows[:past]])
    if filled:
        step = Step.usual(stamps_A, called)
        places = step.places(stamps_A, called)
        values_TC = _between(values_TC, places[:past], values, called)
        known_AX = _between(known_AX, places, covariates, called)
        stamps_A = np.concatenate([stamps_A[:1], step.after(stamps_A, int(places[-1]), 0)])
    elif time:
        Step.of(stamps_A, called)
    series = []
    for place, column in enumerate(values):
        name = ": ".join(filter(None, (group, column if len(values) > 1 or not group else "")))
        series.append(Series(name, values_TC[:, place], stamps_A, known_AX))
    return series


def _between(numbers_TC: Numbers, places: NDArray[np.int64], columns: Sequence[str], called: str) -> Numbers:
    """The numbers of all places from the first to the last; missing ones lie on the line between their neighbours.

    Raises DataError where the first or the last is missing.
    """
    found = np.zeros((int(places[-1]) + 1, numbers_TC.shape[1]))
    for column, own, name in zip(found.T, numbers_TC.T, columns, strict=True):
        there = np.isfinite(own)
        for place, which in ((0, "first"), (-1, "last")):
            if not there[place]:
                raise DataError(f"{called}: {name} has no number in the {which} step; what is between others is filled")
        column[:] = np.interp(np.arange(len(found)), places[there], own[there])
    return found


def _number(row: Row, column: str, at: int, filled: bool) -> float:
    text = row[column].strip()
    if text.lower() in MISSING:
        if filled:
            return math.nan
        what = repr(text) if text else "missing"
        raise DataError(f"row {at}: {column} is {what}; every step needs a number: --gaps interpolate fills it in")
    try:
        value = float(text)
    except ValueError:
        raise DataError(f"row {at}: {column} is {text!r}, which is no number") from None
    if not abs(value) <= LARGEST:
        raise DataError(f"row {at}: {column} is {text}; a finite number of at most {LARGEST:g} is needed")
    return value


def _check_order(stamps: Stamps, called: str) -> None:
    """Raise DataError unless each stamp is later than the one before."""
    differences = np.diff(stamps).astype(np.int64)
    if (differences <= 0).any():
        place = int(np.flatnonzero(differences <= 0)[0])
        here, after = map(times.written, stamps[place : place + 2])
        if differences[place] == 0:
            raise DataError(
                f"{called} has the time stamp {here} more than once; name the column that tells the series apart "
                f"(--group){times.clocks(stamps)}"
            )
        raise DataError(f"{called}: the time stamp {after} comes after {here}: put them in order")


def _checked(series: Series, called: str) -> Series:
    """Raise DataError where a number is not finite."""
    for kind, numbers in (("value", series.values_T), ("covariate", series.known_AX)):
        wrong = np.argwhere(~(np.abs(numbers) <= LARGEST))
        if len(wrong):
            place = tuple(map(int, wrong[0]))
            raise DataError(
                f"{called}: the {kind} of step {place[0]} is {numbers[place]}; every step needs a finite number of at "
                f"most {LARGEST:g}"
            )
    return series
