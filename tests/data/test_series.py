"""Series from files and arrays."""

from pathlib import Path

import numpy as np
import pytest

from anaphora.errors import DataError, UnknownColumn
from anaphora.tasks.forecast.series import from_arrays, read_series


def written(folder: Path, *lines: str) -> Path:
    file = folder / "sales.csv"
    file.write_text("\n".join(("day,shop,sold,price", *lines)) + "\n", encoding="utf-8")
    return file


def read(file: Path, **given: tuple[str, ...]):
    return read_series(file, "day", ("sold",), **given)


def test_each_group_is_a_series_and_last_rows_are_future_steps(tmp_path: Path) -> None:
    file = written(
        tmp_path, "2020-01-02,b,4,1", "2020-01-01,a,1,9", "2020-01-01,b,3,1", "2020-01-02,a,2,9", "2020-01-03,a,,7"
    )
    first, second = read(file, groups=("shop",), covariates=("price",))
    assert (first.name, second.name) == ("b", "a")
    assert first.values_T.tolist() == [3, 4]  # in the order of their stamps
    assert second.values_T.tolist() == [1, 2]
    assert second.known_AX[:, 0].tolist() == [9, 9, 7]
    assert len(second.stamps_A) == 3


def test_each_value_column_is_a_series(tmp_path: Path) -> None:
    file = written(tmp_path, "2020-01-01,a,1,9", "2020-01-02,a,2,8")
    assert [one.name for one in read_series(file, "day", ("sold", "price"))] == ["sold", "price"]
    assert [one.name for one in read_series(file, "day", ("sold", "price"), ("shop",))] == ["a: sold", "a: price"]


def test_without_stamps_the_rows_are_counted(tmp_path: Path) -> None:
    (one,) = read_series(written(tmp_path, "x,a,1,9", "x,a,2,8"), None, ("sold",))
    assert one.stamps_A.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (
            ["2020-01-01,a,1,1", "2020-01-01,b,2,1"],
            r"time stamp 2020-01-01.* more than once; name the column .* \(--group\)",
        ),
        (["2020-01-01,a,1,1", "2020-01-02,a,2,1", "2020-01-04,a,2,1", "2020-01-05,a,2,1"], "not equally far apart"),
        (
            ["2020-01-01,a,1,1", "2020-01-02,a,,1", "2020-01-03,a,3,1"],
            "row 2: sold is missing; every step needs a number",
        ),
        (["2020-01-01,a,one,1", "2020-01-02,a,2,1"], "row 1: sold is 'one', which is not a number"),
        (["2020-01-01,a,nan,1", "2020-01-02,a,2,1"], "row 1: sold is 'nan'; every step needs a number: --gaps"),
        (["2020-01-01,a,n/a,1", "2020-01-02,a,2,1"], "row 1: sold is 'n/a', which is not a number$"),
        (["2020-01-01,a,1,1", "2020-01-02,a,inf,1"], "row 2: sold is inf; a finite number"),
        (["2020-01-01,a,1,1", "2020-01-02,a,2,"], "row 2: price is missing"),
        (["2020-01-01,a,,1", "2020-01-02,a,,1"], "has no value of 'sold'"),
        (["soon,a,1,1", "2020-01-02,a,2,1"], "row 1: day='soon' is not a time stamp"),
        ([], "has a header but no rows"),
    ],
)
def test_bad_rows_are_named(lines: list[str], match: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=match):
        read(written(tmp_path, *lines), covariates=("price",))


def test_a_wrong_column_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UnknownColumn, match="did you mean 'sold'"):
        read_series(written(tmp_path, "2020-01-01,a,1,1"), "day", ("solt",))


def test_arrays_of_every_shape() -> None:
    assert [one.name for one in from_arrays([1, 2, 3])] == ["series"]
    assert [one.name for one in from_arrays(np.ones((4, 2)))] == ["series 1 of 2", "series 2 of 2"]
    assert [len(one) for one in from_arrays([[1, 2, 3], [4, 5]])] == [3, 2]
    assert [one.name for one in from_arrays({"a": [1, 2], "b": [3, 4, 5]})] == ["a", "b"]


