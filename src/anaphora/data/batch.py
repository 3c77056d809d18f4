"""Examples of unequal length, and batches of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Carry:
    """How states go from one batch to the next, where rows are parts of longer streams.

    Row r starts with the state of stream `enters_R[r]` (-1: the zero state). After the batch, stream s has the state at
    the end of row `leaves_S[s]` (-1: it keeps its state).
    """

    enters_R: Any
    leaves_S: Any


@dataclass(frozen=True)
class Batch:
    """One training step's data: `inputs` are the network's arguments, `targets` the loss's."""

    inputs: tuple[Any, ...]
    targets: Any = None
    carry: Carry | None = None


class Source(Protocol):
    """The examples of a training or an evaluation, in batches that are made when they are needed."""

    def __len__(self) -> int:
        """The number of targets; of rows, where a row has a sequence of targets."""

    def epoch(self, size: int, rng: "np.random.Generator") -> Sequence[Any]:
        """The batches of one epoch, as `batch` takes them."""

    def in_order(self) -> Iterable[Any]:
        """All examples, in batches for an evaluation."""

    def batch(self, chosen: Any) -> Batch: ...

    def count(self, chosen: Any) -> int:
        """How many targets a batch has."""

    def tokens(self, chosen: Any) -> int:
        """The number of steps that the network reads."""


@dataclass(frozen=True)
class Examples:
    """Encoded rows. `inputs` holds one or more ragged arrays, each a sequence of `[T_i]` token ids or `[T_i, D]`
    numbers; the first one's lengths decide which rows share a batch. `targets` is an array with an entry for each row,
    or, where a row has a sequence of targets, a list of arrays.
    """

    inputs: tuple[Sequence[NDArray[Any]], ...]
    targets: NDArray[Any] | Sequence[NDArray[Any]] | None = None

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        return np.array([len(row) for row in self.inputs[0]], np.int64)

    def __len__(self) -> int:
        return len(self.inputs[0])

    def epoch(self, size: int, rng: "np.random.Generator") -> Sequence[NDArray[np.int64]]:
        """Row numbers in random batches of similar lengths; every row once."""
        return shuffled(self.lengths, size, rng)

    def in_order(self) -> Iterator[NDArray[np.int64]]:
        return by_length(self.lengths, EVALUATION_BATCH)

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """The chosen rows, padded: inputs `(x, lengths_B)` for each ragged array; targets `[B, ...]`, or those of all
        steps, row after row, `[N, ...]`.
        """
        inputs = [array for rows in self.inputs for array in collect([rows[i] for i in chosen])]
        return Batch(tuple(inputs), None if self.targets is None else self._targets_of(chosen))

    def count(self, chosen: NDArray[np.int64]) -> int:
        """How many targets a batch has."""
        return len(chosen) if self.targets is None else len(self._targets_of(chosen))

    def tokens(self, chosen: NDArray[np.int64]) -> int:
        return sum(len(rows[i]) for rows in self.inputs for i in chosen)

    def _targets_of(self, chosen: NDArray[np.int64]) -> NDArray[Any]:
        assert self.targets is not None
        if isinstance(self.targets, np.ndarray):
            return self.targets[chosen]
        return np.concatenate([self.targets[i] for i in chosen])


def collect(rows: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Rows of unequal length as one array, padded with zeros, `[B, T, ...]`, and their lengths `[B]`."""
    lengths_B = np.array([len(row) for row in rows], np.int64)
    T = int(lengths_B.max(initial=0))
    padded = np.zeros((len(rows), T, *rows[0].shape[1:]), rows[0].dtype)
    for row, target in zip(rows, padded, strict=True):
        target[: len(row)] = row
    return padded, lengths_B


def by_length(lengths: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Row numbers in batches of similar lengths; every row once."""
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), size):
        yield order[start : start + size]


def shuffled(
    lengths: NDArray[np.int64], size: int, rng: "np.random.Generator", pool: int = 50
) -> list[NDArray[np.int64]]:
    """One epoch: row numbers in random batches of similar lengths; every row once.

    Rows are shuffled, cut into pools of `pool` batches, sorted by length within each pool, and the batches shuffled.
    """
    order = rng.permutation(len(lengths))
    batches = []
    for start in range(0, len(order), pool * size):
        rows = order[start : start + pool * size]
        batches += [rows[some] for some in by_length(lengths[rows], size)]
    return [batches[i] for i in rng.permutation(len(batches))]
