"""Odd calls of the compiled module: right answers or clear errors, never a crash."""

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from tolerances import TOLERANCES, error

from anaphora import _native
from anaphora.engine import native, reference
from anaphora.engine import torch as torch_engine

H, D, B, T = 6, 4, 3, 5
KERNELS = list(native.NAMES)


def weights_of(cell, D, H, rng):
    return {n: (rng.standard_normal(p.shape) / np.sqrt(H)).astype(np.float32) for n, p in cell.parameters(D, H).items()}


@settings(max_examples=150, deadline=None)
@given(
    cell=st.sampled_from(KERNELS),
    sizes=st.tuples(
        st.sampled_from([0, 1, 2, 33]),
        st.integers(0, 4),
        st.sampled_from([1, 3, 20]),
        st.sampled_from([1, 15, 16, 17, 199]),
    ),
    reverse=st.booleans(),
    threads=st.sampled_from(["1", "2", "5"]),
    isa=st.sampled_from(_native.isas()),
    seed=st.integers(0, 1000),
    poison=st.sampled_from([None, np.nan, np.inf, -np.inf]),
    precision=st.sampled_from(["float32", "bfloat16", "int8"]),
)
def test_odd_sizes_orders_and_values_give_the_equations(cell, sizes, reverse, threads, isa, seed, poison, precision):
    (B, T, D, H), rng = sizes, np.random.default_rng(seed)
    poison = poison if precision == "float32" else None  # tests/native/test_precision.py says what that gives
    weights = weights_of(cell, D, H, rng)
    lengths_B = rng.integers(0, T + 1, B)
    x_BTD = rng.standard_normal((B, T, 2 * D)).astype(np.float32)[:, :, ::2]  # not contiguous
    if poison is not None and B and T:
        x_BTD[0, -1, 0] = poison
    state = tuple(rng.standard_normal((B, H)).astype(np.float32) for _ in cell.state)
    with pytest.MonkeyPatch.context() as patch, np.errstate(invalid="ignore", over="ignore"):
        patch.setenv("ANAPHORA_ISA", isa)
        patch.setenv("ANAPHORA_THREADS", threads)
        y_BTH, end = native.scan(cell, native.prepare(cell, weights, precision), x_BTD, lengths_B, state, reverse)
        expected, expected_end = reference.scan(cell, weights, x_BTD, lengths_B, state, reverse)
    for actual, exact in zip((y_BTH, *end), (expected, *expected_end), strict=True):
        if precision == "float32":
            np.testing.assert_allclose(actual, exact, rtol=1e-4, atol=1e-4)
        else:  # weights as large as these multiply what rounding leaves
            assert error(actual, exact) <= 10 * TOLERANCES[precision]


@settings(max_examples=60, deadline=None)
@given(
    cell=st.sampled_from(KERNELS),
    sizes=st.tuples(st.sampled_from([0, 1, 5]), st.integers(1, 3), st.sampled_from([1, 15, 17])),
    layout=st.sampled_from(["time first", "every second", "expanded gradient"]),
    seed=st.integers(0, 1000),
    precision=st.sampled_from(["float32", "bfloat16"]),
)
def test_gradients_of_odd_layouts_are_the_equations(cell, sizes, layout, seed, precision):
    (B, T, H), rng = sizes, np.random.default_rng(seed)
    weights = {name: torch.tensor(w, requires_grad=True) for name, w in weights_of(cell, D, H, rng).items()}
    lengths_B = torch.tensor(rng.integers(0, T + 1, B), dtype=torch.int64)
    data = torch.tensor(rng.standard_normal((T, B, 2 * D)), dtype=torch.float32, requires_grad=True)
    x_BTD = data[:, :, :D].transpose(0, 1)
    x_BTD = x_BTD.transpose(0, 1).contiguous().transpose(0, 1) if layout == "time first" else x_BTD
    results = []
    for scan in (partial(torch_engine.scan, precision=precision), reference.scan):
        y_BTH, end = scan(cell, weights, x_BTD, lengths_B)
        loss = y_BTH.sum() if layout == "expanded gradient" else (y_BTH * y_BTH).sum()
        leaves = [data, *weights.values()]
        results.append(torch.autograd.grad(loss + sum(e.sum() for e in end), leaves, allow_unused=True))
    for actual, exact in zip(*results, strict=True):
        exact = torch.zeros_like(actual) if exact is None else exact
        if precision == "float32":
            torch.testing.assert_close(actual, exact, rtol=1e-4, atol=1e-4)
        elif getattr(cell, "activation", "tanh") != "relu":  # whose slope is another where rounding crosses its corner
            assert error(actual, exact) <= 10 * TOLERANCES[precision]


def call(**changed):
    """A right call of the module's `forward`, with some arguments replaced."""
    f = np.zeros
    packed = changed.pop("packed", None) or _native.Packed(
        "lstm",
        f((4 * H, D), np.float32),
        f((4 * H, H), np.float32),
        None,
        None,
        forward=True,
        backward=False,
        precision="float32",
        isa=None,
        threads=1,
    )
    arguments = {
        "x": f((B * T, D), np.float32),
        "x_row": np.arange(B) * T,
        "x_time": np.arange(T),
        "lengths": np.full(B, T),
        "reverse": False,
        "h0": f((B, H), np.float32),
        "y": f((B * T, H), np.float32),
        "y_row": np.arange(B) * T,
        "y_time": np.arange(T),
        "h_n": f((B, H), np.float32),
        "c_n": f((B, H), np.float32),
        "kept": None,
        "threads": 1,
    }
    return packed.forward(**arguments | changed)


