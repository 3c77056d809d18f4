"""The compiled kernels, each instruction set of this machine: as exact as torch's own float32, no state to disturb."""

import os
import sys
import threading
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from samples import EVERY_CELL, backward, sample
from tolerances import error

from anaphora import _native
from anaphora.engine import native
from anaphora.engine import torch as torch_engine

ISAS = _native.isas()
FLOOR = 1e-6
EVERY_KERNEL = [param for param in EVERY_CELL if native.kernel_of(param.values[0])]
every_kernel = pytest.mark.parametrize("cell", EVERY_KERNEL)
every_isa = pytest.mark.parametrize("isa", ISAS)


@pytest.fixture
def on(monkeypatch):
    """Force an instruction set and a number of threads."""

    def force(isa, threads=1):
        monkeypatch.setenv("ANAPHORA_ISA", isa)
        monkeypatch.setenv("ANAPHORA_THREADS", str(threads))

    return force


def by_torch(cell, weights, x_BTD, lengths_B, state, reverse=False):
    kernel = torch_engine.KERNELS[native.kernel_of(cell)]
    return torch_engine._scan_by_torch(kernel, weights, x_BTD, lengths_B, state, reverse, ends=True)


@lru_cache(maxsize=4)
def known(cell, H, T, reverse, ragged):
    """The sample, what it gives in float64, and how far torch's float32 is from that: values, gradients, errors."""
    given = sample(cell, H=H, T=T, D=7, B=5, ragged=ragged, seed=H + T)
    exact, exact_gradients = backward(cell, by_torch, given.torch(torch.float64, learns=True), reverse=reverse)
    single, single_gradients = backward(cell, by_torch, given.torch(torch.float32, learns=True), reverse=reverse)
    pairs = zip([*single, *single_gradients.values()], [*exact, *exact_gradients.values()], strict=True)
    return given, exact, exact_gradients, [error(actual, expected) for actual, expected in pairs]


def every_setting():
    """All settings at one small size; at the others all pairs of a kernel, an instruction set, a direction, ragged or
    full rows, and a number of threads. The rest of the grid is marked `full`.
    """
    pairwise = [(False, False, 1), (False, True, 2), (True, False, 2), (True, True, 1)]
    sizes = [(13, 100), (13, 1), (13, 500), *product((199, 512), (1, 100, 500))]
    for (s, (H, T)), (k, param), (i, isa) in product(enumerate(sizes), enumerate(EVERY_KERNEL), enumerate(ISAS)):
        for reverse, ragged, threads in product((False, True), (False, True), (1, 2)):
            chosen = s == 0 or (reverse, ragged, threads) == pairwise[(s + k + i) % 4]
            name = f"{param.id}-{H}-{T}-{'reverse' if reverse else 'forward'}-{'ragged' if ragged else 'full'}"
            marks = () if chosen else pytest.mark.full
            yield pytest.param(
                *param.values, H, T, reverse, ragged, isa, threads, id=f"{name}-{isa}-{threads}", marks=marks
            )


@pytest.mark.parametrize(("cell", "H", "T", "reverse", "ragged", "isa", "threads"), [*every_setting()])
def test_errors_are_at_most_twice_torchs_own(on, cell, H, T, reverse, ragged, isa, threads):
    on(isa, threads)
    given, values, gradients, allowed = known(cell, H, T, reverse, ragged)
    ours, our_gradients = backward(cell, torch_engine.scan, given.torch(torch.float32, learns=True), reverse=reverse)
    names = ["y", *cell.state, *our_gradients]
    pairs = zip([*ours, *our_gradients.values()], [*values, *gradients.values()], strict=True)
    measured = {name: error(actual, expected) for name, (actual, expected) in zip(names, pairs, strict=True)}
    limits = {name: max(FLOOR, 2 * theirs) for name, theirs in zip(names, allowed, strict=True)}
    assert {name: value for name, value in measured.items() if not value <= limits[name]} == {}, limits


@every_isa
def test_sigmoid_and_tanh_have_the_stated_error(isa):
    x = np.concatenate(
        [np.linspace(-40, 40, 100_001), np.geomspace(1e-30, 90, 10_000), -np.geomspace(1e-30, 90, 10_000)]
    )
    x = x.astype(np.float32)
    sigmoid, tanh = np.empty_like(x), np.empty_like(x)
    _native.activations(x, sigmoid, tanh, "float32", isa)
    exact = x.astype(np.float64)
    expected = 1 / (1 + np.exp(-exact))
    seen = expected > 1e-37  # below, float32 has no full precision
    assert np.abs(sigmoid / expected - 1)[seen].max() <= 3e-7
    assert (np.abs(tanh - np.tanh(exact)) <= 3e-7 * np.abs(np.tanh(exact))).all()


