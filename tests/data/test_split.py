from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anaphora.data.split import split

# Each group of rows with one key has one label, or its rows disagree.
TABLES = st.lists(st.tuples(st.integers(0, 15), st.sampled_from("abc")), min_size=1, max_size=60)
FRACTIONS = st.floats(0.05, 0.95)
SEEDS = st.integers(0, 1_000)


def parted(table: list[tuple[int, str]], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    keys, labels = zip(*table, strict=True)
    kept, held = split(keys, labels, fraction, np.random.default_rng(seed))
    return kept.tolist(), held.tolist()


@given(TABLES, FRACTIONS, SEEDS)
def test_every_row_is_in_one_part_and_in_its_order(table: list[tuple[int, str]], fraction: float, seed: int) -> None:
    kept, held = parted(table, fraction, seed)
    assert sorted(kept + held) == list(range(len(table)))
    assert kept == sorted(kept)
    assert held == sorted(held)


@given(TABLES, FRACTIONS, SEEDS)
def test_no_key_straddles(table: list[tuple[int, str]], fraction: float, seed: int) -> None:
    kept, held = parted(table, fraction, seed)
    assert not {table[row][0] for row in kept} & {table[row][0] for row in held}


@given(TABLES, FRACTIONS, SEEDS)
def test_the_same_seed_gives_the_same_split(table: list[tuple[int, str]], fraction: float, seed: int) -> None:
    assert parted(table, fraction, seed) == parted(table, fraction, seed)


@given(TABLES, FRACTIONS, SEEDS)
def test_a_label_with_two_groups_is_in_both_parts(table: list[tuple[int, str]], fraction: float, seed: int) -> None:
    table = [(key, "abc"[key % 3]) for key, _ in table]  # all rows of a group agree
    kept, _ = parted(table, fraction, seed)
    groups = Counter(label for _, label in set(table))
    for label in [label for label, count in groups.items() if count > 1]:
        assert {row in kept for row in range(len(table)) if table[row][1] == label} == {True, False}
    assert {table[row][1] for row in kept} == set(groups)


@given(TABLES, FRACTIONS, SEEDS)
def test_the_larger_part_has_every_label_of_two_or_more_groups_of_its_own(
    table: list[tuple[int, str]], fraction: float, seed: int
) -> None:
    kept, held = parted(table, fraction, seed)
    first = dict(reversed(table))  # a group goes by its first row's label
    assert {first[table[row][0]] for row in held} <= {first[table[row][0]] for row in kept}


@given(st.integers(20, 200), st.integers(20, 200), st.floats(0.1, 0.5), SEEDS)
def test_the_shares_of_the_labels_are_kept(a: int, b: int, fraction: float, seed: int) -> None:
    _, held = parted(list(enumerate("a" * a + "b" * b)), fraction, seed)
    counts = Counter(row < a for row in held)
    assert abs(counts[True] - fraction * a) <= 1
    assert abs(counts[False] - fraction * b) <= 1


def test_another_seed_gives_another_split() -> None:
    table = list(enumerate("ab" * 50))
    assert parted(table, 0.2, 0) != parted(table, 0.2, 1)


def test_one_large_group_does_not_take_the_whole_held_part() -> None:
    table = [(0, "a")] * 90 + [(key, "a") for key in range(1, 11)]
    for seed in range(20):
        kept, _ = parted(table, 0.2, seed)
        assert kept
