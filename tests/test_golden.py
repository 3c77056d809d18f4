"""Models saved by earlier versions still load, and give the same answers and texts on every instruction set."""

import sys
from pathlib import Path

import pytest

from anaphora import _native

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS / "install"))

import predict  # noqa: E402 (what an installed wheel runs, too)


@pytest.mark.parametrize("isa", _native.isas())
def test_models_of_earlier_versions_give_the_same_answers(isa, monkeypatch):
    monkeypatch.setenv("ANAPHORA_ISA", isa)
    assert predict.check(TESTS / "golden") == 6
