"""Time stamps at equal steps: parsing, checking, continuing, and calendar features."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import DataError

Stamps = NDArray[Any]
"""`[T]`: datetime64[s], or whole numbers."""

DAY = 86_400
CYCLES = {"day": DAY, "week": 7 * DAY, "year": 365.2425 * DAY}
"""Their lengths in seconds."""
UNITS = {
    "month": {1: "month", 3: "quarter", 12: "year"},
    "second": {1: "second", 60: "minute", 3_600: "hour", DAY: "day", 7 * DAY: "week"},
    "number": {1: "number"},
}
TOO_FINE = "has fractions of a second, which are not supported: count the steps instead, without time stamps"
MONTH = CYCLES["year"] / 12
_NUMBER = re.compile(r"[+-]?\d+")
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True)
class Step:
    """The distance from a stamp to the next: `count` months, seconds or numbers (the keys of UNITS)."""

    count: int
    unit: str

    @classmethod
    def of(cls, stamps_T: Stamps, name: str) -> Self:
        """The distance of all neighbours, which are in order. Raises DataError, with the `name` of what has the stamps,
        where the distances differ or there is none.
        """
        step = cls.most_common(stamps_T, name)
        steps = np.diff(step.counts(stamps_T))
        if (steps == step.count).all():
            return step
        index = int(np.flatnonzero(steps != step.count)[0])
        others = int((steps != step.count).sum()) - 1
        more = f" (and in {others:,} more gaps)" if others else ""
        here, other = (Step(int(count), step.unit).in_words() for count in (step.count, steps[index]))
        raise DataError(
            f"the time stamps of {name} are not equally far apart: mostly {here}, but from "
            f"{step.format(stamps_T[index])} to {step.format(stamps_T[index + 1])} it is {other}{more}; for a file, "
            f"--gaps interpolate fills missing steps, and without --time the rows are counted{dst_hint(stamps_T)}"
        )

    @classmethod
    def most_common(cls, stamps_T: Stamps, name: str) -> Self:
        """The most frequent distance of neighbours. Raises DataError where there is none."""
        if len(stamps_T) < 2:
            raise DataError(f"{name} has {len(stamps_T)} time stamps: the step is known from two or more")
        unit = "number"
        if stamps_T.dtype.kind == "M":
            months_T, rest_T = _months(stamps_T)
            at_ends = rest_T == _length(months_T) - DAY  # of months of unequal length
            unit = "month" if (rest_T == rest_T[0]).all() or at_ends.all() else "second"
        values, counts = np.unique(np.diff(cls(1, unit).counts(stamps_T)), return_counts=True)
        return cls(int(values[counts.argmax()]), unit)

    def counts(self, stamps_T: Stamps) -> NDArray[np.int64]:
        """Stamps as whole numbers of the unit."""
        return _months(stamps_T)[0] if self.unit == "month" else stamps_T.astype(np.int64)

    def indices(self, stamps_T: Stamps, name: str) -> NDArray[np.int64]:
        """How many steps each stamp is after the first. Raises DataError where one is between two steps."""
        since_T = self.counts(stamps_T) - self.counts(stamps_T[:1])
        between = since_T % self.count != 0
        if between.any():
            raise DataError(
                f"{name}: the time stamp {format_stamp(stamps_T[int(between.argmax())])} is between two steps of "
                f"{self.in_words()} from {format_stamp(stamps_T[0])} on"
            )
        return since_T // self.count

    @property
    def seconds(self) -> float:
        """The length, for months the mean one; 0 for numbers."""
        return self.count * {"month": MONTH, "second": 1.0, "number": 0.0}[self.unit]

    def after(self, stamps_T: Stamps, steps: int, index: int = -1) -> Stamps:
        """The stamps that follow `stamps_T[index]`; at the ends of months if all of them are."""
        ahead = self.count * np.arange(1, steps + 1)
        if self.unit != "month":
            return np.asarray(stamps_T[index] + ahead)
        months_T, rest_T = _months(stamps_T)
        then = months_T[index] + ahead
        at_ends = (rest_T == _length(months_T) - DAY).all()
        return then.astype("M8[M]").astype("M8[s]") + (_length(then) - DAY if at_ends else rest_T[index])

    def cycles(self) -> dict[str, float]:
        """The calendar's cycles that are longer than two steps, in steps."""
        if not self.seconds:
            return {}
        return {name: length / self.seconds for name, length in CYCLES.items() if length > 2 * self.seconds}

    def seasons(self) -> dict[str, int]:
        """The cycles that are a whole number of steps, or almost one, as a year of days is."""
        whole = {name: round(length) for name, length in self.cycles().items()}
        return {name: steps for name, steps in whole.items() if abs(steps - self.cycles()[name]) < 0.01 * steps}

    def format(self, stamp: Any) -> str:
        """A stamp for a person, no finer than the step."""
        if self.unit == "number":
            return str(stamp)
        day, _, time = str(np.datetime64(stamp, "s")).partition("T")
        if self.unit == "month" and day.endswith("-01"):
            return day[:-3]
        whole = self.unit == "month" or self.count % DAY == 0
        return day if whole and time == "00:00:00" else f"{day} {time.removesuffix(':00')}"

    def in_words(self) -> str:
        """`a month`, `15 minutes`: in the largest unit that divides it."""
        length, unit = max((length, unit) for length, unit in UNITS[self.unit].items() if self.count % length == 0)
        if (many := self.count // length) > 1:
            return f"{many} {unit}s"
        return f"an {unit}" if unit == "hour" else f"a {unit}"


def parse(texts: Sequence[str], column: str, rows: Sequence[int] | None = None) -> Stamps:
    """Parse ISO 8601 (1949-01, 2016-07-01, 20160701, 2016-07-01 14:00:00), or whole numbers. Stamps with an offset are
    converted to UTC. Raises DataError, which names the column, and the row by its number in `rows`, or 1, 2, ...
    """
    rows = rows or range(1, len(texts) + 1)
    numbers, dates = (all(form.fullmatch(text.strip()) for text in texts) for form in (_NUMBER, _DATE))
    if texts and numbers and not dates:
        try:
            return np.array([int(text) for text in texts], np.int64)
        except OverflowError:
            raise DataError(f"{column}: {max(texts, key=len)} is too large for a number of steps") from None
    stamps, zoned = np.empty(len(texts), "M8[s]"), np.zeros(len(texts), bool)
    for index, text in enumerate(texts):
        try:
            stamps[index], zoned[index] = _stamp(text.strip())
        except ValueError:
            raise DataError(
                f"row {rows[index]}: {column}={text!r} is not a time stamp such as 2020-01, 2020-01-31 or "
                "2020-01-31 14:00, and not a whole number"
            ) from None
        except _TooFineError:
            raise DataError(f"row {rows[index]}: {column}={text!r} {TOO_FINE}") from None
        if zoned[index] != zoned[0]:
            has, has_not = (index, 0) if zoned[index] else (0, index)
            raise DataError(
                f"row {rows[has]}: {column}={texts[has]!r} has an offset from UTC, and row {rows[has_not]}: "
                f"{column}={texts[has_not]!r} has none: either all of them need one, or none"
            )
    return stamps


def format_stamp(stamp: Any) -> str:
    """A stamp for a person, where the step is not known."""
    return str(stamp).removesuffix("T00:00:00").replace("T", " ")


def dst_hint(stamps_T: Stamps) -> str:
    """The end of an error message, for stamps finer than days."""
    if stamps_T.dtype.kind != "M" or not (stamps_T.astype(np.int64) % DAY).any():
        return ""
    return "; where clocks change in spring and autumn, stamps need their offset from UTC: 2020-03-29 01:00+01:00"


def cycle_features(stamps_T: Stamps, cycles: Sequence[str]) -> NDArray[np.float32]:
    """Sine and cosine of the position of each stamp in each cycle: `[T, 2 * cycles]`."""
    features = np.zeros((len(stamps_T), 2 * len(cycles)), np.float32)
    for index, name in enumerate(cycles):
        # A week begins on Monday, such as 29 December 1969.
        since = stamps_T - np.datetime64("1969-12-29" if name == "week" else "1970-01-01", "s")
        if name == "year":
            since = stamps_T - stamps_T.astype("M8[Y]").astype("M8[s]")
        angle_T = 2 * np.pi * (since.astype(np.int64) / CYCLES[name])
        features[:, 2 * index], features[:, 2 * index + 1] = np.sin(angle_T), np.cos(angle_T)
    return features


class _TooFineError(Exception):
    """A stamp has fractions of a second."""


def _stamp(text: str) -> tuple[np.datetime64, bool]:
    """A stamp, in UTC if it has an offset, and whether it has one."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        if not re.fullmatch(r"\d{4}-\d{2}", text):
            raise
        return np.datetime64(text, "s"), False
    if parsed.microsecond:
        raise _TooFineError
    zoned = parsed.tzinfo is not None
    return np.datetime64(parsed.astimezone(UTC).replace(tzinfo=None) if zoned else parsed, "s"), zoned


def _months(stamps_T: Stamps) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Months since 1970, and the seconds into the month."""
    months_T = stamps_T.astype("M8[M]")
    return months_T.astype(np.int64), (stamps_T - months_T.astype("M8[s]")).astype(np.int64)


def _length(months: NDArray[np.int64]) -> NDArray[np.int64]:
    """The length of months in seconds."""
    begins, ends = ((months + more).astype("M8[M]").astype("M8[s]") for more in (0, 1))
    return (ends - begins).astype(np.int64)
