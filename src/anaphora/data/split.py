"""Splitting rows into a part to learn from and a part to check on."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def split(
    keys: Sequence[Hashable], strata: Sequence[Hashable], fraction: float, rng: "np.random.Generator"
) -> tuple[Rows, Rows]:
    """Row numbers of the larger and of the held-out part, both in the order of the rows.

    Rows with the same key (the same text) always land in the same part. The shares of the strata (the labels) are kept
    in both as well as the groups allow; every stratum of at least two groups has at least one group in each part.
    """
    groups: dict[Hashable, list[int]] = {}
    for row, key in enumerate(keys):
        groups.setdefault(key, []).append(row)
    by_stratum: dict[Hashable, list[list[int]]] = {}
    for rows in groups.values():
        by_stratum.setdefault(strata[rows[0]], []).append(rows)

    held: list[int] = []
    for members in by_stratum.values():
        wanted = fraction * sum(len(rows) for rows in members)
        taken = 0
        for place, group in enumerate(rng.permutation(len(members))):
            if len(members) - place == 1 or (place and taken + len(members[group]) / 2 > wanted):
                break
            held += members[group]
            taken += len(members[group])
    is_held = np.zeros(len(keys), bool)
    is_held[held] = True
    # Equal texts may differ in their labels: a group goes back where it holds the only rows of a label.
    left = Counter(strata[row] for row in np.flatnonzero(~is_held).tolist())
    for rows in groups.values():
        if is_held[rows[0]] and not all(left[strata[row]] for row in rows):
            is_held[rows] = False
            left.update(strata[row] for row in rows)
    return np.flatnonzero(~is_held), np.flatnonzero(is_held)
