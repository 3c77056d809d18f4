"""`anaphora train classify --pretrained`: from a file's texts, read without labels, to a classifier."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anaphora import load

Run = Callable[..., Any]
SIZES = ("--hidden-size", 8, "--embedding-size", 8, "--batch-size", 4, "--window", 16, "--min-count", 1)


@pytest.fixture
def reader(run: Run, toy_csv: Path, tmp_path: Path) -> Path:
    """A language model of the toy set's texts."""
    given = ("--text", "text", "--level", "word", "--layers", 1, "--steps", 20, "--quiet", *SIZES)
    assert run("train", "language", toy_csv, "--out", tmp_path / "reader", *given).code == 0
    return tmp_path / "reader"


def test_a_language_model_of_a_files_texts_becomes_a_classifier(
    reader: Path, run: Run, train: Run, toy_csv: Path, tmp_path: Path
) -> None:
    done = train(toy_csv, tmp_path / "model", "--pretrained", reader)
    assert done.code == 0, done.err
    shutil.rmtree(reader)
    assert load(tmp_path / "model").bundle_.task.options.pretrained == str(reader)
    assert run("predict", tmp_path / "model", "a good film").out.startswith(("pos\t", "neg\t"))
    assert run("evaluate", tmp_path / "model", toy_csv).code == 0
    assert "encoder" in run("inspect", tmp_path / "model").out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--cell", "gru"), ("OptionError: cell='gru'", "cell='lstm'", "leave out cell, or pretrained")),
        (("--encode", "hash"), ("OptionError: encode='hash'", "leave out encode")),
        (("--pretrained", "nowhere"), ("BundleError: nowhere", "no such folder")),
    ],
    ids=["cell", "encode", "nowhere"],
)
def test_what_is_wrong_is_told_before_the_file_is_read(
    more: tuple[str, ...], words: tuple[str, ...], reader: Path, train: Run, tmp_path: Path
) -> None:
    refused = train(tmp_path / "no such file.csv", tmp_path / "model", "--pretrained", reader, *more)
    assert (refused.code, refused.out) == (2, "")
    assert [word for word in words if word not in refused.err] == []
    assert sorted(tmp_path.iterdir()) == sorted([reader, *tmp_path.glob("*.csv")])


def test_a_classifier_is_no_language_model(train: Run, toy_csv: Path, saved: Path, tmp_path: Path) -> None:
    refused = train(toy_csv, tmp_path / "model", "--pretrained", saved)
    assert refused.code == 2
    assert f"{saved} is a model for the task 'classify'" in refused.err
