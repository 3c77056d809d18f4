"""Products of bfloat16 and of bytes, on each instruction set: exactly what rounding leaves of the equation."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from samples import EVERY_CELL, backward, sample
from tolerances import TOLERANCES, error

from anaphora import SequenceRegressor, _native, load, nn
from anaphora.cells import CELLS
from anaphora.engine import native, reference
from anaphora.engine import torch as torch_engine
from anaphora.errors import OptionError

ISAS = _native.isas()
EVERY_KERNEL = [param for param in EVERY_CELL if native.kernel_of(param.values[0])]
every_kernel = pytest.mark.parametrize("cell", EVERY_KERNEL)
ROUNDED = ("bfloat16", "int8")


@pytest.fixture(params=ISAS, autouse=True)
def isa(request, monkeypatch):
    monkeypatch.setenv("ANAPHORA_ISA", request.param)
    monkeypatch.setenv("ANAPHORA_THREADS", "1")
    return request.param


def to_bfloat16(x):
    return torch.tensor(x).bfloat16().float().numpy()


def to_bytes(x):
    """Rows rounded to 127 steps of their largest number on either side."""
    scale = np.abs(x).max(-1, keepdims=True) / np.float32(127)
    return np.rint(x / np.where(scale > 0, scale, 1)).astype(np.float32) * scale


ROUND = {"bfloat16": to_bfloat16, "int8": to_bytes}


def run(cell, given, precision, reverse=False):
    prepared = native.prepare(cell, given.weights, precision)
    return native.scan(cell, prepared, given.x, given.lengths, given.state, reverse)


@every_kernel
@pytest.mark.parametrize("precision", ROUNDED)
@pytest.mark.parametrize("H", [1, 15, 16, 33, 199])
def test_one_step_is_the_equation_on_rounded_numbers(cell, precision, H):
    given = sample(cell, T=1, H=H, D=H + 2, B=7, ragged=False, seed=H).numpy(np.float32)
    y_BTH, end = run(cell, given, precision)
    of = ROUND[precision]
    weights = {name: of(w) if name.startswith("weight") else w for name, w in given.weights.items()}
    rounded_h, *c = given.state
    # What is multiplied is rounded, a GRU's h in (1 - z) n + z h is not: here it is, beforehand.
    if cell.name == "gru":
        given.state[0][...] = rounded_h = of(rounded_h)
        y_BTH, end = run(cell, given, precision)
    x_BTD = of(given.x)
    expected = reference.scan(cell, weights, x_BTD, given.lengths, (of(rounded_h), *c))
    for actual, exact in zip((y_BTH, *end), (expected[0], *expected[1]), strict=True):
        assert error(actual, exact) < (1e-4 if precision == "bfloat16" else 1e-3)  # a tie may be rounded either way


@every_kernel
@pytest.mark.parametrize(("H", "T"), [(13, 1), (13, 100), (199, 100), (512, 20)])
@pytest.mark.parametrize("ragged", [False, True], ids=["full", "ragged"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_errors_are_within_the_table(cell, H, T, ragged, reverse):
    given = sample(cell, H=H, T=T, D=7, B=5, ragged=ragged, seed=H + T)
    exact, gradients = backward(cell, reference.scan, given.torch(torch.float64, learns=True), reverse=reverse)
    scan = torch_engine.scan

    def half(*args, **options):
        return scan(*args, **options, precision="bfloat16")

    ours, our_gradients = backward(cell, half, given.torch(torch.float32, learns=True), reverse=reverse)
    pairs = zip(ours, exact, strict=True)
    assert max(error(actual, expected) for actual, expected in pairs) <= TOLERANCES["bfloat16"]
    errors = {name: error(our_gradients[name], gradients[name]) for name in gradients}
    # At relu's corner rounding turns a slope from 0 to 1: after a hundred steps little is left of the rest.
    assert max(errors.values()) <= (0.5 if getattr(cell, "activation", "tanh") == "relu" else TOLERANCES["bfloat16"]), errors

    y_BTH, end = run(cell, given.numpy(np.float32), "int8", reverse)
    pairs = zip((y_BTH, *end), exact, strict=True)
    assert max(error(actual, expected) for actual, expected in pairs) <= TOLERANCES["int8"]


@every_kernel
@pytest.mark.parametrize("precision", ROUNDED)
def test_rows_alone_chunks_and_threads_change_nothing(cell, precision, isa, monkeypatch):
    given = sample(cell, T=12, H=37, D=11, B=9, seed=1).numpy(np.float32)
    y_BTH, end = run(cell, given, precision)
    for threads in ("2", "5"):
        monkeypatch.setenv("ANAPHORA_THREADS", threads)
        assert np.array_equal(run(cell, given, precision)[0], y_BTH)
    prepared = native.prepare(cell, given.weights, precision)

    def close(a, b):  # elsewhere a last digit may be another, and round to another number
        return np.array_equal(a, b) if isa == "portable" else error(a, b) < TOLERANCES[precision]

    for b in range(9):
        own = given.rows([b])
        assert close(native.scan(cell, prepared, own.x, own.lengths, own.state)[0][0], y_BTH[b])
    state, parts = given.state, []
    for first, past in ((0, 5), (5, 12)):
        lengths_B = np.clip(given.lengths - first, 0, past - first)
        part, state = native.scan(cell, prepared, given.x[:, first:past], lengths_B, state)
        parts.append(part)
    assert close(np.concatenate(parts, 1), y_BTH)
    assert all(map(close, state, end))


@every_kernel
@pytest.mark.parametrize("precision", ROUNDED)
@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_what_is_no_number_stays_in_its_row(cell, precision, poison):
    given = sample(cell, T=3, H=5, D=4, B=3, ragged=False, seed=2).numpy(np.float32)
    clean, _ = run(cell, given, precision)
    given.x[1, 1, 2] = poison
    y_BTH, _ = run(cell, given, precision)
    assert np.array_equal(y_BTH[[0, 2]], clean[[0, 2]])
    assert np.array_equal(y_BTH[1, 0], clean[1, 0])
    if precision == "int8" or np.isnan(poison):
        assert np.isnan(y_BTH[1, 1:]).all()


@pytest.mark.parametrize("precision", ROUNDED)
def test_nothing_but_zeros_is_zero(precision):
    cell = next(param.values[0] for param in EVERY_KERNEL if param.values[0].name == "rnn")
    given = sample(cell, T=2, H=5, D=4, B=2, ragged=False, seed=3).numpy(np.float32)
    zero = {name: np.zeros_like(w) for name, w in given.weights.items()}
    y_BTH, _ = native.scan(cell, native.prepare(cell, zero, precision), given.x * 0, given.lengths)
    assert not y_BTH.any()


def test_the_quick_activations_have_the_stated_error(isa):
    x = np.concatenate([np.linspace(-40, 40, 100_001), [0.0, np.inf, -np.inf, 3e38, -3e38]]).astype(np.float32)
    sigmoid, tanh = np.empty_like(x), np.empty_like(x)
    _native.activations(x, sigmoid, tanh, "bfloat16", isa)
    with np.errstate(over="ignore"):
        assert np.abs(sigmoid - 1 / (1 + np.exp(-x.astype(np.float64)))).max() <= 1e-5
    assert np.abs(tanh - np.tanh(x.astype(np.float64))).max() <= 1e-5
    assert not tanh[x == 0].any()
    _native.activations(np.array([np.nan], np.float32), sigmoid[:1], tanh[:1], "bfloat16", isa)
    assert np.isnan(sigmoid[0])
    assert np.isnan(tanh[0])


def test_auto_is_bfloat16_where_the_processor_multiplies_it(isa):
    assert native.resolve("auto") == ("bfloat16" if isa in ("avx512_bf16", "amx") else "float32")
    assert native.resolve("int8") == "int8"
    with pytest.raises(OptionError, match="precision 'half' is not known"):
        native.resolve("half")
    without = CELLS["gru_textbook"]()
    assert native.used(without, "bfloat16") == "float32"
    with pytest.raises(OptionError, match="half"):
        native.prepare(without, {}, "half")


def test_int8_does_not_learn():
    weights = [np.zeros(shape, np.float32) for shape in ((4, 1), (4, 1), 4, 4)]
    with pytest.raises(ValueError, match="no way back in int8"):
        _native.Packed("lstm", *weights, False, True, "int8", None, 1)
    wide = [np.zeros(shape, np.float32) for shape in ((1, 130_001), (1, 1), 1, 1)]
    with pytest.raises(ValueError, match="widths up to 130000"):
        _native.Packed("rnn_tanh", *wide, True, False, "int8", None, 1)
    with pytest.raises(ValueError, match="int8"):
        nn.LSTM(2, 2, precision="int8")


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_modules_compute_in_bfloat16_and_give_float32(kind):
    torch.manual_seed(0)
    module = kind(5, 7, 2, bidirectional=True, batch_first=True, precision="bfloat16")
    plain = kind(5, 7, 2, bidirectional=True, batch_first=True)
    plain.load_state_dict(module.state_dict())
    x = torch.randn(3, 4, 5)
    y, expected = module(x)[0], plain(x)[0]
    assert y.dtype == torch.float32
    assert 1e-5 < error(y, expected) < TOLERANCES["bfloat16"]
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(module(x)[0], y)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_compiled_programs_compute_in_bfloat16_too(isa):
    if isa != ISAS[0]:
        pytest.skip("one instruction set is enough")
    torch.manual_seed(0)
    module = nn.GRU(5, 7, batch_first=True, precision="bfloat16")
    x = torch.randn(3, 4, 5)
    y, _ = module(x)
    compiled, _ = torch.compile(module, backend="aot_eager")(x)
    assert torch.equal(compiled, y)
    compiled.sum().backward()
    gradient = module.weight_hh_l0.grad.clone()
    module.zero_grad()
    y.sum().backward()
    assert torch.equal(gradient, module.weight_hh_l0.grad)


def test_a_saved_model_runs_in_each_precision(tmp_path):
    rng = np.random.default_rng(0)
    series = rng.standard_normal((40, 9)).cumsum(1)
    model = SequenceRegressor(hidden_size=16, steps=30, precision="bfloat16").fit(series[:, :8], series[:, 8])
    assert model.bundle_.training["precision"] == "bfloat16"
    model.save(tmp_path / "m")
    single = load(tmp_path / "m").predict(series[:, :8])
    assert np.array_equal(single, model.predict(series[:, :8]))
    for precision in ROUNDED:
        rounded = load(tmp_path / "m", precision=precision).predict(series[:, :8])
        assert 0 < error(rounded, single) < TOLERANCES[precision]
    with pytest.raises(OptionError, match="half"):
        load(tmp_path / "m", precision="half")
