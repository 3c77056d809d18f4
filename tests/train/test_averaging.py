"""Averaged SGD that begins when the score no longer improves."""

import pytest
import torch
from torch import nn

from anaphora.train.averaging import WAIT, Average


@pytest.fixture
def net() -> nn.Linear:
    return nn.Linear(1, 1, bias=False)


def set_to(net: nn.Linear, value: float) -> None:
    with torch.no_grad():
        net.weight.fill_(value)


def test_the_mean_runs_over_the_steps_since_it_began(net: nn.Linear) -> None:
    average = Average(net, active=True)
    set_to(net, 100.0)
    average.step()
    average.begin()
    for value in (1.0, 2.0, 6.0):
        set_to(net, value)
        average.step()
    with average.in_place():
        assert net.weight.item() == pytest.approx(3.0)
    assert net.weight.item() == 6.0


def test_it_begins_when_a_score_is_below_the_best_of_those_long_before(net: nn.Linear) -> None:
    average = Average(net, active=True)
    scores = [float(n) for n in range(WAIT + 2)]
    average.check(scores)
    assert not average.means
    average.check([*scores, 0.5])  # the best of those more than WAIT before it is 1
    assert average.means


def test_it_does_not_begin_early_or_where_it_is_not_wanted(net: nn.Linear) -> None:
    falling = [-float(n) for n in range(WAIT + 1)]
    average, unwanted = Average(net, active=True), Average(net, active=False)
    average.check(falling)
    unwanted.check([*falling, -100.0])
    assert not average.means
    assert not unwanted.means
    with average.in_place():
        pass
