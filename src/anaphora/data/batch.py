"""Examples of unequal length, and batches of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CHECKED_AT_ONCE = 256


@dataclass(frozen=True)
class Carry:
    """How states go from one batch to the next, where its rows are parts of longer streams.

    Row r begins with the state of the stream `enters_R[r]` (-1: with none), and the stream s stands at the end of the
    row `leaves_S[s]` (-1: where it stood).
    """

    enters_R: Any
    leaves_S: Any


@dataclass(frozen=True)
class Batch:
    """What one step reads: `inputs` are the network's arguments, `targets` what the loss compares with."""

    inputs: tuple[Any, ...]
    targets: Any = None
    carry: Carry | None = None


class Source(Protocol):
    """What a training or a check reads, in batches that are made when they are needed."""

    def __len__(self) -> int:
        """How many targets there are; where each step of a row has one, how many rows."""

    def epoch(self, size: int, rng: "np.random.Generator") -> Sequence[Any]:
        """The batches of one epoch, as `batch` takes them."""

    def in_order(self) -> Iterable[Any]:
        """All there is, in batches for a check."""

    def batch(self, chosen: Any) -> Batch: ...

    def count(self, chosen: Any) -> int:
        """How many targets a batch has."""

    def tokens(self, chosen: Any) -> int:
        """How many steps of its rows the network reads."""


@dataclass(frozen=True)
class Examples:
    """Encoded rows: `rows[i]` is `[T_i]` token ids or `[T_i, D]` numbers; `targets[i]` is what they should give."""

    rows: Sequence[NDArray[Any]]
    targets: NDArray[Any] | None = None

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        return np.array([len(row) for row in self.rows], np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def epoch(self, size: int, rng: "np.random.Generator") -> Sequence[NDArray[np.int64]]:
        """Row numbers in random batches of like lengths; every row once."""
        return shuffled(self.lengths, size, rng)

    def in_order(self) -> Iterator[NDArray[np.int64]]:
        return by_length(self.lengths, CHECKED_AT_ONCE)

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        return collect(self, chosen)

    def targets_of(self, chosen: NDArray[np.int64]) -> NDArray[Any] | None:
        """What a batch's loss compares with."""
        return None if self.targets is None else self.targets[chosen]

    def count(self, chosen: NDArray[np.int64]) -> int:
        return len(chosen)

    def tokens(self, chosen: NDArray[np.int64]) -> int:
        return int(self.lengths[chosen].sum())


class StepExamples(Examples):
    """Encoded rows with a target for each step: `targets` holds them row after row, `[sum of T_i, ...]`, and a batch's
    are those of its rows' steps, so that places after a row's end have none.
    """

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where each row's targets end."""
        return np.cumsum(self.lengths)

    def targets_of(self, chosen: NDArray[np.int64]) -> NDArray[Any] | None:
        if self.targets is None:
            return None
        return self.targets[np.concatenate([np.arange(self.ends[i] - self.lengths[i], self.ends[i]) for i in chosen])]

    def count(self, chosen: NDArray[np.int64]) -> int:
        return self.tokens(chosen)


def collect(examples: Examples, chosen: NDArray[np.int64]) -> Batch:
    """The chosen examples as one padded batch: inputs `(x_BT or x_BTD, lengths_B)`."""
    rows = [examples.rows[i] for i in chosen]
    lengths_B = np.array([len(row) for row in rows], np.int64)
    T = int(lengths_B.max(initial=0))
    padded = np.zeros((len(rows), T, *rows[0].shape[1:]), rows[0].dtype)
    for row, place in zip(rows, padded, strict=True):
        place[: len(row)] = row
    return Batch((padded, lengths_B), examples.targets_of(chosen))


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
