"""What only one cell's equation says: how its output follows from its gates, and how it differs from its relatives."""

from dataclasses import replace

import numpy as np
import pytest

from anaphora.cells import CELLS
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


NEXT_STATE = {"rnn": rnn, "lstm": lstm, "gru": gru, "gru_textbook": gru_textbook}
ACTIVATE = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}
CASES = [(name, activation) for name in NEXT_STATE for activation in CELLS[name].activations]


def draw(cell, D=3, H=4, T=6, B=2):
    rng = np.random.default_rng(0)
    weights = {name: rng.uniform(-1, 1, p.shape) for name, p in cell.parameters(D, H).items()}
    state = tuple(rng.standard_normal((B, H)) for _ in cell.state)
    return weights, rng.standard_normal((B, T, D)), np.full(B, T), state


@pytest.mark.parametrize(("name", "activation"), CASES)
def test_the_outputs_follow_from_the_traced_gates(name, activation):
    cell = CELLS[name](activation)
    *given, state = draw(cell)
    y_BTH, end, gates = scan(cell, *given, state, trace=True)
    for t in range(6):
        state = NEXT_STATE[name](ACTIVATE[activation], {gate: a[:, t] for gate, a in gates.items()}, *state)
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


def test_the_textbook_gru_is_torchs_with_z_turned_where_the_place_of_the_reset_is_no_matter():
    """With a diagonal W_hn and no b_hn, r * (W_hn h) and W_hn (r * h) are the same."""
    weights, *given = draw(CELLS["gru"]())
    weights["weight_hh"][8:] = np.diag(weights["weight_hh"][8:].diagonal())
    weights["bias_hh"][8:] = 0
    turned = {name: array.copy() for name, array in weights.items()}
    for array in turned.values():
        array[4:8] *= -1  # sigmoid(-x) = 1 - sigmoid(x)
    y_BTH, _ = scan(CELLS["gru"](), weights, *given)
    y_textbook, _ = scan(CELLS["gru_textbook"](), turned, *given)
    np.testing.assert_allclose(y_textbook, y_BTH, rtol=1e-12)


@pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if "relu" in cell.activations])
def test_relu_gives_other_outputs_than_tanh_and_none_below_zero(name):
    cell = CELLS[name]("relu")
    given = draw(cell)
    (y_relu, _), (y_tanh, _) = scan(cell, *given), scan(replace(cell, activation="tanh"), *given)
    assert (y_relu >= 0).all()
    assert np.abs(y_relu - y_tanh).max() > 0.1
