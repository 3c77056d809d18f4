"""The pools, under NumPy and torch, against a plain computation on each row's own outputs."""

import numpy as np
import pytest
import torch

from anaphora.engine.pool import pool
from anaphora.net.blocks import POOLS

LENGTHS = np.array([3, 6, 0, 1, 5])
B, T, D = 5, 6, 4

both_libraries = pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])
every_pool = pytest.mark.parametrize("kind", POOLS)
one_and_two_directions = pytest.mark.parametrize("bidirectional", [False, True], ids=["one", "both"])


def draw(scale=1.0):
    """Outputs as an engine leaves them (zeros after the ends), and the weights of attention."""
    rng = np.random.default_rng(0)
    y_BTH = scale * (rng.standard_normal((B, T, D)) - 2)  # mostly below zero, so a maximum with the padding shows
    y_BTH[np.arange(T) >= LENGTHS[:, None]] = 0
    shapes = {"weight": (D, D), "bias": (D,), "query": (D,)}
    return y_BTH, {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def attention(y_TD, weights):
    scores = [weights["query"] @ np.tanh(weights["weight"] @ y_D + weights["bias"]) for y_D in y_TD]
    weights_T = np.exp(scores) / np.exp(scores).sum()
    return sum(weight * y_D for weight, y_D in zip(weights_T, y_TD, strict=True))


def plain(kind, y_TD, weights, bidirectional):
    """One row, without its padding."""
    if len(y_TD) == 0:
        return np.zeros(D * len(kind.split("+")))
    half = D // 2 if bidirectional else D
    last = np.concatenate([y_TD[-1, :half], y_TD[0, half:]])
    return {
        "last": lambda: last,
        "mean": lambda: y_TD.mean(0),
        "max": lambda: y_TD.max(0),
        "mean+max": lambda: np.concatenate([y_TD.mean(0), y_TD.max(0)]),
        "last+mean+max": lambda: np.concatenate([last, y_TD.mean(0), y_TD.max(0)]),
        "attention": lambda: attention(y_TD, weights),
    }[kind]()


def run(convert, kind, y_BTH, lengths_B, weights, bidirectional=False):
    weights = {name: convert(array) for name, array in weights.items()}
    return np.asarray(pool(kind, convert(y_BTH), convert(lengths_B), weights, bidirectional))


@both_libraries
@every_pool
@one_and_two_directions
def test_a_pool_is_the_plain_computation_on_each_row(convert, kind, bidirectional):
    y_BTH, weights = draw()
    rows = zip(y_BTH, LENGTHS, strict=True)
    expected = [plain(kind, y_TD[:length], weights, bidirectional) for y_TD, length in rows]
    np.testing.assert_allclose(run(convert, kind, y_BTH, LENGTHS, weights, bidirectional), expected, rtol=1e-12)


@both_libraries
@every_pool
@one_and_two_directions
def test_more_padding_changes_no_pool(convert, kind, bidirectional):
    y_BTH, weights = draw()
    padded = np.concatenate([y_BTH, np.zeros((B, 3, D))], 1)
    expected = run(convert, kind, y_BTH, LENGTHS, weights, bidirectional)
    np.testing.assert_allclose(run(convert, kind, padded, LENGTHS, weights, bidirectional), expected, rtol=1e-12)


@both_libraries
@every_pool
@one_and_two_directions
def test_an_empty_row_is_zeros(convert, kind, bidirectional):
    y_BTH, weights = draw()
    assert not run(convert, kind, y_BTH, LENGTHS, weights, bidirectional)[2].any()


@both_libraries
@every_pool
@one_and_two_directions
def test_a_batch_of_no_steps_is_zeros_of_the_same_width(convert, kind, bidirectional):
    y_BTH, weights = draw()
    width = run(convert, kind, y_BTH, LENGTHS, weights, bidirectional).shape[1]
    result = run(convert, kind, y_BTH[:, :0], np.zeros(B, int), weights, bidirectional)
    np.testing.assert_array_equal(result, np.zeros((B, width)))


@both_libraries
def test_attention_does_not_overflow(convert):
    y_BTH, weights = draw(scale=10.0)
    weights["query"] *= 1e4
    result = run(convert, "attention", y_BTH, LENGTHS, weights)
    assert np.isfinite(result).all()
    np.testing.assert_allclose(result[3], y_BTH[3, 0])  # a row of one step gives all attention to it


@every_pool
@one_and_two_directions
def test_gradients_of_a_pool_equal_finite_differences(kind, bidirectional):
    y_BTH, weights = draw()
    y_BTH = torch.from_numpy(y_BTH).requires_grad_()
    arrays = [torch.from_numpy(array).requires_grad_() for array in weights.values()]
    inside_BT1 = torch.from_numpy(np.arange(T) < LENGTHS[:, None])[:, :, None]

    def run(y_BTH, *arrays):
        named = dict(zip(weights, arrays, strict=False))
        return pool(kind, y_BTH * inside_BT1, torch.from_numpy(LENGTHS), named, bidirectional)

    assert torch.autograd.gradcheck(run, (y_BTH, *(arrays if kind == "attention" else [])))


@every_pool
def test_an_empty_row_gives_finite_gradients(kind):
    y_BTH, weights = draw()
    y_BTH = torch.from_numpy(y_BTH).requires_grad_()
    weights = {name: torch.from_numpy(array).requires_grad_() for name, array in weights.items()}
    pool(kind, y_BTH, torch.from_numpy(LENGTHS), weights).sum().backward()
    leaves = [y_BTH, *(weights.values() if kind == "attention" else [])]
    assert all(leaf.grad.isfinite().all() for leaf in leaves)
