"""A training that is killed at any moment ends, resumed, at the weights of one that was not."""

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from anaphora import load

KILLS, TRIES = 2, 12
PROGRAM = """
import sys
from anaphora.train import checkpoint
checkpoint.EVERY_SECONDS = 0.05
from anaphora.cli import main
main(sys.argv[1:])
"""
TINY = ["--hidden-size", "8", "--embedding-size", "8", "--epochs", "60", "--batch-size", "8", "--patience", "99"]


def start(file: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    given = ["train", "classify", str(file), "--text", "text", "--label", "label", "--out", str(out), *TINY, *more]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *given], stderr=subprocess.PIPE, text=True)


def wait_for_steps(training: subprocess.Popen[str]) -> None:
    assert training.stderr is not None
    assert any("rows to train on" in line for line in iter(training.stderr.readline, ""))


def finish(training: subprocess.Popen[str]) -> str:
    assert training.stderr is not None
    said = training.communicate(timeout=120)[1]
    assert training.returncode == 0, said
    return said


@pytest.mark.slow
def test_killed_trainings_end_at_the_weights_of_an_unbroken_one(toy_csv: Path, tmp_path: Path) -> None:
    training = start(toy_csv, tmp_path / "whole")
    wait_for_steps(training)
    began = time.monotonic()
    finish(training)
    took = time.monotonic() - began
    whole = load(tmp_path / "whole").bundle_.arrays
    moments = random.Random(0)
    resumed = 0
    for kill in range(TRIES):  # a kill that comes too late, or before the first checkpoint, shows less
        if resumed == KILLS:
            break
        out = tmp_path / f"killed{kill}"
        training = start(toy_csv, out)
        wait_for_steps(training)
        time.sleep(moments.uniform(0.02, 0.4) * took)
        training.kill()
        training.communicate()
        if not out.exists():
            resumed += "going on after step" in finish(start(toy_csv, out, "--resume"))
        broken = load(out).bundle_.arrays
        assert all(np.array_equal(array, broken[name]) for name, array in whole.items())
        assert not out.with_name(out.name + ".partial").exists()
    assert resumed


def test_an_unfinished_training_is_not_started_over_by_mistake(toy_csv: Path, tmp_path: Path, train, run) -> None:
    partial = tmp_path / "model.partial"
    partial.mkdir()
    (partial / "checkpoint-0.safetensors").write_bytes(b"")
    refused = train(toy_csv, tmp_path / "model")
    assert refused.code == 2
    assert "--resume" in refused.err
    assert partial.exists()
    assert train(toy_csv, tmp_path / "model", "--force", "--quiet").code == 0
    assert not partial.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="locks are taken with fcntl")
def test_two_trainings_do_not_share_a_folder(toy_csv: Path, tmp_path: Path, train) -> None:
    import fcntl

    partial = tmp_path / "model.partial"
    partial.mkdir()
    with (partial / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = train(toy_csv, tmp_path / "model", "--force")
    assert refused.code == 2
    assert "another training" in refused.err
    assert not (tmp_path / "model").exists()
