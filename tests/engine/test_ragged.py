"""The functions on ragged batches, under NumPy and torch, against a plain loop over the rows."""

import numpy as np
import pytest
import torch

from anaphora.cells import CELLS
from anaphora.engine.ragged import flip, inside, last, mask, namespace, take, zero_state

LENGTHS = np.array([3, 6, 0, 1, 5])
B, T, D = 5, 6, 2

both_libraries = pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy], ids=["numpy", "torch"])


def numbers():
    return np.random.default_rng(0).standard_normal((B, T, D))


def with_nan_after_the_ends():
    x_BTD = numbers()
    x_BTD[np.arange(T) >= LENGTHS[:, None]] = np.nan
    return x_BTD


@both_libraries
def test_inside_is_true_before_each_rows_end(convert):
    result_BT1 = np.asarray(inside(convert(numbers()), convert(LENGTHS)))
    assert result_BT1[..., 0].tolist() == [[t < length for t in range(T)] for length in LENGTHS]


@both_libraries
def test_mask_puts_zeros_after_each_rows_end_also_over_nan(convert):
    x_BTD = with_nan_after_the_ends()
    expected = np.zeros_like(x_BTD)
    for row, length in enumerate(LENGTHS):
        expected[row, :length] = x_BTD[row, :length]
    np.testing.assert_array_equal(mask(convert(x_BTD), convert(LENGTHS)), expected)


@both_libraries
def test_flip_reverses_each_row_within_its_length(convert):
    x_BTD = with_nan_after_the_ends()
    expected = x_BTD.copy()
    for row, length in enumerate(LENGTHS):
        expected[row, :length] = x_BTD[row, :length][::-1]
    np.testing.assert_array_equal(flip(convert(x_BTD), convert(LENGTHS)), expected)


@both_libraries
def test_flip_leaves_the_padding_unchanged(convert):
    x_BTD = numbers()
    flipped = np.asarray(flip(convert(x_BTD), convert(LENGTHS)))
    outside_BT = np.arange(T) >= LENGTHS[:, None]
    np.testing.assert_array_equal(flipped[outside_BT], x_BTD[outside_BT])


@both_libraries
def test_flip_twice_changes_nothing(convert):
    x_BTD, lengths_B = convert(numbers()), convert(LENGTHS)
    np.testing.assert_array_equal(flip(flip(x_BTD, lengths_B), lengths_B), x_BTD)


@both_libraries
def test_last_is_the_last_step_of_each_row_and_zeros_for_an_empty_one(convert):
    x_BTD = with_nan_after_the_ends()
    expected = [x_BTD[row, length - 1] if length else np.zeros(D) for row, length in enumerate(LENGTHS)]
    np.testing.assert_array_equal(last(convert(x_BTD), convert(LENGTHS)), expected)


@both_libraries
def test_last_of_a_batch_of_no_steps_is_zeros(convert):
    result = last(convert(np.ones((2, 0, D))), convert(np.array([0, 0])))
    np.testing.assert_array_equal(result, np.zeros((2, D)))


@both_libraries
def test_take_reads_each_row_at_its_own_steps(convert):
    x_BTD = numbers()
    steps_BT = np.random.default_rng(1).integers(0, T, (B, 4))
    expected = [[x_BTD[b, t] for t in steps_BT[b]] for b in range(B)]
    np.testing.assert_array_equal(take(convert(x_BTD), convert(steps_BT)), expected)


@both_libraries
@pytest.mark.parametrize("rows", [0, 3])
@pytest.mark.parametrize("name", CELLS)
def test_every_sequence_starts_from_zeros(convert, name, rows):
    cell = CELLS[name]()
    weights = {name: convert(np.ones(p.shape, np.float32)) for name, p in cell.parameters(3, 4).items()}
    state = zero_state(cell, weights, rows)
    assert len(state) == len(cell.state)
    for array in state:
        np.testing.assert_array_equal(array, np.zeros((rows, 4), np.float32), strict=True)


def test_the_namespace_of_an_array_is_its_library():
    assert namespace(np.ones(1)) is np
    assert namespace(torch.ones(1)) is torch
    assert namespace(torch.nn.Parameter(torch.ones(1))) is torch
