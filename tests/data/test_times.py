"""Time stamps: parsing, steps, continuing, and calendar features."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import DataError
from anaphora.tasks.forecast.times import DAY, Step, cycle_features, parse


def stamps(*texts: str) -> np.ndarray:
    return parse(texts, "time")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1949-01", "1949-01-01T00:00:00"),
        ("2016-07-01", "2016-07-01T00:00:00"),
        (" 2016-07-01 14:30:05", "2016-07-01T14:30:05"),
        ("2016-07-01T14:30:00Z", "2016-07-01T14:30:00"),
        ("2016-07-01T14:30:00+02:00", "2016-07-01T12:30:00"),
    ],
)
def test_a_stamp_is_read_to_the_second(text: str, read: str) -> None:
    assert stamps(text)[0] == np.datetime64(read)


def test_whole_numbers_are_counts() -> None:
    assert stamps("3", "4", "5").tolist() == [3, 4, 5]


@pytest.mark.parametrize("text", ["", "yesterday", "2016-13-01", "01/02/2020", "12.5"])
def test_a_wrong_stamp_is_reported_with_its_row(text: str) -> None:
    with pytest.raises(DataError, match=r"row 2: month='.*' is not a time stamp such as 2020-01, 2020-01-31"):
        parse(["2020-01-01", text], "month")


@pytest.mark.parametrize(
    ("texts", "step", "words"),
    [
        (("2020-01", "2020-02", "2020-03"), Step(1, "month"), "a month"),
        (("2020-01-31", "2020-02-29", "2020-03-31"), Step(1, "month"), "a month"),
        (("2020-01-15", "2020-04-15"), Step(3, "month"), "a quarter"),
        (("2019-01-01", "2020-01-01", "2021-01-01"), Step(12, "month"), "a year"),
        (("2020-02-28", "2020-02-29", "2020-03-01"), Step(DAY, "second"), "a day"),
        (("2020-01-01 00:00", "2020-01-01 01:00"), Step(3600, "second"), "an hour"),
        (("1", "3", "5"), Step(2, "number"), "2 numbers"),
        (("2020-01-01 00:00", "2020-01-01 00:15"), Step(900, "second"), "15 minutes"),
    ],
)
def test_the_step_is_recognised(texts: tuple[str, ...], step: Step, words: str) -> None:
    assert Step.of(stamps(*texts), "x") == step
    assert step.in_words() == words


def test_unequal_steps_are_refused_where_they_are() -> None:
    with pytest.raises(
        DataError,
        match=r"of air.csv are not equally far apart: mostly a day, but from 2020-01-02 to 2020-01-04 it is 2 days",
    ):
        Step.of(stamps("2020-01-01", "2020-01-02", "2020-01-04", "2020-01-05", "2020-01-06"), "air.csv")
    with pytest.raises(DataError, match=r"mostly a month, but from 1949-02 to 1949-04 it is 2 months"):
        Step.of(stamps("1949-01", "1949-02", "1949-04", "1949-05"), "air.csv")
    with pytest.raises(DataError, match="1 time stamps: the step is known from two or more"):
        Step.of(stamps("1949-01"), "air.csv")


@given(st.integers(1, 36), st.integers(0, 600), st.sampled_from([0, 14 * DAY, "end"]))
def test_stamps_continue_at_the_same_step(count: int, first: int, into: int | str) -> None:
    begins = (first + count * np.arange(8)).astype("M8[M]")
    if into == "end":
        stamps_T = (begins + 1).astype("M8[s]") - DAY
    else:
        stamps_T = begins.astype("M8[s]") + into
    step = Step.of(stamps_T[:4], "x")
    np.testing.assert_array_equal(step.after(stamps_T[:4], 4), stamps_T[4:])


def test_stamps_after_the_end_of_a_short_month_keep_the_day() -> None:
    """That February ends on the 28th does not make the 28th the end of months."""
    step, stamps_T = Step(1, "month"), stamps("2018-12-28", "2019-01-28", "2019-02-28")
    np.testing.assert_array_equal(step.after(stamps_T, 2), stamps("2019-03-28", "2019-04-28"))
    np.testing.assert_array_equal(step.after(stamps_T[::-1], 2, 0), stamps("2019-03-28", "2019-04-28"))


def test_wrong_stamps_are_reported() -> None:
    with pytest.raises(DataError, match="row 7: day='soon' is not a time stamp"):
        parse(["2020-01-01", "soon"], "day", [3, 7])
    with pytest.raises(DataError, match="12345678901234567890 is too large for a number"):
        parse(["1", "12345678901234567890"], "step")
    with pytest.raises(DataError, match=r"row 2: time='2020-01-01 00:00:00.1' has fractions of a second"):
        parse(["2020-01-01 00:00:00", "2020-01-01 00:00:00.1"], "time")


@given(st.integers(1, 10**6), st.integers(-(10**9), 10**9))
def test_seconds_continue_as_seconds(count: int, first: int) -> None:
    stamps_T = np.array([first + count * i for i in range(6)], "M8[s]")
    step = Step.of(stamps_T[:3], "x")
    np.testing.assert_array_equal(step.after(stamps_T[:3], 3), stamps_T[3:])


def test_cycles_and_seasons_are_those_of_the_calendar() -> None:
    assert Step(1, "month").seasons() == {"year": 12}
    assert Step(DAY, "second").seasons() == {"week": 7, "year": 365}
    assert Step(3600, "second").seasons() == {"day": 24, "week": 168, "year": 8766}
    assert Step(5, "number").seasons() == {}
    assert set(Step(DAY, "second").cycles()) == {"week", "year"}


def test_the_position_in_a_cycle() -> None:
    monday = stamps("2026-11-23 00:00", "2026-11-23 06:00", "2026-11-30 00:00")
    features = cycle_features(monday, ("day", "week"))
    np.testing.assert_allclose(features[0], [0, 1, 0, 1], atol=1e-6)
    np.testing.assert_allclose(features[1, :2], [1, 0], atol=1e-6)
    np.testing.assert_allclose(features[2, 2:], [0, 1], atol=1e-6)
    january = cycle_features(stamps("1949-01", "1972-01"), ("year",))
    np.testing.assert_allclose(january, [[0, 1], [0, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("step", "stamp", "shown"),
    [
        (Step(1, "month"), "1949-01", "1949-01"),
        (Step(1, "month"), "2020-01-31", "2020-01-31"),
        (Step(DAY, "second"), "1981-01-01", "1981-01-01"),
        (Step(3600, "second"), "2016-07-01 14:00", "2016-07-01 14:00"),
        (Step(1, "number"), "7", "7"),
    ],
)
def test_a_stamp_is_shown_no_finer_than_its_step(step: Step, stamp: str, shown: str) -> None:
    assert step.format(stamps(stamp)[0]) == shown


def test_days_may_be_written_without_dashes() -> None:
    assert stamps("20200131", "20200201").tolist() == stamps("2020-01-31", "2020-02-01").tolist()
    assert stamps("20200131", "20201301").tolist() == [20200131, 20201301]  # then they are numbers


@pytest.mark.parametrize("texts", [("2020-01-01 00:00", "2020-01-01T01:00Z"), ("2020-01-01T00:00+01:00", "2020-01-01")])
def test_all_stamps_have_an_offset_or_none(texts: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"has an offset from UTC, and row \d: time='2020-01-01.*' has none"):
        stamps(*texts)
