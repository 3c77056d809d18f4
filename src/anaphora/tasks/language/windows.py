"""A corpus as parallel streams, read a window at a time with the state carried from each window to the next.

The targets are divided into equal contiguous streams. A window holds the next targets of every stream. A document that
ends within a window ends a row, and the next document begins a new row from the zero state, so rows are ragged.
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
"""In training the borders of a window move at random by at most this share of its length."""
FRESH = 0.02
"""In training this share of a stream's windows begins from the zero state, so that beginnings of texts are learned
too.
"""


class Window(NamedTuple):
    """The targets `first` to `past` of every stream; the streams in `fresh` begin from the zero state."""

    first: int
    past: int
    fresh: frozenset[int] = frozenset()


def streams(targets: int, wanted: int, length: int) -> int:
    """The number of streams for a corpus: as `wanted`, but each has at least one window."""
    return max(1, min(wanted, targets // length))


def longest(targets: int, streams: int) -> int:
    """Targets of the longest stream."""
    return -(-targets // streams)


def steps(targets: int, streams: int, length: int) -> int:
    """Windows of an epoch."""
    return max(1, round(longest(targets, streams) / length))


@dataclass(frozen=True)
class Windows:
    """The windows of a corpus in parallel `streams`, `length` targets of each at a time."""

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
        """The windows of one epoch; their number is always the same."""
        if not self.steps:
            return []
        grid = np.linspace(0, self.longest, self.steps + 1)
        room = JITTER * self.longest / self.steps
        grid[1:-1] += rng.uniform(-room, room, self.steps - 1)
        fresh = rng.random((self.steps, self.streams)) < FRESH
        windows = pairwise(np.round(grid).astype(int).tolist())
        return [
            Window(*window, frozenset(np.flatnonzero(streams).tolist()))
            for window, streams in zip(windows, fresh, strict=True)
        ]

    def in_order(self) -> Iterator[Window]:
        """All windows, of equal length."""
        yield from starmap(Window, pairwise([*range(0, self.longest, self.length), self.longest]))

    def count(self, window: Window) -> int:
        """The number of targets in a window; some streams may have ended."""
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
                carried = at > begins and at == first + document and window.first and stream not in window.fresh
                enters.append(stream if carried else -1)
                leaves[stream] = len(rows) - 1
        lengths_R = np.array([len(row) for row in rows], np.int64)
        ids_RT = np.zeros((len(rows), int(lengths_R.max(initial=0))), np.int64)
        for row, ids_T in zip(rows, ids_RT, strict=True):
            ids_T[: len(row)] = row
        flat = np.concatenate(targets).astype(np.int64) if targets else np.zeros(0, np.int64)
        return Batch((ids_RT, lengths_R), flat, Carry(np.array(enters, np.int64), leaves))

    def _stretches(self, window: Window) -> list[tuple[int, int]]:
        """The targets of a window, by stream."""
        borders = [len(self) * stream // self.streams for stream in range(self.streams + 1)]
        return [(min(first + window.first, past), min(first + window.past, past)) for first, past in pairwise(borders)]
