"""Models saved by earlier versions still load, and give the same answers."""

import sys
from pathlib import Path

TESTS = Path(__file__).parent
sys.path.insert(0, str(TESTS / "install"))

import predict  # noqa: E402 (what an installed wheel runs, too)


def test_models_of_earlier_versions_give_the_same_answers():
    assert predict.check(TESTS / "golden") == 2
