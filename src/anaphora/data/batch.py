"""Examples of unequal length, and batches of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Examples:
    """Encoded rows: `rows[i]` is `[T_i]` token ids or `[T_i, D]` numbers; `targets[i]` is what they should give."""

    rows: Sequence[NDArray[Any]]
    targets: NDArray[Any] | None = None

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.array([len(row) for row in self.rows], np.int64)

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Batch:
    """What one step reads: `inputs` are the network's arguments, `targets` what the loss compares with."""

    inputs: tuple[Any, ...]
    targets: Any = None


def collect(examples: Examples, chosen: NDArray[np.int64]) -> Batch:
    """The chosen examples as one padded batch: inputs `(x_BT or x_BTD, lengths_B)`."""
    rows = [examples.rows[i] for i in chosen]
    lengths_B = np.array([len(row) for row in rows], np.int64)
    T = int(lengths_B.max(initial=0))
    padded = np.zeros((len(rows), T, *rows[0].shape[1:]), rows[0].dtype)
    for row, place in zip(rows, padded, strict=True):
        place[: len(row)] = row
    return Batch((padded, lengths_B), None if examples.targets is None else examples.targets[chosen])


def by_length(lengths: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Row numbers in batches of like lengths; every row once."""
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]


def shuffled(
    lengths: NDArray[np.int64], size: int, rng: "np.random.Generator", pool: int = 50
) -> list[NDArray[np.int64]]:
    """One epoch: row numbers in random batches of like lengths; every row once.

    Rows are shuffled, cut into pools of `pool` batches, sorted by length within each pool, and the batches shuffled.
    """
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), pool * size):
        rows = order[start : start + pool * size]
        batches += [rows[some] for some in by_length(lengths[rows], size)]
    return [batches[i] for i in rng.permutation(len(batches))]
