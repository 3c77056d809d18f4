"""Everything that a person gets wrong: one line that says so, exit status 2, no traceback, and nothing written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anaphora import load
from anaphora.errors import DataError

Run = Callable[..., Any]
GOOD = "text,label\n" + "good film,pos\nbad film,neg\n" * 6


def held(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, with its content."""
    return {str(file): file.read_bytes() if file.is_file() else b"" for file in folder.rglob("*")}


def assert_refused(done: Any, name: str, *words: str, code: int = 2) -> None:
    """One line on stderr, which begins with the error's name and holds the words; nothing on stdout."""
    lines = done.err.splitlines()
    assert (done.code, done.out, len(lines)) == (code, "", 1), done
    assert lines[0].startswith(f"{name}: ")
    assert [word for word in words if word not in lines[0]] == []


# A file to train on


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("t.csv", "txet,label\nx,y\n", "UnknownColumn", ("'text'", "did you mean 'txet'", "Columns: txet, label")),
        ("t.csv", "text,mood\nx,y\n", "UnknownColumn", ("'label'", "Columns: text, mood")),
        ("t.csv", "", "DataError", ("is empty",)),
        ("t.csv", "\n\n", "DataError", ("is empty",)),
        ("t.csv", "text;label\nx;pos\n", "DataError", ("semicolons",)),
        ("t.csv", GOOD + 'pos,"not closed\n' + GOOD, "DataError", ("line 14", "not closed")),
        ("t.tsv", GOOD.replace(",", "\t") + '"x\tpos\n', "DataError", ("line 14", "not closed")),
        ("t.csv", "text,label\n", "DataError", ("has a header but no rows",)),
        ("t.csv", b"text,label\nx,a\n\xff,b\n", "DataError", ("line 3", "byte 15", "--encoding latin-1")),
        ("t.csv", GOOD + "x,pos,more\n", "DataError", ("line 14", "3 fields", "header has 2")),
        ("t.csv", GOOD + "x\n", "DataError", ("line 14", "1 fields", "header has 2")),
        ("t.csv", "text,label\nx,pos\ny,pos\n", "DataError", ("'pos'", "two or more labels")),
        ("t.csv", GOOD + "x,odd\n", "DataError", ("'odd'", "needs two or more")),
        ("t.csv", GOOD + "x,\ny, \n", "DataError", ("2 of 14 rows", "'label'", "--drop-missing")),
        ("t.jsonl", '{"text": "x", "label": 1}\n{"text": \n', "DataError", ("line 2", "JSON")),
        ("t.json", "[]", "DataError", ("t.json", ".jsonl")),
        ("t.parquet", "text", "DataError", ("t.parquet",)),
        ("t.csv.gz", "text,label\n", "DataError", ("gzip",)),
    ],
)
def test_a_file_that_cannot_be_learned_from(
    name: str, content: str | bytes, error: str, words: tuple[str, ...], train: Run, tmp_path: Path
) -> None:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = held(tmp_path)
    assert_refused(train(file, tmp_path / "model", "--quiet"), error, *words)
    assert held(tmp_path) == before


def test_a_missing_file(train: Run, tmp_path: Path) -> None:
    assert_refused(train(tmp_path / "absent.csv", tmp_path / "model"), "DataError", "absent.csv is not a file")
    assert held(tmp_path) == {}


