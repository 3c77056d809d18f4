"""A network that answers each step, and one that reads missing values, are the same in both backends."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from samples import random_array
from tolerances import assert_close

from anaphora.cells import CELLS
from anaphora.net.build import Backend, build, shapes
from anaphora.runtime import blocks as runtime_blocks
from anaphora.tasks.sequences.sample import ROWS, SAMPLES
from anaphora.tasks.sequences.task import Sequences
from anaphora.train import blocks as train_blocks

STEPS = [
    {"targets": "step", "missing": missing, "cell": cell, "layers": layers, "bidirectional": both}
    for cell in CELLS
    for layers, both, missing in [(1, False, "refuse"), (2, False, "mask"), (1, True, "mask"), (2, True, "refuse")]
]
TARGETS = {
    "numbers": [np.arange(float(len(row))) for row in ROWS],
    "labels": [["ab"[step % 2] for step in range(len(row))] for row in ROWS],
}


@pytest.fixture(params=TARGETS)
def name(request):
    return request.param


@pytest.fixture(params=STEPS, ids=lambda o: f"{o['cell']}-{o['layers']}-{o['bidirectional']}-{o['missing']}")
def case(request, name):
    """A task, its network in both backends with the same random arrays, and functions that run them."""
    rows = [row.copy() for row in ROWS]
    if request.param["missing"] == "mask":
        rows[0][1, 2] = rows[3][4, 0] = np.nan
    config = SAMPLES[name][2]
    options = config(hidden_size=7, dropout=0.0, locked_dropout=0.0, **request.param).resolved(1)
    task = Sequences.learn(options, rows, TARGETS[name])
    rng, spec = np.random.default_rng(0), task.spec()
    arrays = {key: random_array(rng, shape, 7).astype(np.float32) for key, shape in shapes(spec).items()}
    trains = build(task.recipe, spec, Backend(train_blocks), arrays).eval()
    runs = build(task.recipe, spec, Backend(runtime_blocks), arrays)

    def in_torch(x, lengths_B):
        with torch.no_grad():
            return trains(*map(torch.from_numpy, (x, lengths_B)))[0].numpy()

    def in_runtime(x, lengths_B):
        return runs(x, lengths_B)[0]

    examples = task.encode(rows)
    return SimpleNamespace(task=task, trains=trains, runs=runs, examples=examples, backends=(in_torch, in_runtime))


def batch(case, chosen):
    return case.examples.batch(np.array(chosen)).inputs


def test_training_and_runtime_give_the_same_outputs(case):
    inputs = batch(case, range(len(ROWS)))
    in_torch, in_runtime = (run(*inputs) for run in case.backends)
    assert len(in_torch) == sum(map(len, ROWS))
    assert_close(in_runtime, in_torch)


def test_training_and_runtime_decode_to_the_same_answers(case):
    inputs = batch(case, range(len(ROWS)))
    in_torch, in_runtime = (run(*inputs) for run in case.backends)
    there = case.trains.loss.decode(torch.from_numpy(in_torch))
    assert_close(case.runs.loss.decode(in_runtime), there)


def test_padding_never_changes_an_answer(case):
    x, lengths_B = batch(case, range(len(ROWS)))
    padded = np.concatenate([x, np.full((len(x), 4, x.shape[2]), np.nan, np.float32)], 1)
    padded[np.arange(padded.shape[1]) >= lengths_B[:, None]] = np.nan
    for run in case.backends:
        assert_close(run(padded, lengths_B), run(x, lengths_B))


def test_a_batch_equals_its_rows_one_by_one(case):
    for run in case.backends:
        alone = [run(*batch(case, [row])) for row in range(len(ROWS))]
        assert_close(np.concatenate(alone), run(*batch(case, range(len(ROWS)))))


def test_the_loss_is_that_of_the_real_steps_alone(case, name):
    rows = [row for row in ROWS if len(row)]
    targets = [of_row for of_row in TARGETS[name] if len(of_row)]
    examples = case.task.encode(rows, targets)
    in_torch = case.backends[0]

    def loss(chosen):
        some = examples.batch(np.array(chosen))
        outputs = torch.from_numpy(in_torch(*some.inputs))
        return float(case.trains.loss.loss(outputs, torch.from_numpy(some.targets)))

    lengths = [len(row) for row in rows]
    alone = np.average([loss([index]) for index in range(len(rows))], weights=lengths)
    assert loss(range(len(rows))) == pytest.approx(alone, rel=1e-5)
