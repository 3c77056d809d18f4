"""The equations: every cell of the table, run by the reference loop, has the properties of a recurrence."""

import numpy as np
import pytest
import torch
from samples import EVERY_CELL, backward, sample
from tolerances import assert_all_close, assert_close

from anaphora.engine.reference import scan

pytestmark = pytest.mark.parametrize("cell", EVERY_CELL)
both_directions = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])


@both_directions
def test_numpy_and_torch_agree(cell, reverse):
    given = sample(cell, T=9)
    there = given.torch()
    y_BTH, end = scan(cell, *given.inputs, given.state, reverse)
    y_torch, end_torch = scan(cell, *there.inputs, there.state, reverse)
    assert_all_close((y_torch, *end_torch), (y_BTH, *end))


def test_steps_by_hand_equal_a_scan(cell):
    given = sample(cell, T=9)
    y_BTH, end = scan(cell, *given.inputs, given.state)
    row = 1  # the one of length T
    state = tuple(array[[row]] for array in given.state)
    x_1TG = cell.project(np, given.x[[row]], given.weights)
    for t in range(9):
        state, _ = cell.step(np, x_1TG[:, t], state, given.weights)
        assert_close(state[0][0], y_BTH[row, t])
    assert_all_close(tuple(array[0] for array in state), tuple(array[row] for array in end))


@pytest.mark.parametrize("cut", [0, 1, 4, 9])
def test_the_whole_equals_two_chunks_with_carried_state(cell, cut):
    given = sample(cell, T=9)
    y_BTH, end = scan(cell, *given.inputs, given.state)
    x_BTD, lengths_B = given.x, given.lengths
    y_first, state = scan(cell, given.weights, x_BTD[:, :cut], lengths_B.clip(None, cut), given.state)
    y_second, state = scan(cell, given.weights, x_BTD[:, cut:], (lengths_B - cut).clip(0), state)
    assert_all_close((np.concatenate([y_first, y_second], 1), *state), (y_BTH, *end))


@both_directions
def test_more_padding_changes_nothing(cell, reverse):
    given = sample(cell, T=9)
    padded = np.concatenate([given.x, np.full((5, 4, 3), np.nan)], 1)
    y_BTH, end = scan(cell, *given.inputs, given.state, reverse)
    y_padded, end_padded = scan(cell, given.weights, padded, given.lengths, given.state, reverse)
    assert_all_close((y_padded[:, :9], *end_padded), (y_BTH, *end))


@both_directions
def test_outputs_after_a_rows_end_are_exactly_zero(cell, reverse):
    given = sample(cell, T=9)
    y_BTH, _ = scan(cell, *given.inputs, given.state, reverse)
    outside_BT = np.arange(9) >= given.lengths[:, None]
    assert outside_BT.any()
    assert (y_BTH[outside_BT] == 0).all()


@both_directions
def test_outputs_before_a_rows_end_are_all_computed(cell, reverse):
    given = sample(cell, T=9)
    y_BTH, _ = scan(cell, *given.inputs, given.state, reverse)
    inside_BT = np.arange(9) < given.lengths[:, None]
    assert (y_BTH[inside_BT] != 0).any(-1).all()


@both_directions
def test_a_batch_equals_its_rows_one_by_one(cell, reverse):
    given = sample(cell, T=9)
    y_BTH, end = scan(cell, *given.inputs, given.state, reverse)
    for row, length in enumerate(given.lengths):
        alone = given.rows([row])
        y_1TH, end_1 = scan(cell, given.weights, alone.x[:, :length], alone.lengths, alone.state, reverse)
        assert_all_close((y_1TH[0], *end_1), (y_BTH[row, :length], *(array[[row]] for array in end)))


def test_reverse_equals_flip_scan_flip(cell):
    given = sample(cell, T=9)
    y_BTH, end = scan(cell, *given.inputs, given.state, reverse=True)
    for row, length in enumerate(given.lengths):
        alone = given.rows([row])
        flipped = alone.x[:, :length][:, ::-1]
        y_1TH, end_1 = scan(cell, given.weights, flipped, alone.lengths, alone.state)
        assert_all_close((y_1TH[0, ::-1], *end_1), (y_BTH[row, :length], *(array[[row]] for array in end)))


