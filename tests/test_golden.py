"""Models saved by earlier versions still load, and give the same answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from anaphora import load

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_an_earlier_version_s_model_gives_the_same_answers(file):
    expected = json.loads(file.read_text(encoding="utf-8"))
    answers = load(file.with_suffix("")).predict_proba(expected["texts"])
    np.testing.assert_allclose(answers, expected["probabilities"], rtol=1e-5)


def test_there_are_golden_models():
    assert GOLDEN
