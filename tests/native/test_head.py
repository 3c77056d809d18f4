"""The layer that scores tokens: a matrix packed once, NumPy's numbers."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from tolerances import TOLERANCES, error

from anaphora import _native

PRECISIONS = ["float32", "bfloat16", "int8"]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("V", "H", "n"), [(1, 1, 1), (65, 33, 1), (65, 512, 3), (100, 7, 70), (17, 16, 200), (3, 5, 0)]
)
@pytest.mark.parametrize("isa", _native.isas())
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_heads_scores_are_numpys(V, H, n, isa, precision):
    weight, bias, x = normal(V, H), normal(V, seed=1), normal(n, H, seed=2)
    for own in (bias, None):
        expected = x.astype(np.float64) @ weight.T + (0 if own is None else own)
        actual = _native.Head(weight, own, precision, isa, 1).logits(x, 1)
        assert error(actual, expected) <= (1e-6 if precision == "float32" else TOLERANCES[precision])


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 200), st.integers(1, 300), st.integers(1, 150)),
    isa=st.sampled_from(_native.isas()),
    precision=st.sampled_from(PRECISIONS),
    threads=st.integers(1, 5),
)
def test_no_number_of_rows_or_threads_changes_a_score(sizes, isa, precision, threads):
    V, H, n = sizes
    head, x = _native.Head(normal(V, H), normal(V, seed=1), precision, isa, threads), normal(n, H, seed=2)
    y = head.logits(x, threads)
    assert np.array_equal(head.logits(x, 1), y)
    if isa == "amx":  # few rows are multiplied by vectors, many by tiles
        assert error(head.logits(x[:1], 1), y[:1]) < 1e-5
    else:
        assert np.array_equal(np.concatenate([head.logits(x[row : row + 1], 1) for row in range(n)]), y)


def test_heads_that_cannot_be_are_refused():
    for weight, bias, precision, isa in (
        (np.zeros(3, np.float32), None, "float32", None),
        (np.zeros((0, 3), np.float32), None, "float32", None),
        (np.zeros((3, 0), np.float32), None, "float32", None),
        (np.zeros((3, 3), np.float32), np.zeros(2, np.float32), "float32", None),
        (np.zeros((3, 3), np.float32), None, "float16", None),
        (np.zeros((3, 3), np.float32), None, "float32", "sse9"),
        (np.zeros((1, 130_001), np.float32), None, "int8", None),
    ):
        with pytest.raises(ValueError, match=r"matrix|is \[|precision|instruction set|int8"):
            _native.Head(weight, bias, precision, isa, 1)
    for weight in (np.zeros((3, 3)), np.zeros((3, 6), np.float32)[:, ::2], None):
        with pytest.raises(TypeError):
            _native.Head(weight, None, "float32", None, 1)
    with pytest.raises(ValueError, match="x is"):
        _native.Head(normal(3, 4), None, "float32", None, 1).logits(normal(2, 5), 1)
