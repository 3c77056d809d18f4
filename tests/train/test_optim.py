"""The optimizer pulls weights towards zero, and no biases; the learning rate is that of its schedule."""

import pytest
import torch

from anaphora.net.build import Backend, build, draw
from anaphora.task import OPTIMIZERS
from anaphora.tasks.classify.task import Classify, ClassifyConfig
from anaphora.train import blocks
from anaphora.train.optim import learning_rate, make_optimizer


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_weight_decay_pulls_matrices_and_no_biases(optimizer, decay, toy):
    options = ClassifyConfig(
        hidden_size=4, embedding_size=4, pool="attention", optimizer=optimizer, weight_decay=decay
    ).resolved(80)
    task = Classify.learn(options, *toy)
    net = build(task.recipe, task.spec(), Backend(blocks), draw(task.spec(), 0))
    for parameter in net.parameters():
        parameter.data.fill_(1.0)
        parameter.grad = torch.zeros_like(parameter)  # so that only the decay moves it
    make_optimizer(net, options).step()
    pulled = {name for name, parameter in net.named_parameters() if (parameter < 1).all()}
    assert pulled == {name for name, parameter in net.named_parameters() if decay and "weight" in name}
    assert all((parameter == 1).all() for name, parameter in net.named_parameters() if name not in pulled)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [1, 1, 1, 1, 1]),
        ("cosine", [1, 0.853553, 0.5, 0.146447, 0.009607]),
        ("one-cycle", [0.2, 1, 0.75, 0.25, 0.017037]),
    ],
)
def test_rates_at_each_quarter_and_at_the_end(schedule, expected):
    options = ClassifyConfig(schedule=schedule, learning_rate=1.0)
    assert [learning_rate(options, step, 16) for step in (0, 4, 8, 12, 15)] == pytest.approx(expected, abs=1e-6)
