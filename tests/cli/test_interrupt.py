"""Ctrl-C, as a person types it: a signal to another process."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from anaphora import load
from anaphora.cli.interrupt import GentleInterrupt
from anaphora.events import Event, Stage, Start

FOREVER = ("--epochs", "100000", "--patience", "100000", "--hidden-size", "8", "--embedding-size", "8")


class Stopped(NamedTuple):
    code: int
    err: str


def interrupted_at(line: str, file: Path, out: Path, *more: str) -> Stopped:
    """Start a training, send SIGINT when a line on stderr starts with `line`, and wait for its end."""
    program = "import sys; from anaphora.cli import main; main(sys.argv[1:])"
    given = ["train", "classify", str(file), "--text", "text", "--label", "label", "--out", str(out), *FOREVER, *more]
    command = [sys.executable, "-u", "-c", program, *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as training:
        assert training.stderr is not None
        seen = ""
        for said in training.stderr:
            seen += said
            if said.startswith(line):
                training.send_signal(signal.SIGINT)
                break
        try:
            _, rest = training.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            training.kill()
            raise
    assert line in seen, seen + rest
    return Stopped(training.returncode, seen + rest)


@pytest.mark.slow
def test_stopped_after_an_epoch_it_leaves_a_model_that_predicts(toy_csv: Path, tmp_path: Path) -> None:
    stopped = interrupted_at("epoch   1", toy_csv, tmp_path / "model")
    assert (stopped.code, "Traceback" in stopped.err) == (130, False)
    assert "The best model so far is in" in stopped.err
    model = load(tmp_path / "model")
    assert model.bundle_.training["interrupted"] is True
    assert set(model.predict(["good great film", ""])) <= {"pos", "neg"}


@pytest.mark.slow
def test_stopped_before_anything_is_learned_it_leaves_nothing(toy_csv: Path, tmp_path: Path) -> None:
    stopped = interrupted_at("reading the training rows", toy_csv, tmp_path / "model")
    assert (stopped.code, "Traceback" in stopped.err) == (130, False)
    assert stopped.err.splitlines()[-1] == "Stopped."
    assert [file.name for file in tmp_path.iterdir()] == ["toy.csv"]


@pytest.mark.slow
def test_stopped_with_force_before_anything_is_learned_it_keeps_the_old_model(
    saved: Path, toy_csv: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(saved, tmp_path / "model")
    assert interrupted_at("reading the training rows", toy_csv, tmp_path / "model", "--force").code == 130
    assert load(tmp_path / "model").get_params() == load(saved).get_params()


def pressed(times: int, during: Event) -> list[str]:
    """What is still done after Ctrl-C is pressed so often in the midst of what follows an event."""
    done: list[str] = []

    def training() -> Iterator[Event]:
        yield during
        for _ in range(times):
            signal.raise_signal(signal.SIGINT)
        done.append("the step's end")
        yield during
        done.append("another step")
        yield during

    with GentleInterrupt() as interrupt, pytest.raises(KeyboardInterrupt):
        for _ in interrupt.watch(training()):
            pass
    return done


STEPPING = Start(steps=9, rows=9, validation_rows=0, parameters=9, steps_done=0)


def test_the_first_ctrl_c_waits_for_the_end_of_a_step() -> None:
    assert pressed(1, STEPPING) == ["the step's end"]


def test_the_second_ctrl_c_does_not_wait() -> None:
    assert pressed(2, STEPPING) == []


def test_where_no_step_is_made_ctrl_c_does_not_wait() -> None:
    assert pressed(1, Stage("reading")) == []


def test_ctrl_c_is_afterwards_what_it_was_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    pressed(1, STEPPING)
    assert signal.getsignal(signal.SIGINT) is before
