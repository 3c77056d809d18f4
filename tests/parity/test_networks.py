"""Every recipe, built with the training kit and with the runtime's on the same arrays, gives the same features.

The recipes come from the table of tasks, the cells and pools from theirs; a new one is one line in `recipes.ROWS`.
"""

from itertools import product

import numpy as np
import pytest
import torch
from recipes import EMPTY, ROWS, Case
from tolerances import assert_close

from anaphora.cells import CELLS
from anaphora.tasks.forecast import network as forecaster
from anaphora.net.blocks import POOLS
from anaphora.net.build import shapes
from anaphora.task import TASKS

every_task = pytest.mark.parametrize("name", ROWS)
every_network = pytest.mark.parametrize(
    "options",
    [
        {"cell": cell, "activation": activation, "pool": pool, "layers": layers, "bidirectional": both}
        for cell in CELLS
        for activation in CELLS[cell].activations
        for pool, layers, both in product(POOLS, (1, 2), (False, True))
    ],
    ids=lambda o: f"{o['cell']}-{o['activation']}-{o['pool']}-{o['layers']}-{'both' if o['bidirectional'] else 'one'}",
)


@pytest.fixture
def case(name, options):
    return Case(name, options)


def test_every_recipe_has_rows_here():
    assert {TASKS[name].recipe for name in ROWS} == {task.recipe for task in TASKS.values()} - {forecaster}


@every_task
@every_network
def test_training_and_runtime_give_the_same_features(case):
    assert_close(case.in_runtime(*case.inputs), case.in_torch(*case.inputs))


@every_task
@every_network
def test_training_and_runtime_give_the_same_head(case):
    features = case.in_torch(*case.inputs)
    with torch.no_grad():
        there = case.answers(case.trains, torch.from_numpy(features))
    assert_close(case.answers(case.runs, features), there)


@pytest.mark.parametrize("name", ["classify"])
@pytest.mark.parametrize("options", [{"dense": (5,)}, {"dense": (9, 4)}], ids=["one", "two"])
def test_dense_layers_give_the_same_features_and_none_below_zero(case):
    features_BD = case.in_runtime(*case.inputs)
    assert_close(features_BD, case.in_torch(*case.inputs))
    assert features_BD.min() == 0 < features_BD.max()


@every_task
@every_network
def test_padding_never_changes_an_answer(case):
    x, lengths_B = case.inputs
    # Token ids may be any, numbers may be none.
    filling = np.ones if x.dtype.kind == "i" else lambda shape, dtype: np.full(shape, np.nan, dtype)
    padded = np.concatenate([x, filling((len(x), 4, *x.shape[2:]), x.dtype)], 1)
    outside = np.arange(padded.shape[1]) >= lengths_B[:, None]
    padded[outside] = filling(padded[outside].shape, x.dtype)
    for run in case.kits:
        assert_close(run(padded, lengths_B), run(x, lengths_B))


@every_task
@every_network
def test_a_batch_equals_its_rows_one_by_one(case):
    for run in case.kits:
        alone = [run(*case.batch([row])) for row in range(len(case.examples))]
        assert_close(np.concatenate(alone), run(*case.inputs))


@every_task
@every_network
def test_an_empty_row_gives_finite_features(case):
    for run in case.kits:
        for inputs in (case.inputs, case.batch([EMPTY])):
            features_BD = run(*inputs)
            assert np.isfinite(features_BD).all()
            assert features_BD.shape[1] == case.task.spec()["head"].inputs


@every_task
@pytest.mark.parametrize("options", [{}])
def test_different_rows_have_different_features(case):
    features_BD = case.in_runtime(*case.inputs)
    for row, place in product(range(len(features_BD)), repeat=2):
        assert row == place or np.abs(features_BD[row] - features_BD[place]).max() > 1e-3


@every_task
@pytest.mark.parametrize("options", [{}])
def test_parameters_have_the_same_names_everywhere(case):
    assert list(case.trains.state_dict()) == list(shapes(case.task.spec()))
