"""Single cells: how the output follows from the gates, and how a cell differs from similar ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from samples import EVERY_CELL

from anaphora.cells import CELLS
from anaphora.cells.minlstm import normalised_forget_gate
from anaphora.engine.reference import scan


def rnn(activate, gates, h):
    return (gates["h"],)


def lstm(activate, gates, h, c):
    c = gates["f"] * c + gates["i"] * gates["g"]
    return gates["o"] * activate(c), c


def gru(activate, gates, h):
    return ((1 - gates["z"]) * gates["n"] + gates["z"] * h,)


def gru_textbook(activate, gates, h):
    return (gates["z"] * gates["n"] + (1 - gates["z"]) * h,)


def mingru(activate, gates, h):
    return ((1 - gates["z"]) * h + gates["z"] * gates["n"],)


def minlstm(activate, gates, h):
    return (gates["f"] * h + gates["i"] * gates["n"],)


NEXT_STATE = {
    "rnn": rnn,
    "lstm": lstm,
    "gru": gru,
    "gru_textbook": gru_textbook,
    "mingru": mingru,
    "minlstm": minlstm,
}
ACTIVATE = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}
MINIMAL = pytest.mark.parametrize("name", ["mingru", "minlstm"])


def draw(cell, D=3, H=4, T=6, B=2):
    rng = np.random.default_rng(0)
    weights = {name: rng.uniform(-1, 1, p.shape) for name, p in cell.parameters(D, H).items()}
    state = tuple(rng.standard_normal((B, H)) for _ in cell.state)
    return weights, rng.standard_normal((B, T, D)), np.full(B, T), state


@pytest.mark.parametrize("cell", EVERY_CELL)
def test_the_outputs_follow_from_the_traced_gates(cell):
    activate = ACTIVATE[getattr(cell, "activation", "tanh")]
    *given, state = draw(cell)
    y_BTH, end, gates = scan(cell, *given, state, trace=True)
    for t in range(6):
        state = NEXT_STATE[cell.name](activate, {gate: a[:, t] for gate, a in gates.items()}, *state)
        np.testing.assert_allclose(state[0], y_BTH[:, t], rtol=1e-12)
    np.testing.assert_allclose(state, end, rtol=1e-12)


def test_the_textbook_gru_resets_before_the_product():
    cell = CELLS["gru_textbook"]()
    weights, x_BTD, lengths_B, (h,) = draw(cell, T=1)
    _, _, gates = scan(cell, weights, x_BTD, lengths_B, (h,), trace=True)
    W_in, W_hn = weights["weight_ih"][8:], weights["weight_hh"][8:]
    b_n = weights["bias_ih"][8:] + weights["bias_hh"][8:]
    for b in range(2):
        n_H = np.tanh(W_in @ x_BTD[b, 0] + W_hn @ (gates["r"][b, 0] * h[b]) + b_n)
        np.testing.assert_allclose(gates["n"][b, 0], n_H, rtol=1e-12)


def test_the_textbook_gru_is_torchs_with_z_negated_if_the_order_of_reset_and_product_does_not_matter():
    """With a diagonal W_hn and no b_hn, r * (W_hn h) and W_hn (r * h) are equal."""
    weights, *given = draw(CELLS["gru"]())
    weights["weight_hh"][8:] = np.diag(weights["weight_hh"][8:].diagonal())
    weights["bias_hh"][8:] = 0
    turned = {name: array.copy() for name, array in weights.items()}
    for array in turned.values():
        array[4:8] *= -1  # sigmoid(-x) = 1 - sigmoid(x)
    y_BTH, _ = scan(CELLS["gru"](), weights, *given)
    y_textbook, _ = scan(CELLS["gru_textbook"](), turned, *given)
    np.testing.assert_allclose(y_textbook, y_BTH, rtol=1e-12)


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_relu_gives_other_outputs_than_tanh_and_none_below_zero(name):
    cell = CELLS[name]("relu")
    given = draw(cell)
    (y_relu, _), (y_tanh, _) = scan(cell, *given), scan(replace(cell, activation="tanh"), *given)
    assert (y_relu >= 0).all()
    assert np.abs(y_relu - y_tanh).max() > 0.1


@MINIMAL
def test_a_positive_candidate_follows_appendix_b(name):
    cell = CELLS[name]("positive")
    weights, x_BTD, lengths_B, state = draw(cell)
    _, _, gates = scan(cell, weights, x_BTD, lengths_B, state, trace=True)
    n = x_BTD @ weights["weight_ih"][-4:].T + weights["bias_ih"][-4:]
    np.testing.assert_allclose(gates["n"], np.where(n >= 0, n + 0.5, 1 / (1 + np.exp(-n))), rtol=1e-12)
    assert (gates["n"] > 0).all()


def test_the_gates_of_minlstm_are_divided_by_their_sum():
    cell = CELLS["minlstm"]()
    weights, x_BTD, lengths_B, state = draw(cell)
    _, _, gates = scan(cell, weights, x_BTD, lengths_B, state, trace=True)
    f, i, _ = np.split(1 / (1 + np.exp(-(x_BTD @ weights["weight_ih"].T + weights["bias_ih"]))), 3, -1)
    np.testing.assert_allclose(gates["f"], f / (f + i), rtol=1e-12)
    np.testing.assert_allclose(gates["i"], i / (f + i), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_gates_of_minlstm_are_finite_and_right_at_the_ends_of_the_range(dtype):
    """With both gates far below 0, f / (f + i) tends to sigmoid(f - i)."""
    f, i = np.array([[-1e4, -1e4 + 1, 1e4, 1e4, -1e4, 0]], dtype), np.array([[-1e4, -1e4, 1e4, -1e4, 1e4, 0]], dtype)
    expected = [[0.5, 1 / (1 + np.exp(-1)), 0.5, 1, 0, 0.5]]
    np.testing.assert_allclose(normalised_forget_gate(np, f, i), expected, rtol=1e-6, atol=1e-7)
    f, i = (torch.tensor(array, requires_grad=True) for array in (f, i))
    normalised_forget_gate(torch, f, i).sum().backward()
    assert f.grad.isfinite().all()
    assert i.grad.isfinite().all()
    torch.testing.assert_close(f.grad[0, -1].item(), 0.125)  # f (1 - f) times the slope of log(sigmoid), each 1/2 at 0


@MINIMAL
@pytest.mark.parametrize("size", [1e4, 1e30])
def test_huge_inputs_overflow_nowhere(name, size):
    cell = CELLS[name]()
    weights, x_BTD, lengths_B, state = draw(cell)
    with np.errstate(all="raise", under="ignore"):
        y_BTH, _ = scan(cell, weights, size * x_BTD, lengths_B, state)
    assert np.isfinite(y_BTH).all()
