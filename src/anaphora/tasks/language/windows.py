"""A corpus as parallel streams, read a window at a time with the state carried from each window to the next.

The targets are dealt out in equal, unbroken streams. A window holds the next targets of every stream; a document that
ends within it ends a row, and the next begins another, from no state: rows are ragged, and nothing is padded twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, starmap
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import Batch, Carry
from anaphora.tasks.language.corpus import Corpus

JITTER = 0.25
"""The share of a window's length by which its borders move at random in training, up or down."""

FRESH = 0.02
"""The share of a stream's windows in training that begin from no state, so that a text's beginning is learned, too."""


class Window(NamedTuple):
    """The targets `first` to `past` of every stream; those of `fresh` begin from no state."""

    first: int
    past: int
    fresh: frozenset[int] = frozenset()


def streams(targets: int, wanted: int, length: int) -> int:
    """How many streams a corpus of so many targets is read in: as `wanted`, if each has a window."""
    return max(1, min(wanted, targets // length))


def longest(targets: int, streams: int) -> int:
    """Targets of the longest stream."""
    return -(-targets // streams)


def steps(targets: int, streams: int, length: int) -> int:
    """Windows of an epoch."""
    return max(1, round(longest(targets, streams) / length))


@dataclass(frozen=True)
class Windows:
    """The windows of a corpus: `streams` of them side by side, `length` targets of each at a time."""

    corpus: Corpus
    streams: int
    length: int

    def __len__(self) -> int:
        return self.corpus.targets

    @property
    def longest(self) -> int:
        """Targets of the longest stream."""
        return longest(len(self), self.streams)

    @property
    def steps(self) -> int:
        """Windows of an epoch."""
        return steps(len(self), self.streams, self.length) if len(self) else 0

    def epoch(self, size: int, rng: "np.random.Generator") -> Sequence[Window]:
        """Where the windows of one epoch begin and end within each stream; always as many."""
        if not self.steps:
            return []
        grid = np.linspace(0, self.longest, self.steps + 1)
        room = JITTER * self.longest / self.steps
        grid[1:-1] += rng.uniform(-room, room, self.steps - 1)
        fresh = rng.random((self.steps, self.streams)) < FRESH
        windows = pairwise(np.round(grid).astype(int).tolist())
        return [
            Window(*window, frozenset(np.flatnonzero(own).tolist())) for window, own in zip(windows, fresh, strict=True)
        ]

    def in_order(self) -> Iterator[Window]:
        """All windows, of equal length."""
        yield from starmap(Window, pairwise([*range(0, self.longest, self.length), self.longest]))

    def count(self, window: Window) -> int:
        """How many targets a window holds; some streams may have ended."""
        return int(sum(past - first for first, past in self._stretches(window)))

    tokens = count

    def numbers(self, window: Window) -> NDArray[np.int64]:
        """The numbers of a window's targets in the corpus, in the order of its batch."""
        return np.concatenate([np.arange(*stretch) for stretch in self._stretches(window)])

    def batch(self, window: Window) -> Batch:
        """Inputs `(ids_RT, lengths_R)`, targets `[N]` row after row, and how the states are carried."""
        corpus, stretches = self.corpus, self._stretches(window)
        rows: list[NDArray[Any]] = []
        enters: list[int] = []
        leaves = np.full(self.streams, -1)
        targets: list[NDArray[Any]] = []
        for stream, (first, past) in enumerate(stretches):
            if first == past:
                continue
            documents = corpus.document_of(np.array([first, past - 1]))
            for document in range(documents[0], documents[1] + 1):
                begins, ends = corpus.starts[document], corpus.starts[document + 1] - 1  # of its inputs
                at, to = max(begins, first + document), min(ends, past + document)
                if at >= to:  # a document without a target
                    continue
                rows.append(corpus.ids[at:to])
                targets.append(corpus.ids[at + 1 : to + 1])
                goes_on = at > begins and at == first + document and window.first and stream not in window.fresh
                enters.append(stream if goes_on else -1)
                leaves[stream] = len(rows) - 1
        lengths_R = np.array([len(row) for row in rows], np.int64)
        ids_RT = np.zeros((len(rows), int(lengths_R.max(initial=0))), np.int64)
        for row, place in zip(rows, ids_RT, strict=True):
            place[: len(row)] = row
        flat = np.concatenate(targets).astype(np.int64) if targets else np.zeros(0, np.int64)
        return Batch((ids_RT, lengths_R), flat, Carry(np.array(enters, np.int64), leaves))

    def _stretches(self, window: Window) -> list[tuple[int, int]]:
        """The targets of a window, by stream."""
        borders = [len(self) * stream // self.streams for stream in range(self.streams + 1)]
        return [(min(first + window.first, past), min(first + window.past, past)) for first, past in pairwise(borders)]
