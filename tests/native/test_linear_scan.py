"""The elementwise linear scan h[t] = a[t] h[t - 1] + b[t], on each instruction set, against a loop in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anaphora import _native

ISAS = _native.isas()
every_isa = pytest.mark.parametrize("isa", ISAS)
B, T, H = 5, 7, 13


class Sample:
    """The arrays of a call, of random numbers. What lies past a row's end is NaN, and what is written there too."""

    def __init__(self, B=B, T=T, H=H, *, ragged=True, reverse=False, seed=0):
        rng = np.random.default_rng(seed)
        self.reverse = reverse
        self.lengths = rng.permutation(np.linspace(0, T, B).astype(np.int64)) if ragged else np.full(B, T)
        self.real = np.arange(T) < self.lengths[:, None]

        def normal(*shape):
            return rng.standard_normal(shape).astype(np.float32)

        self.a, self.b, self.dy = (np.where(self.real[..., None], normal(B, T, H), np.nan) for _ in range(3))
        self.a *= 0.9
        self.a, self.b, self.dy = (x.astype(np.float32) for x in (self.a, self.b, self.dy))
        self.h0, self.dh_n = normal(B, H), normal(B, H)

    def scan(self, isa=None, threads=1):
        """Gives y and h_n."""
        y, h_n = np.full_like(self.a, np.nan), np.full_like(self.h0, np.nan)
        _native.linear_scan(self.a, self.b, self.lengths, self.reverse, self.h0, y, h_n, isa, threads)
        return y, h_n

    def backward(self, y, isa=None, threads=1):
        """The gradients of a, b and h0."""
        da, db, dh0 = np.full_like(self.a, np.nan), np.full_like(self.a, np.nan), np.full_like(self.h0, np.nan)
        given = (self.a, self.lengths, self.reverse, self.h0, y, self.dy, self.dh_n)
        _native.linear_scan_backward(*given, da, db, dh0, isa, threads)
        return da, db, dh0

    def exact(self):
        """The same five in float64, row by row and step by step."""
        a, b, h0, dy, dh_n = (x.astype(np.float64) for x in (self.a, self.b, self.h0, self.dy, self.dh_n))
        y, da, db = (np.full_like(a, np.nan) for _ in range(3))
        h_n, dh0 = h0.copy(), dh_n.copy()
        for row, length in enumerate(self.lengths):
            steps = range(length)[::-1] if self.reverse else range(length)
            for t in steps:
                h_n[row] = y[row, t] = a[row, t] * h_n[row] + b[row, t]
            before = [h0[row], *(y[row, t] for t in steps)]
            for i, t in reversed(list(enumerate(steps))):
                db[row, t] = dy[row, t] + dh0[row]
                da[row, t] = db[row, t] * before[i]
                dh0[row] = a[row, t] * db[row, t]
        return y, h_n, da, db, dh0


def assert_exact(sample, isa, threads):
    y, h_n = sample.scan(isa, threads)
    actual = (y, h_n, *sample.backward(y, isa, threads))
    for name, array, expected in zip(("y", "h_n", "da", "db", "dh0"), actual, sample.exact(), strict=True):
        # NaN where the loop has NaN: nothing is written past a row's end.
        np.testing.assert_allclose(array, expected, rtol=2e-5, atol=2e-5, err_msg=name)


@every_isa
@pytest.mark.parametrize("ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("H", [1, 13, 199, 512])
def test_values_and_gradients_are_the_equations(isa, ragged, reverse, threads, H):
    assert_exact(Sample(H=H, ragged=ragged, reverse=reverse, seed=H), isa, threads)


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(0, 70)),
    ragged=st.booleans(),
    reverse=st.booleans(),
    isa=st.sampled_from(ISAS),
    threads=st.integers(-1, 9),
    seed=st.integers(0, 1000),
)
def test_odd_sizes_are_the_equations(sizes, ragged, reverse, isa, threads, seed):
    assert_exact(Sample(*sizes, ragged=ragged, reverse=reverse, seed=seed), isa, threads)


