"""Initial weights: drawn for each gate from the stated distributions, by the seed."""

import numpy as np
import pytest

from anaphora.cells import CELLS
from anaphora.cells.init import glorot, normal, orthogonal

D, H = 24, 32

CELL_OBJECTS = {name: cell() for name, cell in CELLS.items()}
every_cell = pytest.mark.parametrize("cell", CELL_OBJECTS.values(), ids=CELL_OBJECTS)
RECURRENT = {name: cell for name, cell in CELL_OBJECTS.items() if cell.recurrent_weights}
every_recurrent_matrix = pytest.mark.parametrize(
    ("cell", "name"),
    [
        pytest.param(cell, name, id=f"{cell.name}-{name}")
        for cell in RECURRENT.values()
        for name in cell.recurrent_weights
    ],
)
every_matrix = pytest.mark.parametrize(
    ("cell", "name"),
    [
        pytest.param(cell, name, id=f"{cell.name}-{name}")
        for cell in CELL_OBJECTS.values()
        for name in ("weight_ih", *cell.recurrent_weights)
    ],
)


def draw(cell, seed=0):
    rng = np.random.default_rng(seed)
    return {name: parameter.draw(rng) for name, parameter in cell.parameters(D, H).items()}


def by_gate(cell, array):
    """`{gate: its rows}`."""
    return dict(zip(cell.gates, np.split(array, len(cell.gates)), strict=True))


@every_cell
def test_weights_have_torchs_names_and_shapes_in_single_precision(cell):
    G = len(cell.gates) * H
    torchs = {"weight_ih": (G, D), "weight_hh": (G, H), "bias_ih": (G,), "bias_hh": (G,)}
    arrays = draw(cell)
    assert {name: array.dtype for name, array in arrays.items()} == dict.fromkeys(cell.parameters(D, H), np.float32)
    assert {name: array.shape for name, array in arrays.items()} == {name: torchs[name] for name in arrays}
    assert {*cell.recurrent_weights} == {"weight_hh"} & {*arrays}


@every_cell
def test_a_cell_knows_the_widths_of_its_weights(cell):
    weights = draw(cell)
    assert (cell.width(weights), cell.input_width(weights)) == (H, D)
    assert cell.state_widths(H) == (H,) * len(cell.state)


@every_recurrent_matrix
def test_the_recurrent_weights_of_each_gate_are_orthogonal(cell, name):
    for gate, W_HH in by_gate(cell, draw(cell)[name]).items():
        np.testing.assert_allclose(W_HH @ W_HH.T, np.eye(H), atol=1e-6, err_msg=gate)


@every_cell
def test_the_input_weights_of_each_gate_fill_glorots_bounds(cell):
    limit = np.sqrt(6 / (D + H))
    for W_HD in by_gate(cell, draw(cell)["weight_ih"]).values():
        assert np.abs(W_HD).max() <= limit
        assert W_HD.max() > 0.98 * limit
        assert W_HD.min() < -0.98 * limit


@every_matrix
def test_each_gate_has_a_separate_draw(cell, name):
    blocks = list(by_gate(cell, draw(cell)[name]).values())
    for k, block in enumerate(blocks):
        assert all(np.abs(block - other).max() > 0.01 for other in blocks[:k])


@every_cell
def test_biases_start_at_zero_except_the_declared_ones(cell):
    arrays = draw(cell)
    assert {*cell.first_biases} <= {*cell.gates}
    for gate, bias_H in by_gate(cell, arrays["bias_ih"]).items():
        np.testing.assert_array_equal(bias_H, np.full(H, cell.first_biases.get(gate, 0)))
    if "bias_hh" in arrays:
        np.testing.assert_array_equal(arrays["bias_hh"], np.zeros(len(cell.gates) * H))


@pytest.mark.parametrize("name", [name for name, cell in CELLS.items() if "f" in cell.gates])
def test_a_forget_gate_starts_open(name):
    assert CELLS[name].first_biases == {"f": 1.0}


@every_cell
def test_the_same_seed_draws_the_same_weights(cell):
    again = draw(cell)
    for name, array in draw(cell).items():
        np.testing.assert_array_equal(array, again[name])


@every_matrix
def test_another_seed_draws_other_weights(cell, name):
    assert np.abs(draw(cell)[name] - draw(cell, seed=1)[name]).max() > 0.01


def test_glorots_variance_is_two_over_fan_in_plus_fan_out():
    array = glorot(gates=2)(np.random.default_rng(0), (600, 100))
    assert array.var() == pytest.approx(2 / (300 + 100), rel=0.02)


def test_normal_has_the_stated_deviation():
    assert normal(0.1)(np.random.default_rng(0), (200, 200)).std() == pytest.approx(0.1, rel=0.02)


def test_orthogonal_blocks_are_drawn_uniformly():
    """Without the correction of signs, QR's own convention would show: the diagonal would lean to one side."""
    rng = np.random.default_rng(0)
    diagonals = [np.diag(orthogonal()(rng, (4, 4))).mean() for _ in range(500)]
    assert np.mean(diagonals) == pytest.approx(0, abs=0.05)
