"""Every engine in float32 against the reference loop in float64: outputs, states and gradients, at real sizes.

`anaphora.engine` states the contract of an engine. A new engine is one line in ENGINES.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import pytest
import torch
from samples import EVERY_CELL, backward, sample
from tolerances import assert_all_close

from anaphora.cells import LinearCell
from anaphora.engine import native, reference
from anaphora.engine import torch as torch_engine


@dataclass(frozen=True)
class Engine:
    """`scan`, and whether it takes torch tensors and has gradients (or takes NumPy arrays and has none)."""

    scan: object
    learns: bool


ENGINES = {
    "reference": Engine(reference.scan, learns=False),
    "native": Engine(native.scan, learns=False),
    "torch": Engine(torch_engine.scan, learns=True),
}


@dataclass(frozen=True)
class Setting:
    """One way of calling `scan`."""

    reverse: bool = False
    ragged: bool = False
    zero_state: bool = False
    ends: bool = True

    @property
    def options(self):
        return {key: value for key, value in asdict(self).items() if key != "ragged"}

    def __str__(self):
        return "+".join(key for key, value in asdict(self).items() if value) or "plain"


EVERY_SETTING = [Setting(*flags) for flags in product([False, True], repeat=4)]
RICHEST = Setting(reverse=True, ragged=True)
AS_IN_TRAINING = Setting(ragged=True, zero_state=True, ends=False)
SOME_SETTINGS = [Setting(), RICHEST, AS_IN_TRAINING, Setting(reverse=True, zero_state=True, ends=False)]

# H, T and the settings that run at each size; then the settings that run only with the marker `full`. The reference
# takes seconds at the last sizes, so these have fewer.
GRID = [
    (13, 1, SOME_SETTINGS, EVERY_SETTING),
    (13, 100, EVERY_SETTING, []),
    (13, 500, SOME_SETTINGS, []),
    (199, 1, SOME_SETTINGS, EVERY_SETTING),
    (199, 100, SOME_SETTINGS, []),
    (199, 500, [RICHEST], []),
    (512, 1, SOME_SETTINGS, EVERY_SETTING),
    (512, 100, [RICHEST, AS_IN_TRAINING], []),
    (512, 500, [RICHEST], []),
]


def points():
    for H, T, settings, more in GRID:
        for setting in EVERY_SETTING:
            if setting in settings or setting in more:
                marks = () if setting in settings else pytest.mark.full
                yield pytest.param(H, T, setting, id=f"H{H}-T{T}-{setting}", marks=marks)


def has_fast_path(cell):
    return native.kernel_of(cell) is not None or isinstance(cell, LinearCell)


# pytest runs all tests of one point together because of the scope, so `expected` keeps few results.
every_point = pytest.mark.parametrize(("H", "T", "setting"), [*points()], scope="module")
every_engine_and_cell = pytest.mark.parametrize(
    ("engine", "cell"),
    [
        pytest.param(engine, *param.values, id=f"{name}-{param.id}")
        for param in EVERY_CELL
        for name, engine in ENGINES.items()
        if name == "reference" or has_fast_path(*param.values)
    ],
    scope="module",
)
every_learning_engine_and_cell = pytest.mark.parametrize(
    ("engine", "cell"),
    [
        pytest.param(engine, *param.values, id=f"{name}-{param.id}")
        for param in EVERY_CELL
        for name, engine in ENGINES.items()
        if engine.learns and has_fast_path(*param.values)
    ],
    scope="module",
)


def drawn(cell, H, T, setting):
    return sample(cell, H=H, T=T, D=7, B=4, ragged=setting.ragged, seed=H + T)


@lru_cache(maxsize=len(EVERY_CELL))
def expected(cell, H, T, setting):
    """Values and gradients of the reference loop in float64, computed once for all engines."""
    given = drawn(cell, H, T, setting).torch(torch.float64, learns=True)
    return backward(cell, reference.scan, given, **setting.options)


@every_point
@every_engine_and_cell
def test_outputs_and_states_are_the_equations(engine, cell, H, T, setting):
    given = drawn(cell, H, T, setting)
    given = given.torch(torch.float32) if engine.learns else given.numpy(np.float32)
    state = None if setting.zero_state else given.state
    y_BTH, end = engine.scan(cell, *given.inputs, state, reverse=setting.reverse, ends=setting.ends)
    assert_all_close((y_BTH, *end), expected(cell, H, T, setting)[0])


@every_point
@every_learning_engine_and_cell
def test_gradients_are_the_equations(engine, cell, H, T, setting):
    given = drawn(cell, H, T, setting).torch(torch.float32, learns=True)
    _, gradients = backward(cell, engine.scan, given, **setting.options)
    assert_all_close(gradients, expected(cell, H, T, setting)[1])


@pytest.mark.parametrize("cell", [param for param in EVERY_CELL if not has_fast_path(*param.values)])
@pytest.mark.parametrize("engine", [ENGINES["native"], ENGINES["torch"]], ids=["native", "torch"])
def test_a_cell_without_a_fast_path_runs_through_the_reference_loop(engine, cell, monkeypatch):
    given = sample(cell, T=3)
    given = given.torch(torch.float32) if engine.learns else given.numpy(np.float32)
    call = (cell, *given.inputs, given.state, True, False, False)
    calls = []
    monkeypatch.setattr(reference, "scan", lambda *arguments: calls.append(arguments) or "result")
    assert engine.scan(*call) == "result"
    ((*arguments,),) = calls
    assert all(actual is expected for actual, expected in zip(arguments, call, strict=True))


@pytest.mark.parametrize("cell", EVERY_CELL)
@pytest.mark.parametrize("engine", [ENGINES["native"], ENGINES["torch"]], ids=["native", "torch"])
def test_a_trace_runs_through_the_reference_loop(engine, cell, monkeypatch):
    given = sample(cell, T=3)
    given = given.torch(torch.float32) if engine.learns else given.numpy(np.float32)
    monkeypatch.setattr(reference, "scan", lambda *_: "result")
    assert engine.scan(cell, *given.inputs, trace=True) == "result"
