"""A recipe that answers each step, and one that reads gaps, are the same in both kits."""

import numpy as np
import pytest
import torch
from recipes import SERIES, Case
from tolerances import assert_close

from anaphora.cells import CELLS
from anaphora.engine.ragged import flat

STEPS = [
    {"targets": "step", "missing": missing, "cell": cell, "layers": layers, "bidirectional": both}
    for cell in CELLS
    for layers, both, missing in [(1, False, "refuse"), (2, False, "mask"), (1, True, "mask"), (2, True, "refuse")]
]
TARGETS = {
    "regress": [np.arange(float(len(row))) for row in SERIES],
    "classify_sequences": [["ab"[place % 2] for place in range(len(row))] for row in SERIES],
}


@pytest.fixture(params=TARGETS)
def name(request):
    return request.param


@pytest.fixture(params=STEPS, ids=lambda o: f"{o['cell']}-{o['layers']}-{o['bidirectional']}-{o['missing']}")
def case(request, name):
    rows = [row.copy() for row in SERIES]
    if request.param["missing"] == "mask":
        rows[0][1, 2] = rows[3][4, 0] = np.nan
    return Case(name, request.param, rows, TARGETS[name])


def test_training_and_runtime_give_the_same_features(case):
    assert_close(case.in_runtime(*case.inputs), case.in_torch(*case.inputs))


def test_training_and_runtime_give_the_same_answers(case):
    features = case.in_torch(*case.inputs)
    with torch.no_grad():
        there = case.trains.head(torch.from_numpy(features)).numpy()
    assert_close(case.runs.head(features), there)


def test_padding_never_changes_an_answer(case):
    x, lengths_B = case.inputs
    padded = np.concatenate([x, np.full((len(x), 4, x.shape[2]), np.nan, np.float32)], 1)
    padded[np.arange(padded.shape[1]) >= lengths_B[:, None]] = np.nan
    for run in case.kits:
        assert_close(flat(run(padded, lengths_B), lengths_B), flat(run(x, lengths_B), lengths_B))
        assert not run(padded, lengths_B)[:, x.shape[1] :].any()


def test_a_batch_equals_its_rows_one_by_one(case):
    lengths_B = case.inputs[1]
    for run in case.kits:
        alone = [run(*case.batch([row]))[0] for row in range(len(case.examples))]
        assert_close(np.concatenate(alone), flat(run(*case.inputs), lengths_B))


def test_the_loss_is_that_of_the_real_steps_alone(case, name):
    rows = [row for row in SERIES if len(row)]
    targets = [own for own in TARGETS[name] if len(own)]
    examples = case.task.encode(rows, targets)

    def loss(chosen):
        batch = examples.batch(np.array(chosen))
        inputs = tuple(map(torch.from_numpy, batch.inputs))
        given = type(batch)(inputs, torch.from_numpy(batch.targets))
        with torch.no_grad():
            return float(case.task.loss(case.trains, case.trains(*inputs)[0], given))

    lengths = [len(row) for row in rows]
    alone = np.average([loss([place]) for place in range(len(rows))], weights=lengths)
    assert loss(range(len(rows))) == pytest.approx(alone, rel=1e-5)
