"""The command line, called within the test's own process."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from anaphora.cli import main

SIZES = ("--hidden-size", "8", "--embedding-size", "8", "--batch-size", "8", "--learning-rate", "0.02")
NOTHING_DROPPED = ("--dropout", "0", "--locked-dropout", "0", "--word-dropout", "0")
QUICK = (*SIZES, *NOTHING_DROPPED, "--min-count", "1", "--max-length", "20", "--validation", "0.2")


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`run("predict", folder, "a text", stdin="")` -> exit status, stdout, stderr."""

    def call(*arguments: object, stdin: str | bytes = "") -> Result:
        content = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main(list(map(str, arguments)))
        return Result(stopped.value.code or 0, *capsys.readouterr())

    return call


@pytest.fixture
def train(run: Any) -> Callable[..., Result]:
    """`train(file, out, ...)` trains a tiny classifier on the columns text and label."""

    def call(file: Path, out: Path, *more: object, epochs: int = 8) -> Result:
        named = ("--text", "text", "--label", "label", "--out", out, "--epochs", epochs)
        more = more if "--test-size" in more else (*more, "--test-size", "0")
        result: Result = run("train", "classify", file, *named, *QUICK, *more)
        return result

    return call
