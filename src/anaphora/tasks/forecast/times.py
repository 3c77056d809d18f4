"""Time stamps at equal steps: read, checked, gone on with, and what the calendar says of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import DataError

Stamps = NDArray[Any]
"""`[T]`, datetime64[s], or whole numbers where time is only counted."""

DAY = 86_400
CYCLES = {"day": DAY, "week": 7 * DAY, "year": 365.2425 * DAY}
"""Their lengths in seconds."""
NAMED = {
    "month": {1: "month", 3: "quarter", 12: "year"},
    "second": {1: "second", 60: "minute", 3_600: "hour", DAY: "day", 7 * DAY: "week"},
    "number": {1: "number"},
}
TOO_FINE = "has fractions of a second, which are not read: count the steps, without time stamps"
MONTH = CYCLES["year"] / 12
_NUMBER = re.compile(r"[+-]?\d+")
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


@dataclass(frozen=True)
class Step:
    """The distance from a stamp to the next: so many months, seconds, or numbers (the keys of NAMED)."""

    count: int
    unit: str

    @classmethod
    def of(cls, stamps_T: Stamps, called: str) -> Self:
        """The one distance of all neighbours, which are in order. Raises DataError where there are several, or none."""
        step = cls.usual(stamps_T, called)
        steps = np.diff(step.counts(stamps_T))
        if (steps == step.count).all():
            return step
        place = int(np.flatnonzero(steps != step.count)[0])
        others = int((steps != step.count).sum()) - 1
        more = f" (and at {others:,} more places)" if others else ""
        here, other = (Step(int(count), step.unit).in_words() for count in (step.count, steps[place]))
        raise DataError(
            f"the time stamps of {called} are not equally far apart: mostly {here}, but from "
            f"{step.shown(stamps_T[place])} to {step.shown(stamps_T[place + 1])} it is {other}{more}; of a file, "
            f"--gaps interpolate fills what is missing, and without --time the rows are counted{clocks(stamps_T)}"
        )

    @classmethod
    def usual(cls, stamps_T: Stamps, called: str) -> Self:
        """The most frequent distance of neighbours. Raises DataError where there is none."""
        if len(stamps_T) < 2:
            raise DataError(f"{called} has {len(stamps_T)} time stamps: two or more show how far they are apart")
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

    def places(self, stamps_T: Stamps, called: str) -> NDArray[np.int64]:
        """How many steps each stamp is after the first. Raises DataError where one lies between two steps."""
        since_T = self.counts(stamps_T) - self.counts(stamps_T[:1])
        between = since_T % self.count != 0
        if between.any():
            raise DataError(
                f"{called}: the time stamp {written(stamps_T[int(between.argmax())])} lies between two steps of "
                f"{self.in_words()} from {written(stamps_T[0])} on"
            )
        return since_T // self.count

    @property
    def seconds(self) -> float:
        """About how long it is; 0 where time is only counted."""
        return self.count * {"month": MONTH, "second": 1.0, "number": 0.0}[self.unit]

    def after(self, stamps_T: Stamps, steps: int, place: int = -1) -> Stamps:
        """The stamps that follow one of those given, the last or that of a `place`; at months' ends if they all are."""
        ahead = self.count * np.arange(1, steps + 1)
        if self.unit != "month":
            return np.asarray(stamps_T[place] + ahead)
        months_T, rest_T = _months(stamps_T)
        then = months_T[place] + ahead
        at_ends = (rest_T == _length(months_T) - DAY).all()
        return then.astype("M8[M]").astype("M8[s]") + (_length(then) - DAY if at_ends else rest_T[place])

    def cycles(self) -> dict[str, float]:
        """The calendar's cycles that are longer than two steps, in steps."""
        if not self.seconds:
            return {}
        return {name: length / self.seconds for name, length in CYCLES.items() if length > 2 * self.seconds}

    def seasons(self) -> dict[str, int]:
        """The cycles that are a whole number of steps, or nearly, as a year is of days."""
        whole = {name: round(length) for name, length in self.cycles().items()}
        return {name: steps for name, steps in whole.items() if abs(steps - self.cycles()[name]) < 0.01 * steps}

    def shown(self, stamp: Any) -> str:
        """A stamp as people write it: no finer than the step."""
        if self.unit == "number":
            return str(stamp)
        day, _, time = str(np.datetime64(stamp, "s")).partition("T")
        if self.unit == "month" and day.endswith("-01"):
            return day[:-3]
        whole = self.unit == "month" or self.count % DAY == 0
        return day if whole and time == "00:00:00" else f"{day} {time.removesuffix(':00')}"

    def in_words(self) -> str:
        """`a month`, `15 minutes`: in the longest unit that it is a whole number of."""
        length, unit = max((length, unit) for length, unit in NAMED[self.unit].items() if self.count % length == 0)
        if (many := self.count // length) > 1:
            return f"{many} {unit}s"
        return f"an {unit}" if unit == "hour" else f"a {unit}"


def parse(texts: Sequence[str], called: str, rows: Sequence[int] | None = None) -> Stamps:
    """Stamps of ISO 8601 (1949-01, 2016-07-01, 20160701, 2016-07-01 14:00:00), or whole numbers. Those with an offset
    from UTC are taken in UTC. Raises DataError, which names the column as it is `called`, and the row: by the numbers
    in `rows`, or 1, 2, ...
    """
    rows = rows or range(1, len(texts) + 1)
    numbers, dates = (all(form.fullmatch(text.strip()) for text in texts) for form in (_NUMBER, _DATE))
    if texts and numbers and not dates:
        try:
            return np.array([int(text) for text in texts], np.int64)
        except OverflowError:
            raise DataError(f"{called}: {max(texts, key=len)} is too large a number to count steps by") from None
    stamps, zoned = np.empty(len(texts), "M8[s]"), np.zeros(len(texts), bool)
    for place, text in enumerate(texts):
        try:
            stamps[place], zoned[place] = _stamp(text.strip())
        except ValueError:
            raise DataError(
                f"row {rows[place]}: {called}={text!r} is no time stamp: 2020-01, 2020-01-31, 2020-01-31 14:00 "
                "or whole numbers are read"
            ) from None
        except _TooFineError:
            raise DataError(f"row {rows[place]}: {called}={text!r} {TOO_FINE}") from None
        if zoned[place] != zoned[0]:
            has, has_not = (place, 0) if zoned[place] else (0, place)
            raise DataError(
                f"row {rows[has]}: {called}={texts[has]!r} has an offset from UTC, and row {rows[has_not]}: "
                f"{called}={texts[has_not]!r} has none: give all of them one, or none"
            )
    return stamps


def written(stamp: Any) -> str:
    """A stamp whose step is not known, as people write it."""
    return str(stamp).removesuffix("T00:00:00").replace("T", " ")


def clocks(stamps_T: Stamps) -> str:
    """What else may be wrong where stamps are finer than days."""
    if stamps_T.dtype.kind != "M" or not (stamps_T.astype(np.int64) % DAY).any():
        return ""
    return "; where clocks were changed, stamps want their offset from UTC, as in 2020-03-29 01:00+01:00"


def cycle_features(stamps_T: Stamps, cycles: Sequence[str]) -> NDArray[np.float32]:
    """Sine and cosine of where each stamp stands in each cycle: `[T, 2 * cycles]`."""
    features = np.zeros((len(stamps_T), 2 * len(cycles)), np.float32)
    for place, name in enumerate(cycles):
        # A week begins with a Monday, as that of 29 December 1969 did.
        since = stamps_T - np.datetime64("1969-12-29" if name == "week" else "1970-01-01", "s")
        if name == "year":
            since = stamps_T - stamps_T.astype("M8[Y]").astype("M8[s]")
        angle_T = 2 * np.pi * (since.astype(np.int64) / CYCLES[name])
        features[:, 2 * place], features[:, 2 * place + 1] = np.sin(angle_T), np.cos(angle_T)
    return features


class _TooFineError(Exception):
    """A stamp has fractions of a second."""


def _stamp(text: str) -> tuple[np.datetime64, bool]:
    """A stamp, in UTC where it says its offset, and whether it does."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        if not re.fullmatch(r"\d{4}-\d{2}", text):
            raise
        return np.datetime64(text, "s"), False
    if read.microsecond:
        raise _TooFineError
    zoned = read.tzinfo is not None
    return np.datetime64(read.astimezone(UTC).replace(tzinfo=None) if zoned else read, "s"), zoned


def _months(stamps_T: Stamps) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Months since 1970, and the seconds into the month."""
    months_T = stamps_T.astype("M8[M]")
    return months_T.astype(np.int64), (stamps_T - months_T.astype("M8[s]")).astype(np.int64)


def _length(months: NDArray[np.int64]) -> NDArray[np.int64]:
    """The seconds of months."""
    begins, ends = ((months + more).astype("M8[M]").astype("M8[s]") for more in (0, 1))
    return (ends - begins).astype(np.int64)
