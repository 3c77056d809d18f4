"""What a process loads to label one text: most of its time goes into that."""

import subprocess
import sys
from pathlib import Path

import pytest

PREDICT = "import sys; from anaphora.cli import main; main(sys.argv[1:])"
NOT_NEEDED = {
    "accelerate",
    "anaphora.cli.display",
    "anaphora.tasks.classify.page",
    "anaphora.train",
    "email",
    "importlib.metadata",
    "matplotlib",
    "numpy.random",
    "polars",
    "rich",
    "scipy",
    "sklearn",
    "torch",
}
MOST = 300
"""292 with the versions of constraints.txt, 87 of them numpy's and 76 our own; it was 397 when rich was among them."""


def imported(program: str, *arguments: object) -> set[str]:
    """The modules that a new interpreter loads for `program`, as its own log of imports names them."""
    command = [sys.executable, "-X", "importtime", "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.split("|")[2].strip() for line in lines[1:]}  # the first is the table's header


@pytest.fixture(scope="module")
def modules(saved: Path) -> set[str]:
    return imported(PREDICT, "predict", saved, "a text") - imported("pass")


def test_labelling_a_text_loads_nothing_that_it_does_not_need(modules: set[str]) -> None:
    assert {"numpy", "click", "anaphora.runtime.predictor"} <= modules
    assert modules & NOT_NEEDED == set()


def test_labelling_a_text_loads_few_modules(modules: set[str]) -> None:
    assert len(modules) <= MOST
