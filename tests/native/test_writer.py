"""The compiled loop of a language model: the plain loop's tokens."""

import gc
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from samples import EVERY_CELL, sample
from tolerances import error

from anaphora import _native
from anaphora.engine import native
from anaphora.runtime.decoding.sampling import Sampling, draw
from anaphora.runtime.session import Session

H, D, V = 19, 5, 23
KERNELS = [param for param in EVERY_CELL if native.kernel_of(param.values[0])]
every_kernel = pytest.mark.parametrize("cell", KERNELS)
every_isa = pytest.mark.parametrize("isa", _native.isas())
every_precision = pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
EVERY_SAMPLING = [
    Sampling(temperature=0),
    Sampling(seed=1),
    Sampling(temperature=1.5, top_k=9, top_p=0.8, repetition_penalty=1.3, seed=2),
]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def make(cell=KERNELS[0].values[0], rows=1, layers=1, precision="float32", threads=1, table_bytes=1 << 20, isa=None):
    """A session, the writer on it, and its head's weight and bias."""
    weights = [
        sample(cell, T=1, H=H, D=H if layer else D, seed=layer).numpy(np.float32).weights for layer in range(layers)
    ]
    embedding, weight, bias = normal(V, D), normal(V, H, seed=1), normal(V, seed=2)
    session = Session(cell, weights, rows, precision, embedding, table_bytes)
    writer = _native.Writer(session.compiled, _native.Head(weight, bias, precision, isa, 1), threads)
    return session, writer, weight, bias


def write(writer, n, sampling, banned_V=None, end=-1, done_R=None):
    rows = len(writer.seen)
    out, done_R = np.full((n, rows), -2), np.zeros(rows, np.uint8) if done_R is None else done_R
    s = sampling
    written = writer.write(out, s.temperature, s.top_k, s.top_p, s.repetition_penalty, s.seed, banned_V, end, done_R)
    return out[:written]