def test_the_returned_state_is_the_one_at_each_rows_own_end(cell):
    given = sample(cell, T=9)
    _, end = scan(cell, *given.inputs, given.state)
    for row, length in enumerate(given.lengths):
        state = tuple(array[[row]] for array in given.state)
        for t in range(length):
            state, _ = cell.step(np, cell.project(np, given.x[[row]], given.weights)[:, t], state, given.weights)
        assert_all_close(state, tuple(array[[row]] for array in end))


@both_directions
def test_an_empty_row_returns_the_state_it_was_given(cell, reverse):
    given = sample(cell, T=9)
    _, end = scan(cell, *given.inputs, given.state, reverse)
    (empty,) = np.flatnonzero(given.lengths == 0)
    for array, start in zip(end, given.state, strict=True):
        np.testing.assert_array_equal(array[empty], start[empty])


def test_no_state_is_a_state_of_zeros(cell):
    given = sample(cell, T=9)
    y_BTH, end = scan(cell, *given.inputs)
    y_zeros, end_zeros = scan(cell, *given.inputs, tuple(np.zeros_like(array) for array in given.state))
    assert_all_close((y_BTH, *end), (y_zeros, *end_zeros))


@both_directions
def test_every_named_gate_is_traced_at_every_step(cell, reverse):
    given = sample(cell, T=9)
    y_BTH, _, gates = scan(cell, *given.inputs, given.state, reverse, trace=True)
    assert tuple(gates) == cell.gates
    outside_BT = np.arange(9) >= given.lengths[:, None]
    for gate in gates.values():
        assert gate.shape == y_BTH.shape
        assert (gate[outside_BT] == 0).all()
        assert np.isfinite(gate).all()


def test_without_ends_the_outputs_are_the_same_and_no_state_is_returned(cell):
    given = sample(cell, T=9)
    y_BTH, _ = scan(cell, *given.inputs, given.state)
    y_alone, nothing = scan(cell, *given.inputs, given.state, ends=False)
    assert_close(y_alone, y_BTH)
    assert nothing == ()


@both_directions
def test_gradients_equal_finite_differences(cell, reverse):
    given = sample(cell, T=4, H=3, D=2, B=4).torch(learns=True)
    x_BTD = given.x.detach().nan_to_num().requires_grad_()
    names = list(given.weights)

    def run(x_BTD, *arrays):
        state, weights = arrays[: len(cell.state)], dict(zip(names, arrays[len(cell.state) :], strict=True))
        y_BTH, end = scan(cell, weights, x_BTD, given.lengths, state, reverse)
        return (y_BTH, *end)

    assert torch.autograd.gradcheck(run, (x_BTD, *given.state, *given.weights.values()))


@both_directions
def test_nan_in_the_padding_reaches_no_gradient(cell, reverse):
    given = sample(cell, T=9).torch(learns=True)
    assert given.x.isnan().any()
    _, gradients = backward(cell, scan, given, reverse=reverse)
    for name, gradient in gradients.items():
        assert gradient.isfinite().all(), name


@both_directions
def test_the_padding_gets_no_gradient(cell, reverse):
    given = sample(cell, T=9).torch(learns=True)
    _, gradients = backward(cell, scan, given, reverse=reverse)
    outside_BT = torch.arange(9) >= given.lengths[:, None]
    assert (gradients["x"][outside_BT] == 0).all()
    assert (gradients["x"][~outside_BT] != 0).any(-1).all()


@both_directions
def test_a_batch_of_no_steps_returns_the_state_it_was_given(cell, reverse):
    given = sample(cell, T=0)
    y_BTH, end = scan(cell, *given.inputs, given.state, reverse)
    assert y_BTH.shape == (5, 0, 5)
    np.testing.assert_array_equal(end, given.state)


@both_directions
@pytest.mark.parametrize("stated", [False, True], ids=["zeros", "given"])
def test_a_batch_of_no_rows_gives_no_rows(cell, reverse, stated):
    given = sample(cell, T=9).rows([])
    y_BTH, end = scan(cell, *given.inputs, given.state if stated else None, reverse)
    assert y_BTH.shape == (0, 9, 5)
    assert [array.shape for array in end] == [(0, 5)] * len(cell.state)