def test_a_name_without_a_key_has_the_number_of_series() -> None:
    assert [one.name for one in from_arrays([np.ones(4)])] == ["series"]
    assert [one.name for one in from_arrays([np.ones(4), np.ones(3)])] == ["series 1 of 2", "series 2 of 2"]
    names = [one.name for one in from_arrays({"a": np.ones((4, 2)), "a 1": np.ones(4)})]
    assert names == ["a 1 of 2", "a 2 of 2", "a 1"]


def test_groups_whose_names_look_alike_are_not_mixed(tmp_path: Path) -> None:
    file = tmp_path / "two.csv"
    file.write_text('day,shop,town,sold\n1,"a, b",c,1\n2,"a, b",c,2\n3,a,"b, c",3\n4,a,"b, c",4\n')
    series = read_series(file, "day", ["sold"], ["shop", "town"])
    assert [one.values_T.tolist() for one in series] == [[1, 2], [3, 4]]


def test_covariates_reach_beyond_the_values_and_the_stamps_with_them() -> None:
    (one,) = from_arrays([1, 2, 3], ["2020-01", "2020-02", "2020-03"], [5, 6, 7, 8])
    assert one.known_AX[:, 0].tolist() == [5, 6, 7, 8]
    assert str(one.stamps_A[3])[:7] == "2020-04"


@pytest.mark.parametrize(
    ("values", "given", "match"),
    [
        ([], {}, "has the shape"),
        (np.ones((2, 2, 2)), {}, r"has the shape \(2, 2, 2\)"),
        ({}, {}, "there is no series"),
        ([1, "x"], {}, "cannot be read as an array of numbers"),
        ([1, float("nan"), 3], {}, "the value of step 1 is nan"),
        ([1, float("inf"), 3], {}, "the value of step 1 is inf"),
        ([1, 2, 3], {"covariates": [1, 2]}, r"have the shape \(2, 1\): \[A, X\] with A at least 3"),
        ([1, 2, 3], {"covariates": [1, 2, float("nan")]}, "the covariate of step 2"),
        ([1, 2, 3], {"stamps": ["2020-01", "2020-02"]}, "3 values and 2 time stamps"),
        ([1, 2], {"stamps": ["2020-02", "2020-01"]}, "put them in order"),
        (
            [1, 2, 3],
            {"stamps": np.array(["2020-01", "NaT", "2020-03"], "M8[M]")},
            "the time stamp of step 1 is missing",
        ),
        (
            [1, 2, 3],
            {"stamps": ["2020-01", "2020-02", np.datetime64("NaT")]},
            "row 3: the time stamp='NaT' is not a time",
        ),
    ],
)
def test_bad_arrays_are_refused(values, given, match: str) -> None:
    with pytest.raises(DataError, match=match):
        from_arrays(values, **given)


def test_an_index_is_a_number_or_a_stamp() -> None:
    (one,) = from_arrays([1, 2, 3, 4], ["2020-01", "2020-02", "2020-03", "2020-04"])
    assert (one.index_of(2), one.index_of("2020-03"), one.index_of("2020-02-15"), one.index_of("2021-01")) == (
        2,
        2,
        2,
        4,
    )
    assert from_arrays([1, 2, 3])[0].index_of(np.int64(9)) == 3
    with pytest.raises(DataError, match="is not a time stamp"):
        one.index_of("soon")
    for wrong in (True, np.True_, -1, np.int64(-12)):
        with pytest.raises(
            DataError, match=rf"^{wrong!s} is not a position in series: a time stamp such as 2020-01-01, or"
        ):
            one.index_of(wrong)
    with pytest.raises(DataError, match="of another kind"):
        from_arrays([1, 2, 3])[0].index_of("2020-01")