@pytest.mark.parametrize("sampling", EVERY_SAMPLING, ids=["greedy", "plain", "all options"])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("layers", [1, 2])
@every_kernel
def test_a_text_is_the_plain_loops_however_it_is_cut(cell, layers, rows, sampling):
    banned_V = np.zeros(V, np.uint8)
    banned_V[3] = 1
    prompt = np.random.default_rng(3).integers(0, V, (4, rows))

    session, whole, weight, bias = make(cell, rows, layers)
    whole.read(prompt)
    expected = write(whole, 20, sampling, banned_V)
    for part in (5, 1):
        _, writer, _, _ = make(cell, rows, layers)
        writer.read(prompt)
        parts = [write(writer, part, sampling, banned_V) for _ in range(20 // part)]
        assert np.array_equal(np.concatenate(parts), expected)
        assert writer.position == 20

    plain, seen_RV, text = session.fork(), np.zeros((rows, V), np.uint8), []

    def take(ids_R):
        seen_RV[np.arange(rows), ids_R] = 1
        return plain.step(ids_R)

    plain.reset()
    for ids_R in prompt:
        y_RH = take(ids_R)
    for position in range(20):
        text.append(draw(y_RH @ weight.T + bias, seen_RV, banned_V, sampling, position))
        y_RH = take(text[-1])
    assert np.array_equal(text, expected)
    assert not (expected == 3).any()
    assert np.array_equal(session.state[0], plain.state[0])


@every_isa
@every_precision
@pytest.mark.parametrize("table_bytes", [0, 1 << 20])
def test_a_row_does_not_read_the_others(monkeypatch, isa, precision, table_bytes):
    monkeypatch.setenv("ANAPHORA_ISA", isa)
    made = [make(rows=rows, layers=2, precision=precision, table_bytes=table_bytes, isa=isa) for rows in (1, 3)]
    for _, writer, _, _ in made:
        writer.read(np.array([1, 2, 3]))
    one, three = (write(writer, 40, EVERY_SAMPLING[2]) for _, writer, _, _ in made)
    assert np.array_equal(one[:, 0], three[:, 0])
    assert not np.array_equal(three[:, 0], three[:, 1])


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("layers", [1, 2])
@every_kernel
def test_a_row_that_is_done_stays_where_it_is(cell, layers, threads):
    sampling = Sampling(temperature=3, seed=5)
    alone, writer, _, _ = make(cell, 4, layers, threads=threads)
    writer.read(np.array([1, 2]))
    free = write(writer, 40, sampling)

    def first_places(id):
        return [int(np.append(np.flatnonzero(free[:, row] == id), 40)[0]) for row in range(4)]

    end = max(range(V), key=lambda id: len({*first_places(id)[:2], first_places(id)[3]} - {39, 40}))
    ends = first_places(end)
    assert len({ends[0], ends[1], ends[3]}) == 3  # rows end at different places

    session, writer, _, _ = make(cell, 4, layers, threads=threads)
    writer.read(np.array([1, 2]))
    done_R = np.array([0, 0, 1, 0], np.uint8)
    before = [array[2].copy() for array in session.state]
    text = np.concatenate([write(writer, part, sampling, None, end, done_R) for part in (7, 33)])
    for row in (0, 1, 3):
        length = min(40, ends[row] + 1)
        assert np.array_equal(text[:length, row], free[:length, row])
        assert (text[length:, row] == -1).all()
        assert done_R[row] == (ends[row] < 40)
        assert set(np.flatnonzero(writer.seen[row])) == {1, 2, *free[:length, row]}
    assert (text[:, 2] == -1).all()
    for array, kept in zip(session.state, before, strict=True):
        assert np.array_equal(array[2], kept)

    row = next(row for row in (0, 1, 3) if ends[row] < 39)  # its state is that of its last token
    alone.reset()
    for ids_R in ([1] * 4, [2] * 4, *np.maximum(text[: ends[row] + 1], 0).tolist()):
        alone.step(np.array(ids_R))
    assert np.array_equal(session.state[0][row], alone.state[0][row])


def test_all_rows_that_are_done_end_the_text():
    session, writer, _, _ = make(rows=2)
    writer.read(np.array([1]))
    done_R = np.ones(2, np.uint8)
    assert len(write(writer, 9, Sampling(), done_R=done_R)) == 0
    assert writer.position == 0
    done_R[0] = 0
    assert len(write(writer, 9, Sampling(), done_R=done_R)) == 9
    before = session.state[0]
    session.step(np.array([4, 4]))  # a session by itself steps all rows again
    assert (session.state[0] != before).any(1).all()


def test_no_number_of_threads_changes_a_text():
    texts = []
    for threads in (1, 2, 5):
        _, writer, _, _ = make(rows=3, threads=threads)
        writer.read(np.array([4]))
        texts.append(write(writer, 30, EVERY_SAMPLING[2]))
    assert np.array_equal(texts[0], texts[1])
    assert np.array_equal(texts[0], texts[2])


@every_kernel
def test_what_was_read_is_stepped_and_seen(cell):
    session, writer, weight, bias = make(cell, rows=2)
    writer.read(np.array([[1, 2], [3, 4]]))
    writer.read(np.array([5]))
    other = session.fork()
    other.reset()
    for ids in ([1, 2], [3, 4], [5, 5]):
        y_RH = other.step(np.array(ids)).copy()
    assert np.array_equal(session.state[0], other.state[0])
    assert [np.flatnonzero(row).tolist() for row in writer.seen] == [[1, 3, 5], [2, 4, 5]]
    assert writer.position == 0
    write(writer, 1, Sampling())
    assert error(writer.logits, y_RH.astype(np.float64) @ weight.T + bias) < 1e-5


@every_kernel
def test_another_writer_goes_on_from_a_copy(cell):
    session, writer, _, _ = make(cell, rows=2, layers=2)
    writer.read(np.array([7]))
    write(writer, 5, EVERY_SAMPLING[2])
    fork, other, _, _ = make(cell, rows=2, layers=2)
    fork.state = session.state
    fork.compiled.outputs[...] = session.compiled.outputs
    other.seen[...], other.position = writer.seen, writer.position
    assert np.array_equal(write(other, 20, EVERY_SAMPLING[2]), write(writer, 20, EVERY_SAMPLING[2]))


def test_views_outlive_what_they_look_at():
    session, writer, _, _ = make()
    write(writer, 3, Sampling())
    seen, logits = writer.seen, writer.logits
    kept = seen.copy(), logits.copy()
    del session, writer
    gc.collect()
    assert np.array_equal(seen, kept[0])
    assert np.array_equal(logits, kept[1])


@pytest.mark.parametrize("ids", [[1, V], [-1], [np.iinfo(np.int64).min], [[0], [V]]])
def test_unknown_tokens_are_named_and_none_is_read(ids):
    session, writer, _, _ = make()
    with pytest.raises(ValueError, match=r"ids\[\d\] is -?\d+, not between 0 and 22"):
        writer.read(np.array(ids))
    assert not writer.seen.any()
    assert not session.state[0].any()


def test_ids_and_places_of_another_shape_or_kind_are_refused():
    _, writer, _, _ = make(rows=2)
    for ids in (np.zeros((2, 3), np.int64), np.zeros((1, 2, 1), np.int64), np.int64(3)):
        with pytest.raises((ValueError, TypeError)):
            writer.read(np.asarray(ids))
    for ids in (np.zeros(3), np.zeros(3, np.int32), np.zeros((4, 4), np.int64)[:, ::2], None):
        with pytest.raises(TypeError):
            writer.read(ids)
    frozen = np.zeros((3, 2), np.int64)
    frozen.flags.writeable = False
    right = (1.0, 0, 1.0, 1.0, 0, None, -1, np.zeros(2, np.uint8))
    for out in (np.zeros((3, 1), np.int64), np.zeros(2, np.int64)):
        with pytest.raises(ValueError, match="out is"):
            writer.write(out, *right)
    for out in (np.zeros((3, 2), np.int32), frozen, np.zeros((3, 4), np.int64)[:, ::2]):
        with pytest.raises(TypeError):
            writer.write(out, *right)
    assert writer.write(np.zeros((0, 2), np.int64), *right) == 0
    for done in (np.zeros(3, np.uint8), np.zeros((2, 1), np.uint8)):
        with pytest.raises(ValueError, match="done is"):
            writer.write(np.zeros((1, 2), np.int64), *right[:-1], done)


@pytest.mark.parametrize(
    "changed",
    [
        {"temperature": -1.0},
        {"temperature": np.nan},
        {"temperature": np.inf},
        {"top_k": -1},
        {"top_p": -0.1},
        {"top_p": 1.1},
        {"top_p": np.nan},
        {"repetition_penalty": 0.5},
        {"repetition_penalty": np.inf},
        {"banned": np.zeros(V + 1, np.uint8)},
    ],
    ids=str,
)
def test_options_out_of_range_are_named(changed):
    _, writer, _, _ = make()
    right = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, "seed": 0, "banned": None}
    right |= {"end": -1, "done": np.zeros(1, np.uint8)}
    out = np.zeros((1, 1), np.int64)
    with pytest.raises(ValueError, match=next(iter(changed))):
        writer.write(out, **right | changed)
    for wrong in ({"seed": -1}, {"seed": 1 << 64}, {"top_k": 1 << 63}, {"banned": np.zeros(V)}, {"top_p": "all"}):
        with pytest.raises(TypeError):
            writer.write(out, **right | wrong)
    assert writer.write(out, **right | {"seed": 2**64 - 1, "top_k": 2**63 - 1}) == 1
    for position in (-1, 1 << 64, 1.5, None):
        with pytest.raises(TypeError):
            writer.position = position


def test_scores_that_are_not_numbers_end_the_text_where_it_is():
    session, writer, _, _ = make()
    writer.read(np.array([1]))
    before = session.state[0]
    session.compiled.outputs[...] = np.nan
    with pytest.raises(ValueError, match="not numbers"):
        write(writer, 3, Sampling())
    assert writer.position == 0
    assert np.array_equal(session.state[0], before)


def test_writers_that_cannot_be_are_refused():
    session, _, weight, bias = make()
    cell = KERNELS[0].values[0]
    numbers = Session(cell, [sample(cell, T=1, H=H, D=D).numpy(np.float32).weights])
    head = _native.Head(weight, bias, "float32", None, 1)
    for wrong, what in (
        ((numbers.compiled, head, 1), "takes tokens"),
        ((session.compiled, head, 0), "a thread"),
        ((session.compiled, _native.Head(normal(V, H + 1), None, "float32", None, 1), 1), "20 numbers.* gives 19"),
        ((session.compiled, _native.Head(normal(V + 1, H), None, "float32", None, 1), 1), "24.* knows 23"),
    ):
        with pytest.raises(ValueError, match=what):
            _native.Writer(*wrong)
    for wrong in ((None, head, 1), (session.compiled, None, 1), (session, head, 1)):
        with pytest.raises(TypeError):
            _native.Writer(*wrong)


def test_a_session_that_is_being_written_with_is_refused_to_others():
    _, writer, _, _ = make()
    worker = threading.Thread(target=write, args=(writer, 100_000, Sampling()))
    worker.start()
    while writer.position == 0:
        assert worker.is_alive()
    with pytest.raises(RuntimeError, match="one thread at a time"):
        writer.read(np.array([1]))
    worker.join()
    assert writer.position == 100_000
    writer.read(np.array([1]))
