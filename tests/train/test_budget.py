"""Measuring the machine leaves no trace in the training that follows."""

import numpy as np
import pytest
import torch

from anaphora.net.build import Backend, build, draw
from anaphora.tasks.classify.task import Classify, ClassifyConfig
from anaphora.train import blocks, budget
from anaphora.train.budget import steps_for
from anaphora.train.loop import Objective
from anaphora.train.net import Noise

SEED = 3


@pytest.mark.parametrize(("fitting", "steps"), [(3, 3), (10, 10), (25, 25), (50, 50), (50.9, 50), (52, 50), (56, 56)])
def test_a_last_epoch_of_few_steps_is_left_out(toy, monkeypatch, fitting, steps):
    options = ClassifyConfig(hidden_size=8, embedding_size=8, batch_size=4, minutes=1).resolved(100)
    task = Classify.learn(options, *toy)
    rows = (toy[0] * 100)[:100], (toy[1] * 100)[:100]
    training = task.encode(*rows)
    assert len(training.epoch(4, np.random.default_rng(0))) == 25
    monkeypatch.setattr(budget, "_seconds_per_step", lambda *given: 60 / fitting)
    net = build(task.recipe, task.spec(), Backend(blocks), draw(task.spec(), SEED))
    assert steps_for(options, Objective(net), training, 0, SEED, torch.device("cpu")) == steps


def test_steps_that_are_tried_move_neither_weights_nor_random_numbers(toy):
    options = ClassifyConfig(hidden_size=8, embedding_size=8, minutes=0.05).resolved(80)
    task = Classify.learn(options, *toy)
    net = build(task.recipe, task.spec(), Backend(blocks), draw(task.spec(), SEED))
    net.seed(SEED)
    noisy = [module for module in net.modules() if isinstance(module, Noise)]
    weights, states = net.arrays(), [module.generator.get_state() for module in noisy]
    assert steps_for(options, Objective(net), task.encode(*toy), 0, SEED, torch.device("cpu")) >= 1
    for name, array in net.arrays().items():
        assert np.array_equal(array, weights[name]), name
    assert states
    assert all(torch.equal(module.generator.get_state(), state) for module, state in zip(noisy, states, strict=True))
    assert all(parameter.grad is None for parameter in net.parameters())