@every_isa
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("H", [1, 13, 199])
@pytest.mark.parametrize("first", [0, 1, 4, 40])
def test_chunks_are_bit_equal_to_the_whole(isa, reverse, H, first):
    whole = Sample(T=40, H=H, reverse=reverse, seed=first)
    y, h_n = whole.scan(isa)
    da, db, dh0 = whole.backward(y, isa)

    def part(begin, past):
        chunk = Sample(T=past - begin, H=H, reverse=reverse)
        chunk.lengths = np.clip(whole.lengths - begin, 0, past - begin)
        chunk.a, chunk.b, chunk.dy = (np.ascontiguousarray(x[:, begin:past]) for x in (whole.a, whole.b, whole.dy))
        return chunk

    parts = [part(0, first), part(first, 40)]
    in_order = parts[::-1] if reverse else parts
    state, outputs, gradient, gradients = whole.h0, {}, whole.dh_n, {}
    for chunk in in_order:
        chunk.h0 = state
        outputs[chunk], state = chunk.scan(isa)
    for chunk in reversed(in_order):
        chunk.dh_n = gradient
        *gradients[chunk], gradient = chunk.backward(outputs[chunk], isa)
    np.testing.assert_array_equal(np.concatenate([outputs[chunk] for chunk in parts], 1), y)
    np.testing.assert_array_equal(state, h_n)
    for i, array in enumerate((da, db)):
        np.testing.assert_array_equal(np.concatenate([gradients[chunk][i] for chunk in parts], 1), array)
    np.testing.assert_array_equal(gradient, dh0)


@every_isa
@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("H", [1, 13, 199, 512])
def test_a_number_of_threads_changes_nothing(isa, rows, H):
    sample = Sample(rows, 9, H, seed=rows)
    y, h_n = sample.scan(isa)
    expected = (y, h_n, *sample.backward(y, isa))
    for threads in (2, 3, 16, 100):
        actual = (*sample.scan(isa, threads), *sample.backward(y, isa, threads))
        for one, other in zip(actual, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def calls():
    """The arguments of a right call of each function."""
    sample = Sample(ragged=False)
    array, state = np.zeros((B, T, H), np.float32), np.zeros((B, H), np.float32)
    arguments = {"a": sample.a, "lengths": sample.lengths, "reverse": False, "h0": state, "isa": None, "threads": 1}
    yield _native.linear_scan, arguments | {"b": array, "y": array.copy(), "h_n": state.copy()}
    written = {"da": array.copy(), "db": array.copy(), "dh0": state.copy()}
    yield _native.linear_scan_backward, arguments | {"y": array, "dy": array, "dh_n": state} | written


CALLS = [
    pytest.param(function, arguments, name, id=f"{function.__name__}-{name}")
    for function, arguments in calls()
    for name in arguments
]
ARRAYS = [param for param in CALLS if isinstance(param.values[1][param.values[2]], np.ndarray)]


@pytest.mark.parametrize(("function", "arguments", "name"), ARRAYS)
def test_a_wrong_shape_is_named(function, arguments, name):
    function(**arguments)
    right = arguments[name]
    for axis in range(right.ndim):
        wrong = np.zeros([n + (i == axis) for i, n in enumerate(right.shape)], right.dtype)
        with pytest.raises(ValueError, match=r"\w+ is \["):
            function(**arguments | {name: wrong})
    if right.ndim > 1:
        match = r"a is an array \[B, T, H\]" if name == "a" else rf"^{name} is \["
        with pytest.raises(ValueError, match=match):
            function(**arguments | {name: right[0]})


@pytest.mark.parametrize(("function", "arguments", "name"), ARRAYS)
def test_another_dtype_layout_or_kind_is_refused(function, arguments, name):
    right = arguments[name]
    strided = np.repeat(right, 2, axis=-1)[..., ::2]
    for wrong in (right.astype(np.float64), right.astype(np.int32), strided, right.tolist(), None):
        with pytest.raises(TypeError):
            function(**arguments | {name: wrong})
    if name in ("h_n", "da", "db", "dh0") or (name == "y" and "b" in arguments):
        frozen = right.copy()
        frozen.flags.writeable = False
        with pytest.raises(TypeError):
            function(**arguments | {name: frozen})


@pytest.mark.parametrize("length", [-1, T + 1, np.iinfo(np.int64).min, np.iinfo(np.int64).max])
def test_lengths_out_of_range_are_named(length):
    for function, arguments in calls():
        lengths = arguments["lengths"].copy()
        lengths[2] = length
        with pytest.raises(ValueError, match=rf"lengths\[2\] is {length}"):
            function(**arguments | {"lengths": lengths})


def test_an_unknown_instruction_set_is_named():
    for function, arguments in calls():
        with pytest.raises(ValueError, match="'sse9'"):
            function(**arguments | {"isa": "sse9"})