def test_gaps_are_interpolated_on_request(tmp_path: Path) -> None:
    file = written(
        tmp_path, "2020-01-01,a,1,1", "2020-01-02,a,NA,3", "2020-01-03,a,3,", "2020-01-06,a,9,9", "2020-01-07,a,,4"
    )
    (one,) = read_series(file, "day", ("sold",), covariates=("price",), gaps="interpolate")
    assert one.values_T.tolist() == [1, 2, 3, 5, 7, 9]
    assert one.known_AX[:, 0] == pytest.approx([1, 3, 4.5, 6, 7.5, 9, 4])
    assert [str(stamp)[:10] for stamp in one.stamps_A[[0, 3, 6]]] == ["2020-01-01", "2020-01-04", "2020-01-07"]


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (["2020-01-01,a,NA,1", "2020-01-02,a,2,1", "2020-01-03,a,3,1"], "sold has no number in the first step"),
        (["2020-01-01,a,1,1", "2020-01-02,a,2,1", "2020-01-03,a,,"], "price has no number in the last step"),
    ],
)
def test_nothing_is_extrapolated_before_the_first_number_or_after_the_last(
    rows: list[str], match: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=match):
        read_series(written(tmp_path, *rows), "day", ("sold",), covariates=("price",), gaps="interpolate")


@pytest.mark.parametrize("missing", ["", "NA", "nan", "None"])
def test_rows_without_a_value_at_the_end_are_future_steps(missing: str, tmp_path: Path) -> None:
    rows = ["2020-01-01,a,1,1", "2020-01-02,a,2,1", f"2020-01-03,a,{missing},7"]
    (one,) = read_series(written(tmp_path, *rows), "day", ("sold",), covariates=("price",))
    assert (len(one), one.known_AX[:, 0].tolist()) == (2, [1, 1, 7])


def test_a_stamp_between_two_steps_is_no_gap(tmp_path: Path) -> None:
    file = written(tmp_path, "2020-01-01,a,1,1", "2020-01-02,a,2,1", "2020-01-03,a,3,1", "2020-01-03 12:00,a,4,1")
    with pytest.raises(DataError, match="2020-01-03 12:00:00 is between two steps of a day"):
        read_series(file, "day", ("sold",), gaps="interpolate")


def test_where_clocks_were_changed_offsets_are_asked_for(tmp_path: Path) -> None:
    hours = [f"2020-10-25 {hour:02d}:00,a,1,1" for hour in (0, 1, 2, 2, 3)]
    with pytest.raises(DataError, match=r"02:00:00 more than once; .*clocks change .*, stamps need their offset"):
        read(written(tmp_path, *hours))
    spring = [f"2020-03-29 {hour:02d}:00,a,1,1" for hour in (0, 1, 3, 4, 5)]
    with pytest.raises(DataError, match=r"it is 2 hours; .*clocks change"):
        read(written(tmp_path, *spring))
    offsets = ["00:00+01:00", "01:00+01:00", "03:00+02:00", "04:00+02:00"]
    (one,) = read(written(tmp_path, *(f"2020-03-29T{hour},a,1,1" for hour in offsets)))
    assert (np.diff(one.stamps_A) == np.timedelta64(1, "h")).all()


def test_the_error_for_business_days_has_a_way_out(tmp_path: Path) -> None:
    days = [f"2020-01-{day:02d},a,1,1" for day in (1, 2, 3, 6, 7, 8)]
    with pytest.raises(DataError, match=r"it is 3 days; .* without --time the rows are counted$"):
        read(written(tmp_path, *days))


def test_text_is_not_interpolated(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"sold is 'many', which is not a number$"):
        read(written(tmp_path, "2020-01-01,a,many,1", "2020-01-02,a,2,1"), gaps="interpolate")


def test_covariates_are_of_each_series_or_of_all() -> None:
    named = {"a": [1, 2], "b": [3, 4]}
    for values, given, expected in (
        (named, [7, 8, 9], [[7, 8, 9], [7, 8, 9]]),
        (named, {"b": [1, 2], "a": [5, 6]}, [[5, 6], [1, 2]]),
        ([[1, 2], [3, 4]], [[5, 6], [7, 8, 9]], [[5, 6], [7, 8, 9]]),
        ([[1, 2], [3, 4]], [7, 8], [[7, 8], [7, 8]]),
    ):
        assert [one.known_AX[:, 0].tolist() for one in from_arrays(values, covariates=given)] == expected
    with pytest.raises(DataError, match="no covariates of 'b', only of 'a'"):
        from_arrays(named, covariates={"a": [1, 2]})
    with pytest.raises(DataError, match="covariates of 1 series, and none of series 2"):
        from_arrays([[1, 2], [3, 4]], covariates=[[1, 2]])