def test_rows_without_a_label_are_left_out_when_asked_and_counted(train: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(GOOD + "x,\n")
    done = train(tmp_path / "t.csv", tmp_path / "model", "--drop-missing", epochs=1)
    assert (done.code, "1 rows without a label ignored" in done.err) == (0, True)


@pytest.mark.parametrize("text", ["   ", "word " * 200_000, "x" * 1_000_000, "<" * 1_000_000, "\ud83d"])
def test_a_strange_text_is_learned_from_and_answered(text: str, train: Run, run: Run, tmp_path: Path) -> None:
    rows = [{"text": t, "label": ("a", "b")[k % 2]} for k, t in enumerate([text, "good", text + " b", "bad"] * 3)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert train(tmp_path / "t.jsonl", tmp_path / "model", "--quiet", epochs=1) == (0, "", "")
    assert run("predict", tmp_path / "model", "--file", tmp_path / "t.jsonl", "--out", tmp_path / "o.csv").code == 0


@pytest.mark.parametrize("text", ["", "   ", "word " * 200_000, "x" * 1_000_000, "a\0b"])
def test_a_strange_text_on_the_command_line_is_answered(text: str, run: Run, saved: Path) -> None:
    done = run("predict", saved, text)
    assert (done.code, done.err, done.out.endswith(f"\t{text}\n")) == (0, "", True)


# Options


@pytest.mark.parametrize(
    ("option", "error", "words"),
    [
        (("--cell", "lstn"), "BadParameter", ("lstn", "lstm")),
        (("--hiden-size", "3"), "NoSuchOption", ("--hiden-size", "--hidden-size")),
        (("--hidden-size", "0"), "OptionError", ("hidden_size", "0", "at least 1")),
        (("--hidden-size", "many"), "BadParameter", ("--hidden-size", "many")),
        (("--dropout", "nan"), "OptionError", ("dropout", "nan")),
        (("--test-size", "1.5"), "OptionError", ("test_size", "1.5")),
        (("--seed", str(2**70)), "OptionError", ("seed",)),
        (("--cell", "gru", "--activation", "relu"), "OptionError", ("activation", "relu", "gru")),
        (("--encoding", "uft-8"), "DataError", ("uft-8",)),
        (("--encoding", "rot13"), "DataError", ("rot13",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_an_option_that_cannot_be(option: Any, error: str, words: tuple[str, ...], train: Run, toy_csv: Path) -> None:
    before = held(toy_csv.parent)
    assert_refused(train(toy_csv, toy_csv.parent / "model", "--quiet", *option), error, *words)
    assert held(toy_csv.parent) == before


@pytest.mark.parametrize(
    ("arguments", "error", "word"),
    [
        (("trian",), "NoSuchCommand", "trian"),
        (("train", "clasify", "x"), "NoSuchCommand", "No such command 'clasify'"),
        (("evaluate",), "MissingParameter", "MODEL"),
        (("train", "classify"), "MissingParameter", "FILE"),
        (("predict", "model", "--out"), "BadOptionUsage", "--out"),
    ],
)
def test_a_command_that_is_unknown_or_not_whole(arguments: tuple[str, ...], error: str, word: str, run: Run) -> None:
    assert_refused(run(*arguments), error, word, "--help")


def test_a_loss_that_is_no_number_from_the_start_is_a_failure(train: Run, toy_csv: Path) -> None:
    wild = ("--learning-rate", "1e38", "--clip", "1e38", "--batch-size", "2", "--quiet")
    before = held(toy_csv.parent)
    assert_refused(train(toy_csv, toy_csv.parent / "model", *wild), "TrainingFailed", "--learning-rate", code=1)
    assert held(toy_csv.parent) == before


# Outputs


def test_a_model_folder_that_exists(train: Run, saved: Path, toy_csv: Path) -> None:
    before = held(saved)
    assert_refused(train(toy_csv, saved), "OutputExists", str(saved), "--force")
    assert held(saved) == before


def test_a_file_of_answers_that_exists(run: Run, saved: Path, toy_csv: Path) -> None:
    done = run("predict", saved, "--file", toy_csv, "--out", toy_csv)
    assert_refused(done, "OutputExists", "--force")


def test_an_out_folder_that_cannot_be_made(train: Run, toy_csv: Path) -> None:
    assert train(toy_csv, toy_csv / "model", "--quiet", epochs=1).code in (1, 2)


# Models


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def spoil(folder: Path, how: str) -> None:
    config, weights = folder / "config.json", folder / "model.safetensors"
    facts = json.loads(config.read_text())
    if how == "missing":
        shutil.rmtree(folder)
    elif how == "half-written":
        weights.unlink()
    elif how == "truncated":
        weights.write_bytes(weights.read_bytes()[:-9])
    elif how == "newer":
        config.write_text(json.dumps(facts | {"format": 99}))
    elif how == "no JSON":
        config.write_text('{"format": 1,\n"task": ')
    elif how == "tampered":
        config.write_text(json.dumps(facts | {"options": facts["options"] | {"cell": ["lstm"]}}))
    elif how == "columns":
        config.write_text(json.dumps(facts | {"columns": {"text": 5, "label": 5}}))


@pytest.mark.parametrize("command", ["predict", "evaluate", "inspect"])
@pytest.mark.parametrize("how", ["missing", "half-written", "truncated", "newer", "no JSON", "tampered"])
def test_a_model_that_cannot_be_read(command: str, how: str, folder: Path, toy_csv: Path, run: Run) -> None:
    spoil(folder, how)
    given = {"predict": ("a text",), "evaluate": (toy_csv,), "inspect": ()}[command]
    assert_refused(run(command, folder, *given), "BundleError", str(folder))


def test_columns_that_are_tampered_with(folder: Path, toy_csv: Path, run: Run) -> None:
    spoil(folder, "columns")
    assert_refused(run("evaluate", folder, toy_csv), "BundleError")


@pytest.mark.parametrize("name", ["baseline.json", "terms.txt", "linear.safetensors"])
def test_a_baseline_that_cannot_be_read(name: str, folder: Path, toy_csv: Path, run: Run) -> None:
    (folder / "baseline" / name).write_bytes(b"\xff")
    assert_refused(run("evaluate", folder, toy_csv), "BundleError", "baseline")


def test_a_model_of_another_task(run: Run, tmp_path: Path) -> None:
    from anaphora import SequenceRegressor

    fitted = SequenceRegressor(hidden_size=4, epochs=1).fit([[1.0, 2.0], [2.0, 3.0]], [3.0, 4.0])
    fitted.save(tmp_path / "model")
    assert_refused(run("predict", tmp_path / "model", "x"), "OptionError", "--file")


# What is to be answered


def test_a_text_that_is_a_file(run: Run, saved: Path, toy_csv: Path) -> None:
    assert_refused(run("predict", saved, toy_csv), "OptionError", f"use --file {toy_csv}")


@pytest.mark.parametrize(
    ("content", "error", "word"),
    [
        ("txet,id\nx,1\n", "UnknownColumn", "did you mean 'txet'"),
        ("text\n", "DataError", "no rows"),
        ("", "DataError", "empty"),
        ("text,predicted\nx,y\n", "DataError", "'predicted'"),
        ("text,id\nx,1\ny\n", "DataError", "line 3"),
    ],
)
def test_a_file_that_cannot_be_answered(
    content: str, error: str, word: str, run: Run, saved: Path, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text(content)
    done = run("predict", saved, "--file", tmp_path / "new.csv", "--out", tmp_path / "out.csv")
    assert_refused(done, error, word)
    assert [file.name for file in tmp_path.iterdir()] == ["new.csv"]


def test_a_later_row_with_another_field(run: Run, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "new.jsonl").write_text('{"text": "x"}\n{"text": "y", "note": "z"}\n')
    done = run("predict", saved, "--file", tmp_path / "new.jsonl", "--out", tmp_path / "out.csv")
    assert_refused(done, "DataError", "note")


@pytest.mark.parametrize("more", [("x", "--file", "new.csv"), ("x", "--out", "out.csv")])
def test_options_that_do_not_go_together(more: tuple[str, ...], run: Run, saved: Path) -> None:
    assert_refused(run("predict", saved, *more), "OptionError")


def test_lines_on_stdin_that_are_no_text(run: Run, saved: Path) -> None:
    done = run("predict", saved, stdin=b"\xff\xfe\n")
    assert_refused(done, "DataError")


def test_a_label_seen_only_in_the_test_set_is_reported_and_counted_as_a_mistake(
    run: Run, saved: Path, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("text,label\ngood great,pos\nbad awful,neg\nlovely superb,joy\n")
    scores = json.loads(run("evaluate", saved, tmp_path / "t.csv", "--json").out)
    assert (scores["n"], scores["accuracy"]) == (3, pytest.approx(2 / 3))
    assert scores["unknown_labels"] == {"joy": 1}
    assert "do not occur in the training data" in run("evaluate", saved, tmp_path / "t.csv").out


def test_debug_shows_the_traceback(run: Run, saved: Path, capsys: Any) -> None:
    from anaphora.cli import main

    with pytest.raises(DataError):
        main(["evaluate", str(saved), "absent.csv", "--debug"])


def test_the_models_of_these_tests_are_whole(folder: Path) -> None:
    assert load(folder).classes_.tolist() == ["neg", "pos"]
