import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.data.batch import Examples, by_length, collect, shuffled

LENGTHS = st.lists(st.integers(0, 12), min_size=1, max_size=70).map(lambda given: np.array(given, np.int64))
SIZES = st.integers(1, 9)


def rows_of(lengths: np.ndarray) -> list[np.ndarray]:
    """Row i holds the number i + 1, as often as it is long."""
    return [np.full(length, place + 1, np.int32) for place, length in enumerate(lengths)]


@given(LENGTHS, SIZES, st.integers(1, 4), st.integers(0, 99))
def test_an_epoch_has_every_row_once(lengths: np.ndarray, size: int, pool: int, seed: int) -> None:
    batches = shuffled(lengths, size, np.random.default_rng(seed), pool)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))


@given(LENGTHS, SIZES, st.integers(1, 4))
def test_no_batch_is_larger_than_its_size(lengths: np.ndarray, size: int, pool: int) -> None:
    assert max(map(len, shuffled(lengths, size, np.random.default_rng(0), pool))) <= size


@given(LENGTHS, SIZES)
def test_batches_by_length_have_every_row_once_and_shorter_rows_first(lengths: np.ndarray, size: int) -> None:
    order = np.concatenate(list(by_length(lengths, size)))
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[order]) >= 0).all()


@given(LENGTHS, st.randoms())
def test_a_batch_holds_its_rows_their_lengths_and_zeros(lengths: np.ndarray, random: object) -> None:
    chosen = np.array(random.sample(range(len(lengths)), k=max(1, len(lengths) // 2)))
    x_BT, lengths_B = Examples((rows_of(lengths),)).batch(chosen).inputs
    assert lengths_B.tolist() == lengths[chosen].tolist()
    assert x_BT.shape == (len(chosen), max(lengths_B))
    expected = np.where(np.arange(x_BT.shape[1]) < lengths_B[:, None], chosen[:, None] + 1, 0)
    np.testing.assert_array_equal(x_BT, expected)


def test_rows_of_vectors_are_padded_in_time() -> None:
    rows = [np.ones((2, 3), np.float32), np.ones((1, 3), np.float32)]
    x_BTD, _ = collect(rows)
    assert x_BTD.tolist() == [[[1, 1, 1], [1, 1, 1]], [[1, 1, 1], [0, 0, 0]]]


def test_targets_go_with_their_rows() -> None:
    batch = Examples((rows_of(np.array([1, 2, 3])),), np.array([10, 20, 30])).batch(np.array([2, 0]))
    assert batch.targets.tolist() == [30, 10]


def test_a_batch_keeps_the_kind_of_number() -> None:
    assert collect(rows_of(np.array([2])))[0].dtype == np.int32


def test_a_batch_has_every_ragged_array_of_its_rows() -> None:
    left, right = rows_of(np.array([1, 2, 3])), rows_of(np.array([4, 0, 2]))
    x_BT, x_lengths_B, z_BT, z_lengths_B = Examples((left, right)).batch(np.array([2, 0])).inputs
    assert (x_lengths_B.tolist(), z_lengths_B.tolist()) == ([3, 1], [2, 4])
    assert (x_BT.shape, z_BT.shape) == ((2, 3), (2, 4))
    assert Examples((left, right)).tokens(np.array([2, 0])) == 10


def test_epochs_differ_and_a_seed_repeats_them() -> None:
    lengths = np.arange(40) % 5

    def epochs() -> list[list[list[int]]]:
        rng = np.random.default_rng(1)
        return [[batch.tolist() for batch in shuffled(lengths, 4, rng)] for _ in range(2)]

    first, second = epochs()
    assert first != second
    assert epochs() == [first, second]


@pytest.mark.parametrize("size", [4, 8])
def test_rows_of_like_length_share_a_batch(size: int) -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 40 * size)
    batches = shuffled(lengths, size, np.random.default_rng(0))
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded < 1.1 * lengths.sum()
