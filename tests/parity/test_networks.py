"""Every network gives the same outputs in both backends, whatever its batch and padding.

The networks come from the table of tasks and from each task's own sample rows; the cells from their table. Pools and
directions are tested with one cell, cells with one pool: each pair meets at least once.
"""

from itertools import product

import numpy as np
import pytest
from recipes import EMPTY, SAMPLES, Case
from tolerances import assert_close

from anaphora.cells import CELLS
from anaphora.net.blocks import POOLS
from anaphora.net.build import shapes
from anaphora.task import task_class
from anaphora.tasks import TASKS

CELL_SETTINGS = [
    {"cell": cell, "activation": activation, "pool": "last", "layers": layers, "bidirectional": both}
    for cell in CELLS
    for activation in CELLS[cell].activations
    for layers, both in product((1, 2), (False, True))
]
POOL_SETTINGS = [
    {"cell": "lstm", "activation": "tanh", "pool": pool, "layers": 1, "bidirectional": both}
    for pool, both in product(POOLS, (False, True))
]


def without_repeats(name, settings):
    """The settings that make different networks: a language model has no pool and no direction."""
    config = SAMPLES[name][3]
    known = {}
    for setting in settings:
        used = {
            key: value for key, value in setting.items() if hasattr(config, key) or key in config.__dataclass_fields__
        }
        known.setdefault(tuple(used.items()), setting)
    return list(known.values())


every_network = pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(name, options, id=f"{name}-{'-'.join(map(str, options.values()))}")
        for name in SAMPLES
        for options in without_repeats(name, CELL_SETTINGS + POOL_SETTINGS)
    ],
)
every_task = pytest.mark.parametrize("name", SAMPLES)


@pytest.fixture
def case(name, options):
    return Case(name, options)


def test_every_task_but_the_forecaster_has_rows_here():
    """A forecaster reads windows: tests/forecaster."""
    assert {sample[0] for sample in SAMPLES.values()} == set(TASKS) - {"forecast"}
    assert all(task_class(name).recipe for name in TASKS)


@every_network
def test_training_and_runtime_give_the_same_outputs(case):
    assert_close(case.in_runtime(*case.inputs), case.in_torch(*case.inputs))


@pytest.mark.parametrize("name", ["classify-labels"])
@pytest.mark.parametrize("options", [{"dense": (5,)}, {"dense": (9, 4)}], ids=["one", "two"])
def test_dense_layers_give_the_same_outputs(case):
    assert_close(case.in_runtime(*case.inputs), case.in_torch(*case.inputs))


@every_network
def test_padding_never_changes_an_answer(case):
    x, lengths_B = case.inputs
    # Padding may be any token id, or any number.
    filling = np.ones if x.dtype.kind == "i" else lambda shape, dtype: np.full(shape, np.nan, dtype)
    padded = np.concatenate([x, filling((len(x), 4, *x.shape[2:]), x.dtype)], 1)
    outside = np.arange(padded.shape[1]) >= lengths_B[:, None]
    padded[outside] = filling(padded[outside].shape, x.dtype)
    for run in case.backends:
        assert_close(run(padded, lengths_B), run(x, lengths_B))


@every_network
def test_a_batch_equals_its_rows_one_by_one(case):
    for run in case.backends:
        alone = [run(*case.batch([row])) for row in range(len(case.rows))]
        assert_close(np.concatenate(alone), run(*case.inputs))


@every_network
def test_an_empty_row_gives_finite_outputs(case):
    for run in case.backends:
        for inputs in (case.inputs, case.batch([EMPTY])):
            assert np.isfinite(run(*inputs)).all()


@every_task
@pytest.mark.parametrize("options", [{}])
def test_different_rows_have_different_outputs(case):
    outputs_BD = case.in_runtime(*case.inputs)
    for row, other in product(range(len(outputs_BD)), repeat=2):
        assert row == other or np.abs(outputs_BD[row] - outputs_BD[other]).max() > 1e-4


@every_task
@pytest.mark.parametrize("options", [{}])
def test_parameters_have_the_same_names_everywhere(case):
    assert list(case.trains.state_dict()) == list(shapes(case.task.spec()))
