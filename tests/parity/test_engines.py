"""Every engine in float32 against the reference loop in float64: outputs, states and gradients, at real sizes.

What an engine must do is written in `anaphora.engine`. A new engine is one line in ENGINES.
"""

from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import pytest
import torch
from samples import EVERY_CELL, backward, sample
from tolerances import assert_all_close

from anaphora.engine import native, reference
from anaphora.engine import torch as torch_engine


@dataclass(frozen=True)
class Engine:
    """`scan`, and whether it takes torch tensors and has gradients (or takes NumPy's arrays and has none)."""

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

# H, T and the settings that are run there. The reference takes seconds at the last points, so those have fewer.
GRID = [
    (13, 1, EVERY_SETTING),
    (13, 100, EVERY_SETTING),
    (13, 500, SOME_SETTINGS),
    (199, 1, EVERY_SETTING),
    (199, 100, SOME_SETTINGS),
    (199, 500, [RICHEST]),
    (512, 1, EVERY_SETTING),
    (512, 100, [RICHEST, AS_IN_TRAINING]),
    (512, 500, [RICHEST]),
]
every_point = pytest.mark.parametrize(
    ("H", "T", "setting"),
    [pytest.param(H, T, setting, id=f"H{H}-T{T}-{setting}") for H, T, settings in GRID for setting in settings],
    scope="module",  # pytest then runs all that is asked of one point together, and `expected` need not be kept long
)
every_cell = pytest.mark.parametrize("cell", EVERY_CELL, scope="module")
every_engine = pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
learning_engines = {name: engine for name, engine in ENGINES.items() if engine.learns}
every_learning_engine = pytest.mark.parametrize("engine", learning_engines.values(), ids=learning_engines)


def drawn(cell, H, T, setting):
    return sample(cell, H=H, T=T, D=7, B=4, ragged=setting.ragged, seed=H + T)


@lru_cache(maxsize=len(EVERY_CELL))
def expected(cell, H, T, setting):
    """Values and gradients by the equation, in float64; computed once for all engines."""
    given = drawn(cell, H, T, setting).torch(torch.float64, learns=True)
    return backward(cell, reference.scan, given, **setting.options)


@every_point
@every_cell
@every_engine
def test_outputs_and_states_are_the_equations(engine, cell, H, T, setting):
    given = drawn(cell, H, T, setting)
    given = given.torch(torch.float32) if engine.learns else given.numpy(np.float32)
    state = None if setting.zero_state else given.state
    y_BTH, end = engine.scan(cell, *given.inputs, state, reverse=setting.reverse, ends=setting.ends)
    assert_all_close((y_BTH, *end), expected(cell, H, T, setting)[0])


@every_point
@every_cell
@every_learning_engine
def test_gradients_are_the_equations(engine, cell, H, T, setting):
    given = drawn(cell, H, T, setting).torch(torch.float32, learns=True)
    _, gradients = backward(cell, engine.scan, given, **setting.options)
    assert_all_close(gradients, expected(cell, H, T, setting)[1])