@every_isa
def test_what_overflows_ends_at_its_limit_and_nan_stays(isa):
    x = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38, 0.0, -0.0], np.float32)
    sigmoid, tanh = np.empty_like(x), np.empty_like(x)
    _native.activations(x, sigmoid, tanh, "float32", isa)
    np.testing.assert_allclose(sigmoid, [1, 0, np.nan, 1, 0, 0.5, 0.5], atol=1e-37)
    np.testing.assert_array_equal(tanh, [1, -1, np.nan, 1, -1, 0, 0])


@every_kernel
@pytest.mark.parametrize("threads", [1, 2])
def test_chunks_and_single_rows_are_bit_equal_to_the_whole_on_the_portable_set(on, cell, threads):
    on("portable", threads)
    given = sample(cell, T=40, H=37, D=11, B=9, seed=1).numpy(np.float32)
    prepared = native.prepare(cell, given.weights)
    y_BTH, end = native.scan(cell, prepared, given.x, given.lengths, given.state)

    state, parts = given.state, []
    for first, past in ((0, 7), (7, 8), (8, 40)):
        lengths_B = np.clip(given.lengths - first, 0, past - first)
        part, state = native.scan(cell, prepared, given.x[:, first:past], lengths_B, state)
        parts.append(part)
    assert np.array_equal(np.concatenate(parts, 1), y_BTH)
    assert all(map(np.array_equal, state, end))

    for reverse in (False, True):
        y_BTH, end = native.scan(cell, prepared, given.x, given.lengths, given.state, reverse)
        for b in range(9):
            own = given.rows([b])
            y_1TH, end_1 = native.scan(cell, prepared, own.x, own.lengths, own.state, reverse)
            assert np.array_equal(y_1TH[0], y_BTH[b])
            assert all(np.array_equal(one[0], all_[b]) for one, all_ in zip(end_1, end, strict=True))


@every_kernel
@every_isa
def test_a_number_of_threads_changes_no_output(on, cell, isa):
    given = sample(cell, T=12, H=40, D=5, B=11, seed=2).numpy(np.float32)
    results = []
    for threads in (1, 2, 3, 16):
        on(isa, threads)
        y_BTH, end = native.scan(cell, given.weights, given.x, given.lengths, given.state)
        results.append((y_BTH, *end))
    assert all(np.array_equal(a, b) for other in results[1:] for a, b in zip(results[0], other, strict=True))


def test_two_models_in_many_python_threads_do_not_disturb_each_other(on):
    on(ISAS[0], 2)
    samples = [
        sample(param.values[0], T=30, H=33, D=9, B=8, seed=s).numpy(np.float32) for s, param in enumerate(EVERY_KERNEL)
    ]
    cells = [param.values[0] for param in EVERY_KERNEL]
    expected = [
        native.scan(cell, s.weights, s.x, s.lengths, s.state)[0] for cell, s in zip(cells, samples, strict=True)
    ]
    wrong = []

    def work(k):
        for _ in range(30):
            s = samples[k]
            if not np.array_equal(native.scan(cells[k], s.weights, s.x, s.lengths, s.state)[0], expected[k]):
                wrong.append(k)

    workers = [threading.Thread(target=work, args=(k % len(cells),)) for k in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_computes_the_same(on):
    on(ISAS[0], 2)
    cell = EVERY_KERNEL[0].values[0]
    given = sample(cell, T=200, H=130, D=60, B=32, seed=3)
    single, learns = given.numpy(np.float32), given.torch(torch.float32, learns=True)
    expected = native.scan(cell, single.weights, single.x, single.lengths, single.state)[0]
    backward(cell, torch_engine.scan, learns)  # the parent's threads are running
    child = os.fork()
    if child == 0:
        same = np.array_equal(native.scan(cell, single.weights, single.x, single.lengths, single.state)[0], expected)
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_every_native_cell_has_a_name_in_python():
    assert sorted(native.NAMES.values()) == sorted(_native.cells())


def test_an_unknown_instruction_set_is_named(monkeypatch):
    monkeypatch.setenv("ANAPHORA_ISA", "sse9")
    with pytest.raises(ValueError, match="ANAPHORA_ISA='sse9'"):
        native.environment()


@pytest.mark.parametrize("threads", ["0", "two", "-1", ""])
def test_a_number_of_threads_that_is_none_is_refused(monkeypatch, threads):
    monkeypatch.setenv("ANAPHORA_THREADS", threads)
    with pytest.raises(ValueError, match="ANAPHORA_THREADS"):
        native.threads()
