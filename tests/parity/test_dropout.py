"""Dropout: it acts while training, by its own seeded random numbers, and does nothing at prediction."""

import numpy as np
import pytest
import torch
from recipes import SAMPLES, Case, rates

from anaphora.cells import CELLS
from anaphora.net import blocks
from anaphora.net.build import draw
from anaphora.train import blocks as train_kit

RATE = 0.4


# One rate at a time, so that one that acts cannot hide another that does not.
DROPOUTS = [
    (name, dict.fromkeys(rates(sample[3]), 0.0) | {chosen: RATE})
    for name, sample in SAMPLES.items()
    for chosen in rates(sample[3])
]
every_dropout = pytest.mark.parametrize(("name", "options"), DROPOUTS)


def noisy(spec):
    """A block of the training kit, seeded, in training mode."""
    block = train_kit.BLOCKS[type(spec)](spec, {}).train()
    block.generator.manual_seed(0)
    return block


@pytest.fixture
def trained(name, options):
    """`features()` of a network in training mode, and the network."""
    case = Case(name, options)
    net = case.trains.train()
    return (lambda: case.in_torch(*case.inputs)), net


@every_dropout
def test_it_changes_the_features_of_every_call_while_training(trained):
    features, _ = trained
    assert np.abs(features() - features()).max() > 1e-3


@every_dropout
def test_it_does_nothing_in_eval_mode(name, options):
    rates = Case(name, options)
    without = Case(name, dict.fromkeys(options, 0.0))
    np.testing.assert_array_equal(rates.in_torch(*rates.inputs), without.in_torch(*without.inputs))


@every_dropout
def test_a_rate_of_zero_does_nothing_while_training(name, options):
    case = Case(name, dict.fromkeys(options, 0.0))
    evaluated = case.in_torch(*case.inputs)
    case.trains.train()
    np.testing.assert_array_equal(case.in_torch(*case.inputs), evaluated)


@every_dropout
def test_the_same_seed_gives_the_same_run(trained):
    features, net = trained
    net.seed(3)
    first = [features(), features()]
    net.seed(3)
    np.testing.assert_array_equal([features(), features()], first)


@every_dropout
def test_another_seed_gives_another_run(trained):
    features, net = trained
    net.seed(3)
    first = features()
    net.seed(4)
    assert np.abs(features() - first).max() > 1e-3


@every_dropout
def test_torchs_global_random_numbers_are_left_alone(trained):
    features, net = trained
    before = torch.random.get_rng_state()
    net.seed(3)
    features()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_blocks_of_one_network_have_different_random_numbers():
    net = Case("classify", {}).trains
    net.seed(3)
    noisy = [module for module in net.modules() if isinstance(module, train_kit.Noise)]
    draws = [tuple(torch.rand(4, generator=module.generator).tolist()) for module in noisy]
    assert len(set(draws)) == len(draws) > 1


def test_word_dropout_replaces_the_stated_share_with_the_unknown_id():
    ids_BT = torch.arange(1, 20_001).reshape(100, 200)
    got = noisy(blocks.WordDropout(RATE, unknown=0))(ids_BT)
    replaced = got != ids_BT
    assert replaced.double().mean().item() == pytest.approx(RATE, abs=0.02)
    assert (got[replaced] == 0).all()


def test_word_dropout_chooses_each_place_by_itself():
    got = noisy(blocks.WordDropout(RATE, unknown=0))(torch.ones(40, 50, dtype=torch.int64))
    assert (got != got[:1]).any()
    assert (got != got[:, :1]).any()


def test_locked_dropout_has_one_mask_for_all_places_of_a_row():
    got = noisy(blocks.LockedDropout(RATE))(torch.ones(30, 9, 20))
    assert torch.equal(got, got[:, :1].expand_as(got))


def test_locked_dropout_has_another_mask_for_every_row():
    got = noisy(blocks.LockedDropout(RATE))(torch.ones(30, 9, 20))
    assert len({tuple(row.tolist()) for row in got[:, 0]}) == 30


@pytest.mark.parametrize("block", [blocks.Dropout(RATE), blocks.LockedDropout(RATE)], ids=["dropout", "locked"])
def test_a_number_is_zeroed_at_the_stated_rate_or_scaled_so_that_the_mean_stays(block):
    x = torch.full((400, 1, 50), 3.0)
    got = noisy(block)(x)
    kept = got != 0
    assert kept.double().mean().item() == pytest.approx(1 - RATE, abs=0.02)
    assert torch.allclose(got[kept], x[kept] / (1 - RATE))
    assert got.mean().item() == pytest.approx(3.0, rel=0.03)


@pytest.fixture
def outputs():
    """`outputs(spec)`: what a recurrent block gives in two calls while training."""

    def run(spec):
        arrays = {name.removeprefix("rnn."): array for name, array in draw({"rnn": spec}, seed=0).items()}
        block = train_kit.Recurrent(spec, arrays).train()
        x_BTD = torch.randn(2, 6, 3, generator=torch.Generator().manual_seed(0))
        return [block(x_BTD, torch.tensor([6, 2]))[0].detach() for _ in range(2)]

    return run


@pytest.mark.parametrize(("layers", "changes"), [(1, False), (2, True), (3, True)])
def test_recurrent_dropout_stands_between_layers_and_nowhere_else(outputs, layers, changes):
    first, second = outputs(blocks.Recurrent(CELLS["lstm"](), 3, 5, layers, dropout=RATE))
    assert bool((first - second).abs().max() > 1e-3) == changes


def test_weight_drop_acts_on_the_recurrent_weights_alone(outputs):
    """At the first place the state is zero, so the recurrent weights are no matter there, but all others are."""
    first, second = outputs(blocks.Recurrent(CELLS["lstm"](), 3, 5, weight_drop=RATE))
    assert torch.equal(first[:, 0], second[:, 0])
    assert (first[:, 1] - second[:, 1]).abs().max() > 1e-3


def test_weight_drop_acts_in_both_directions(outputs):
    spec = blocks.Recurrent(CELLS["lstm"](), 3, 5, 1, bidirectional=True, weight_drop=RATE)
    first, second = outputs(spec)
    assert all(((first - second)[..., half].abs().max() > 1e-3) for half in (slice(0, 5), slice(5, 10)))


@every_dropout
def test_it_does_nothing_when_a_saved_model_answers(name, options):
    rates = Case(name, options)
    without = Case(name, dict.fromkeys(options, 0.0))
    np.testing.assert_array_equal(rates.in_runtime(*rates.inputs), without.in_runtime(*without.inputs))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(("layers", "changes"), [(1, False), (2, True)])
def test_locked_dropout_stands_between_the_layers_too(name, layers, changes):
    # A language model's layers have a rate of their own.
    rates = {"layer_dropout": RATE} if name == "language" else {"locked_dropout": RATE}
    case = Case(name, rates | {"layers": layers})
    case.trains.train().locked_dropout.eval()  # the one before the layers is switched off
    first, second = case.in_torch(*case.inputs), case.in_torch(*case.inputs)
    assert bool(np.abs(first - second).max() > 1e-3) == changes
