"""`anaphora train sequences`, and evaluate, predict and inspect of its models."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anaphora import SequenceClassifier, SequenceRegressor, load

Run = Callable[..., Any]
RNG = np.random.default_rng(0)
ROWS = [RNG.normal(0, 1, (length, 2)) for length in RNG.integers(2, 6, 40)]
SIDES = ["above" if row[:, 0].mean() > 0 else "below" for row in ROWS]
SUMS = [float(row.sum()) for row in ROWS]
QUICK = ("--hidden-size", "8", "--epochs", "20", "--learning-rate", "0.02", "--batch-size", "16")
COLUMNS = ("--id", "device", "--value", "a", "--value", "b", "--target", "y")
HEAD = "device,time,a,b,y"


def write(file: Path, targets: list[list[Any]]) -> Path:
    """A table with a row for each step; `targets` holds those of each row."""
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(HEAD.split(","))
        for index, (row, of_row) in enumerate(zip(ROWS, targets, strict=True)):
            rows.writerows([f"d{index}", t, *step, y] for t, (step, y) in enumerate(zip(row, of_row, strict=True)))
    return file


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    return write(tmp_path / "labels.csv", [[side] * len(row) for side, row in zip(SIDES, ROWS, strict=True)])


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """The target is in the last row of each sequence only."""
    return write(tmp_path / "numbers.csv", [[*[""] * (len(row) - 1), y] for row, y in zip(ROWS, SUMS, strict=True)])


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    return write(tmp_path / "steps.csv", [np.where(row[:, 0] > 0, "on", "off").tolist() for row in ROWS])


def answers(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_labels_of_sequences(run: Run, labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    done = run("train", "sequences", labels, *COLUMNS, "--out", folder, *QUICK)
    assert done.code == 0, done
    assert "40 sequences of 2 to 5 steps" in done.err
    assert "--output label" in done.err
    assert "test rows" in done.out
    model = load(folder)
    assert isinstance(model, SequenceClassifier)
    assert model.score(ROWS, SIDES) > 0.8
    assert "Confusion matrix" in (folder / "report.html").read_text(encoding="utf-8")

    scores = json.loads(run("evaluate", folder, labels, "--json").out)
    assert scores["n"] == 40
    assert scores["accuracy"] == model.score(ROWS, SIDES)
    assert set(scores["baselines"]) == {"majority", "linear"}
    shown = run("evaluate", folder, labels, "--report", tmp_path / "page.html")
    assert "macro F1" in shown.out

    given = answers(run("predict", folder, "--file", labels).out)
    assert list(given[0]) == ["device", "predicted", "probability"]
    assert [row["device"] for row in given] == [f"d{index}" for index in range(40)]
    assert [row["predicted"] for row in given] == model.predict(ROWS).tolist()
    assert "sequences" in run("inspect", folder).out


def test_numbers_of_sequences(run: Run, numbers: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    done = run("train", "sequences", numbers, *COLUMNS, "--out", folder, *QUICK)
    assert done.code == 0, done
    assert "--output number" in done.err
    assert "RMSE" in done.out
    model = load(folder)
    assert isinstance(model, SequenceRegressor)
    assert "Predicted against true" in (folder / "report.html").read_text(encoding="utf-8")
    assert json.loads(run("evaluate", folder, numbers, "--json").out)["r2"] == pytest.approx(model.score(ROWS, SUMS))
    run("predict", folder, "--file", numbers, "--out", tmp_path / "out.csv")
    given = answers((tmp_path / "out.csv").read_text(encoding="utf-8"))
    assert list(given[0]) == ["device", "predicted"]
    assert [float(row["predicted"]) for row in given] == pytest.approx(model.predict(ROWS).tolist())


def test_labels_of_steps_sorted_by_a_column(run: Run, steps: Path, tmp_path: Path) -> None:
    head, *lines = steps.read_text(encoding="utf-8").splitlines()
    mixed = tmp_path / "mixed.csv"
    mixed.write_text("\n".join([head, *lines[::-1]]) + "\n", encoding="utf-8")
    folder = tmp_path / "model"
    done = run("train", "sequences", mixed, *COLUMNS, "--order", "time", "--targets", "step", "--out", folder, *QUICK)
    assert done.code == 0, done
    assert "test steps" in done.out
    given = answers(run("predict", folder, "--file", mixed).out)
    assert list(given[0]) == ["device", "time", "predicted", "probability"]
    expected = load(folder).predict(ROWS)
    by_device = {f"d{index}": of_row.tolist() for index, of_row in enumerate(expected)}
    assert len(given) == sum(map(len, ROWS))
    assert all(row["predicted"] == by_device[row["device"]][int(row["time"])] for row in given)


@pytest.mark.parametrize("ragged", [True, False])
@pytest.mark.parametrize("targets", ["row", "step"])
def test_arrays(run: Run, tmp_path: Path, ragged: bool, targets: str) -> None:
    rows = ROWS if ragged else [row[:2] for row in ROWS]
    y: Any = [row.sum(1) for row in rows] if targets == "step" else [row.sum() for row in rows]
    y = np.concatenate(y) if targets == "step" and ragged else np.array(y)
    arrays = {"x": np.concatenate(rows), "lengths": np.array(list(map(len, rows)))} if ragged else {"x": np.stack(rows)}
    np.savez(tmp_path / "arrays.npz", y=y, **arrays)
    folder = tmp_path / "model"
    done = run("train", "sequences", tmp_path / "arrays.npz", "--targets", targets, "--out", folder, *QUICK)
    assert done.code == 0, done
    scores = json.loads(run("evaluate", folder, tmp_path / "arrays.npz", "--json").out)
    assert scores["n"] == (sum(map(len, rows)) if targets == "step" else 40)
    given = answers(run("predict", folder, "--file", tmp_path / "arrays.npz").out)
    assert list(given[0]) == (["row", "step", "predicted"] if targets == "step" else ["row", "predicted"])


def test_vectors_have_a_column_for_each_number(run: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "v.npz", x=np.stack([row[:2] for row in ROWS]), y=np.stack([row[0] for row in ROWS]))
    assert run("train", "sequences", tmp_path / "v.npz", "--out", tmp_path / "model", *QUICK).code == 0
    given = answers(run("predict", tmp_path / "model", "--file", tmp_path / "v.npz").out)
    assert list(given[0]) == ["row", "predicted_0", "predicted_1"]


def test_whole_numbers_are_labels_unless_they_are_many_or_asked_for(run: Run, tmp_path: Path) -> None:
    file = write(tmp_path / "t.csv", [[index % 3] * len(row) for index, row in enumerate(ROWS)])
    done = run("train", "sequences", file, *COLUMNS, "--out", tmp_path / "a", "--epochs", "1")
    assert "3 labels (--output label)" in done.err
    more = ("--output", "number", "--epochs", "1")
    assert run("train", "sequences", file, *COLUMNS, "--out", tmp_path / "b", *more).code == 0
    assert isinstance(load(tmp_path / "b"), SequenceRegressor)
    many = write(tmp_path / "many.csv", [[index] * len(row) for index, row in enumerate(ROWS)])
    done = run("train", "sequences", many, *COLUMNS, "--out", tmp_path / "c", "--epochs", "1")
    assert "--output number" in done.err


def test_options_that_are_not_given_are_the_estimators_own(
    run: Run, numbers: Path, labels: Path, tmp_path: Path
) -> None:
    run("train", "sequences", numbers, *COLUMNS, "--out", tmp_path / "n", "--epochs", "1")
    run("train", "sequences", labels, *COLUMNS, "--out", tmp_path / "l", "--epochs", "1")
    assert load(tmp_path / "n").learning_rate == SequenceRegressor().learning_rate == 3e-3
    assert load(tmp_path / "l").learning_rate == SequenceClassifier().learning_rate == 1e-2


def test_gaps_are_masked_where_asked(run: Run, labels: Path, tmp_path: Path) -> None:
    head, first, *lines = labels.read_text(encoding="utf-8").splitlines()
    cells = first.split(",")
    labels.write_text("\n".join([head, ",".join([*cells[:2], "", *cells[3:]]), *lines]) + "\n", encoding="utf-8")
    command = ("train", "sequences", labels, *COLUMNS, "--epochs", "1", "--out", tmp_path / "model")
    done = run(*command)
    assert (done.code, "row 0" in done.err, "missing='mask'" in done.err) == (2, True, True)
    assert run(*command, "--missing", "mask").code == 0


def test_a_finished_model_is_not_replaced_and_resume_needs_nothing(run: Run, labels: Path, tmp_path: Path) -> None:
    command = ("train", "sequences", labels, *COLUMNS, "--epochs", "1", "--out", tmp_path / "model")
    assert run(*command, "--resume").code == 0
    assert run(*command).code == 2
    assert run(*command, "--force", "--quiet").code == 0
    assert not (tmp_path / "model.partial").exists()


@pytest.mark.parametrize(
    ("lines", "more", "words"),
    [
        (["d,0,1,2,x", "d,1,1,2,y"], COLUMNS, ("device 'd'", "several values", "'x'", "'y'")),
        (["d,0,1,2,x", "d,1,1,2,"], COLUMNS, ("device 'd'", "in some rows only")),
        (["d,0,1,2,", "d,1,1,2,"], COLUMNS, ("device 'd' has no 'y'",)),
        (["d,0,1,2,x", "d,1,1,2,"], (*COLUMNS, "--targets", "step"), ("device 'd', step 1 has no 'y'",)),
        (["d,0,1,z,x"], COLUMNS, ("device 'd', step 0 has 'z' in 'b'", "a number is needed")),
        ([",0,1,2,x"], COLUMNS, ("row 1 after the header has no 'device'",)),
        (["d,0,1,2,x"], (*COLUMNS, "--output", "number"), ("device 'd' has the target 'x'",)),
        (["d,0,1,2,x", "e,0,1,2,x"], COLUMNS, ("every row has the label 'x'",)),
        ([], COLUMNS, ("has a header but no rows",)),
        (["d,0,1,2,x"], COLUMNS[2:], ("--id is missing",)),
        (["d,0,1,2,x"], COLUMNS[:2] + COLUMNS[6:], ("--value is missing",)),
        (["d,0,1,2,x"], COLUMNS[:6], ("--target is missing",)),
        (["d,0,1,2,x"], (*COLUMNS, "--value", "a"), ("not all different",)),
        (["d,0,1,2,x"], (*COLUMNS, "--order", "when"), ("'when' is not a column",)),
        (["d,0,1,2,0.5", "e,0,1,2,1.5"], (*COLUMNS, "--class-weights", "balanced"), ("--class-weights", "labels only")),
        (["d,0,1,2,x"], (*COLUMNS, "--test-size", "1"), ("test_size",)),
        (["d,0,1,2,x"], (*COLUMNS, "--epochs", "0"), ("epochs=0",)),
    ],
)
def test_bad_input_is_one_line(run: Run, tmp_path: Path, lines: list[str], more: Any, words: tuple[str, ...]) -> None:
    file = tmp_path / "t.csv"
    file.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    done = run("train", "sequences", file, "--out", tmp_path / "model", *more)
    errors = [line for line in done.err.splitlines() if "Error: " in line or "UnknownColumn: " in line]
    assert (done.code, done.out, len(errors)) == (2, "", 1), done
    assert [word for word in words if word not in errors[0]] == []
    assert list(tmp_path.iterdir()) == [file]


def test_bad_arrays_are_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.npz").write_bytes(b"no zip")
    np.savez(tmp_path / "no_y.npz", x=np.zeros((3, 2)))
    np.savez(tmp_path / "short.npz", x=np.zeros((3, 2)), y=np.zeros(2))
    np.savez(tmp_path / "lengths.npz", x=np.zeros((3, 2)), y=np.zeros(2), lengths=np.array([1, 1]))
    for name, word in [("broken", "not a whole"), ("no_y", "'y'"), ("short", "2 targets"), ("lengths", "sum")]:
        done = run("train", "sequences", tmp_path / f"{name}.npz", "--out", tmp_path / "model")
        assert (done.code, word in done.err) == (2, True), done
    done = run("train", "sequences", tmp_path / "short.npz", "--id", "x", "--out", tmp_path / "model")
    assert "no columns" in done.err


def test_a_model_without_columns_asks_for_them(run: Run, labels: Path, tmp_path: Path) -> None:
    SequenceClassifier(hidden_size=2, epochs=1).fit(ROWS, SIDES).save(tmp_path / "model")
    assert "--id and --value" in run("predict", tmp_path / "model", "--file", labels).err
    named = ("--id", "device", "--value", "a", "--value", "b")
    assert run("predict", tmp_path / "model", "--file", labels, *named).code == 0
    assert "--target" in run("evaluate", tmp_path / "model", labels, *named).err
    assert run("evaluate", tmp_path / "model", labels, *named, "--target", "y").code == 0
    assert "--file" in run("predict", tmp_path / "model", "1 2 3").err
