"""The commands of forecasters: train, predict, evaluate."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import pytest

from anaphora import load

QUICK = ("--horizon", 4, "--lookback", 8, "--hidden-size", 8, "--steps", 40)
COLUMNS = ("--time", "month", "--value", "sold", "--group", "shop")


def rows(months: int) -> list[list[str]]:
    lines = []
    for i in range(months):
        for shop, size in (("a", 1), ("b", 100)):
            value = size * (20 + 5 * math.sin(math.pi * i / 6) + 0.1 * i)
            lines.append([f"{2000 + i // 12}-{i % 12 + 1:02d}", shop, f"{value:.3f}"])
    return lines


def write(file: Path, lines: list[list[str]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["month", "shop", "sold"], *lines])
    return file


@pytest.fixture
def sales(tmp_path: Path) -> Path:
    return write(tmp_path / "sales.csv", rows(100))


@pytest.fixture
def forecaster(run: Any, sales: Path, tmp_path: Path) -> Path:
    out = tmp_path / "model"
    done = run("train", "forecast", sales, *COLUMNS, *QUICK, "--out", out)
    assert done.code == 0, done.err
    return out


def test_a_file_becomes_a_model_with_scores_baselines_and_a_page(run: Any, sales: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    done = run("train", "forecast", sales, *COLUMNS, *QUICK, "--out", out)
    assert done.code == 0, done.err
    assert "2 series of 100 values, 2000-01" in done.err
    assert f"anaphora predict {out} --file {sales}" in done.err
    for name in ("network", "last", "seasonal", "linear"):
        assert f"\n{name} " in done.out
    facts = json.loads((out / "config.json").read_text(encoding="utf-8"))["training"]
    assert facts["test"]["windows"] == 2 * 17
    assert facts["season"] == 12
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 5  # errors by step, learning, three windows
    assert facts["test"]["verdict"].split(":")[0] in page


def test_predict_continues_the_series(run: Any, forecaster: Path, sales: Path, tmp_path: Path) -> None:
    report = tmp_path / "next.html"
    done = run("predict", forecaster, "--file", sales, "--report", report)
    assert done.code == 0, done.err
    predicted = list(csv.DictReader(done.out.splitlines()))
    assert [row["month"] for row in predicted] == ["2008-05", "2008-06", "2008-07", "2008-08"] * 2
    assert [row["series"] for row in predicted] == ["a"] * 4 + ["b"] * 4
    assert list(predicted[0]) == ["series", "month", "mean", "q0.1", "q0.25", "q0.5", "q0.75", "q0.9"]
    assert 10 < float(predicted[0]["q0.5"]) < 60
    assert 1_000 < float(predicted[4]["mean"]) < 6_000
    assert report.read_text(encoding="utf-8").count("<svg") == 2
    out = tmp_path / "next.jsonl"
    assert run("predict", forecaster, "--file", sales, "--out", out).code == 0
    assert json.loads(out.read_text(encoding="utf-8").splitlines()[0])["month"] == "2008-05"


def test_scores_and_facts_are_json_where_the_windows_are_too_few(run: Any, forecaster: Path, sales: Path) -> None:
    def no_json(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    done = run("evaluate", forecaster, write(sales.with_name("few.csv"), rows(105)), "--begin", "2008-05", "--json")
    assert done.code == 0, done.err
    scores = json.loads(done.out, parse_constant=no_json)
    assert {(test["low"], test["high"]) for test in scores["comparison"].values()} == {(None, None)}
    assert "too few" in scores["verdict"]
    json.loads(run("inspect", forecaster, "--json").out, parse_constant=no_json)


def test_a_page_of_many_series_draws_the_first(run: Any, forecaster: Path, sales: Path, tmp_path: Path) -> None:
    one = [row for row in rows(30) if row[1] == "a"]
    many = write(tmp_path / "many.csv", [[month, f"shop {k}", sold] for k in range(31) for month, _, sold in one])
    report = tmp_path / "next.html"
    done = run("predict", forecaster, "--file", many, "--report", report)
    assert len(done.out.splitlines()) == 1 + 31 * 4
    page = report.read_text(encoding="utf-8")
    assert page.count("<svg") == 30
    assert "31 series, the first 30 of which are drawn" in page
    assert "The darkest band is the 50% prediction interval, the whole fan the 80% interval" in page


def test_evaluate_scores_values_after_the_training(run: Any, forecaster: Path, sales: Path) -> None:
    longer = write(sales.with_name("longer.csv"), rows(140))
    done = run("evaluate", forecaster, longer, "--json")
    assert done.code == 0, done.err
    scores = json.loads(done.out)
    assert scores["windows"] == 2 * (60 - 3)  # the training read 80 of the 100 months
    assert set(scores["baselines"]) == {"last", "seasonal", "linear"}
    later = json.loads(run("evaluate", forecaster, longer, "--begin", "2011-01", "--json").out)
    assert later["windows"] == 2 * (8 - 3)
    shown = run("evaluate", forecaster, longer)
    assert scores["verdict"] in shown.out.replace("\n", " ")


def test_the_parts_may_begin_at_time_stamps(run: Any, sales: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    parts = ("--valid-from", "2006-01", "--test-from", "2007-01")
    done = run("train", "forecast", sales, *COLUMNS, *QUICK, *parts, "--out", out)
    assert done.code == 0, done.err
    training = load(out).bundle_.training
    assert training["test"]["windows"] == 2 * (16 - 3)
    assert training["validation_windows"] == 2 * (12 - 3)
    assert training["values"] == 2 * 72


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (("--value", "sold", "--horizon", 0), "horizon=0 is out of range"),
        (("--value", "solt"), "did you mean 'sold'"),
        (("--value", "shop"), "row 1: shop is 'a', which is not a number"),
        (
            ("--value", "sold", "--time", "month"),
            "more than once; name the column that distinguishes the series (--group)",
        ),
        (("--value", "sold", "--value", "sold"), "are not all different"),
        (("--value", "sold", "--time", "sold", "--group", "shop"), "are not all different"),
        (("--value", "sold", "--time", "month", "--group", "shop", "--lookback", 90), "lookback=90"),
        ((*COLUMNS, "--test-from", "soon"), "'soon' is not a time stamp such as 2000-01-01"),
        ((*COLUMNS, "--test-from", "1999-01"), "test_from=1999-01: a begins with 2000-01-01, so nothing is before it"),
        (
            (*COLUMNS, "--test-from", "2031-01"),
            "no value is at or after it; the last one is at 2008-04-01",
        ),
        ((*COLUMNS, "--valid-from", "1999-01"), "valid_from=1999-01: a begins with 2000-01-01"),
        (
            (*COLUMNS, "--valid-from", "2007-06"),
            "valid_from=2007-06: no value is at or after it",
        ),  # held out of the training
    ],
)
def test_mistakes_are_reported_in_a_line(
    run: Any, sales: Path, tmp_path: Path, given: tuple[Any, ...], match: str
) -> None:
    done = run("train", "forecast", sales, *given, "--out", tmp_path / "model")
    assert done.code == 2
    assert match in done.err
    assert "Traceback" not in done.err


def test_what_a_forecaster_cannot_do_is_reported(run: Any, forecaster: Path, sales: Path, saved: Path) -> None:
    earlier = write(sales.with_name("earlier.csv"), rows(70))
    for arguments, match in (
        (("predict", forecaster, "a text"), "is a forecaster: name the file"),
        (("predict", saved, "a text", "--report", "x.html"), "--report is not for"),
        (("evaluate", forecaster, sales, "--label", "sold"), "--label is not for"),
        (("evaluate", saved, sales, "--begin", "2001-01"), "--begin is not for"),
        (("evaluate", forecaster, sales, "--begin", "2008-03"), "fits: there are 2 values to forecast, and 12 or more"),
        (("evaluate", forecaster, sales, "--begin", "2009-01"), "has no value from 2009-01 on\n"),
        (("evaluate", forecaster, earlier), "has no value from 2006-09 on, where"),
        (("generate", forecaster), "writes nothing"),
    ):
        done = run(*arguments)
        assert done.code == 2, arguments
        assert match in done.err