def test_the_right_call_is_right():
    call()


WRONG = {
    "x": np.zeros((B * T, D + 1), np.float32),
    "x_row": np.arange(B) * T + 1,
    "y_time": np.arange(T) - 1,
    "lengths": np.full(B, T + 1),
    "h0": np.zeros((B + 1, H), np.float32),
    "y": np.zeros((B * T - 1, H), np.float32),
    "y_row": np.arange(B + 1) * T,
    "h_n": np.zeros((B, H, 1), np.float32),
    "c_n": None,
    "kept": np.zeros((B * T - 1, _native.kept("lstm", H, "float32", None)), np.float32),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_shapes_and_places_are_named(name):
    with pytest.raises(ValueError, match=r"is |lies|need"):
        call(**{name: WRONG[name]})


@pytest.mark.parametrize("length", [-1, np.iinfo(np.int64).min, np.iinfo(np.int64).max])
def test_lengths_of_any_size_are_checked(length):
    with pytest.raises(ValueError, match="lengths"):
        call(lengths=np.array([1, length, 1]))


@pytest.mark.parametrize("place", [np.iinfo(np.int64).min, np.iinfo(np.int64).max, 1 << 40])
def test_places_of_any_size_are_checked(place):
    with pytest.raises(ValueError, match="lies outside"):
        call(x_row=np.array([0, place, 0]))


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int32, np.complex64])
def test_wrong_dtypes_of_what_is_written_are_refused(dtype):
    with pytest.raises(TypeError):
        call(y=np.zeros((B * T, H), dtype))


def test_what_is_written_must_be_contiguous_and_aligned_and_writable():
    with pytest.raises(TypeError):
        call(y=np.zeros((B * T, 2 * H), np.float32)[:, ::2])
    with pytest.raises((TypeError, ValueError)):
        call(y=np.frombuffer(bytearray(4 * B * T * H + 1), np.float32, offset=1, count=B * T * H).reshape(B * T, H))
    frozen = np.zeros((B * T, H), np.float32)
    frozen.flags.writeable = False
    with pytest.raises(TypeError):
        call(y=frozen)


def test_misaligned_inputs_are_refused():
    raw = np.frombuffer(bytearray(4 * B * T * D + 1), np.float32, offset=1, count=B * T * D).reshape(B * T, D)
    with pytest.raises((TypeError, ValueError)):
        call(x=raw)


@pytest.mark.parametrize(
    ("cell", "shapes"),
    [
        ("lstm", [(4 * H, D), (4 * H + 1, H)]),
        ("gru", [(3 * H, D, 1), (3 * H, H)]),
        ("lstm", [(0, D), (0, 0)]),
        ("what", []),
    ],
)
def test_weights_that_do_not_fit_are_refused(cell, shapes):
    arrays = [np.zeros(shape, np.float32) for shape in shapes or [(H, D), (H, H)]]
    with pytest.raises(ValueError, match=r"weight|matrices|state|kernel"):
        _native.Packed(
            cell, *arrays, None, None, forward=True, backward=False, precision="float32", isa=None, threads=1
        )


def test_weights_of_one_way_are_refused_the_other():
    arrays = [np.zeros((4 * H, D), np.float32), np.zeros((4 * H, H), np.float32), None, None]
    with pytest.raises(ValueError, match="way forward"):
        call(
            packed=_native.Packed(
                "lstm", *arrays, forward=False, backward=True, precision="float32", isa=None, threads=1
            )
        )


WRONG_SESSIONS = {
    "no layer": {"layers": []},
    "no row": {"rows": 0},
    "no thread": {"threads": 0},
    "table of another width": {"table": np.zeros((3, 1), np.float32)},
    "embedding of another width": {"embedding": np.zeros((3, D + 1), np.float32)},
    "both": {"table": np.zeros((3, 64), np.float32), "embedding": np.zeros((3, D), np.float32)},
}


@pytest.mark.parametrize("changed", WRONG_SESSIONS.values(), ids=WRONG_SESSIONS)
def test_sessions_that_cannot_be_are_refused(changed):
    arrays = [np.zeros((4 * H, D), np.float32), np.zeros((4 * H, H), np.float32), None, None]
    packed = _native.Packed("lstm", *arrays, True, False, "float32", None, 1)
    given = {"layers": [packed], "rows": 1, "table": None, "embedding": None, "threads": 1}
    _native.Session(**given).step()
    with pytest.raises(ValueError, match=r"session|is \["):
        _native.Session(**given | changed)
    with pytest.raises(ValueError, match="values is"):
        packed.table(np.zeros((2, 4 * H + 1), np.float32))


@pytest.mark.parametrize("shape", [(1 << 40, 1 << 40), (1 << 62, 4), (1 << 61,)])
def test_sizes_that_overflow_are_out_of_memory(shape):
    with pytest.raises(MemoryError):
        _native.empty(shape)
