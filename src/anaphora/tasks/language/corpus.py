"""A corpus as one array of token ids, in a file that is mapped into memory: it may be larger than memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.language.documents import Documents

CHUNK = 1 << 21
"""Characters that are encoded together, about: a tokenizer has threads, and takes 30 bytes for each."""
BUFFER = 1 << 20
"""Token ids that are buffered before they are written to the file."""


@dataclass(frozen=True)
class Corpus:
    """Documents one after another: document i is `ids[starts[i]:starts[i + 1]]`, and begins with the token `[END]`.

    Every token but the first of each document is a target. `characters` is the length of the text.
    """

    ids: NDArray[Any]
    starts: NDArray[np.int64]
    characters: int

    @property
    def targets(self) -> int:
        return len(self.ids) - self.documents

    @property
    def documents(self) -> int:
        return len(self.starts) - 1

    def count(self, id: int) -> int:
        """How often a token occurs."""
        return int(np.count_nonzero(self.ids == id))

    def frequencies(self, vocabulary: int) -> NDArray[np.float32]:
        """How often each token occurs, `[V]`."""
        counts_V = np.zeros(vocabulary, np.int64)
        for first in range(0, len(self.ids), BUFFER):
            counts_V += np.bincount(self.ids[first : first + BUFFER], minlength=vocabulary)
        return counts_V.astype(np.float32)

    def indices(self, targets: NDArray[np.int64]) -> NDArray[np.int64]:
        """The indices in `ids` of the targets with these numbers; each is predicted from the token before it."""
        return targets + 1 + self.document_of(targets)

    def document_of(self, targets: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self.before, targets, side="right") - 1

    @cached_property
    def before(self) -> NDArray[np.int64]:
        """How many targets are before each document, and before the end."""
        return self.starts - np.arange(len(self.starts))


def write(
    documents: Documents,
    encode: Callable[[Sequence[str]], Sequence[NDArray[Any]]],
    vocabulary: int,
    end: int,
    closed: bool,
    file: Path | None = None,
    cut: bool = False,
) -> Corpus:
    """Encode documents, into `file` if it is given. With `closed` each also ends with `end`, as a target; the last one
    does not if it is `cut`.
    """
    kind = np.uint16 if vocabulary <= 1 << 16 else np.uint32
    writer = _Writer(kind, file)
    lengths: list[int] = []
    characters = 0
    for some in _chunks(_marked(documents)):
        encoded = encode([piece for piece, _ in some])
        for (piece, first), ids in zip(some, encoded, strict=True):
            if first:
                if lengths and closed:
                    lengths[-1] += writer.add([end])
                lengths.append(writer.add([end]))
            lengths[-1] += writer.add(ids)
            characters += len(piece)
    if lengths and closed and not cut:
        lengths[-1] += writer.add([end])
    return Corpus(writer.array(), np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), characters)


def _chunks(marked: Iterable[tuple[str, bool]]) -> Iterable[list[tuple[str, bool]]]:
    """Several pieces at a time, CHUNK characters or a little more."""
    some: list[tuple[str, bool]] = []
    size = 0
    for piece, first in marked:
        some.append((piece, first))
        size += len(piece) + 1
        if size >= CHUNK:
            yield some
            some, size = [], 0
    if some:
        yield some


def _marked(documents: Documents) -> Iterable[tuple[str, bool]]:
    """All pieces, each with whether it is the first of a document; a document without pieces has an empty one."""
    for document in documents:
        first = True
        for piece in document:
            yield piece, first
            first = False
        if first:
            yield "", True


class _Writer:
    """Appends token ids to a file, or to a list where there is no file."""

    def __init__(self, kind: Any, file: Path | None) -> None:
        self.kind, self.file = kind, file
        self._parts: list[NDArray[Any]] = []
        self._buffered = 0
        if file:
            file.write_bytes(b"")

    def add(self, ids: Any) -> int:
        self._parts.append(np.asarray(ids, self.kind))
        self._buffered += len(ids)
        if self.file and self._buffered > BUFFER:
            self._flush(self.file)
        return len(ids)

    def _flush(self, file: Path) -> None:
        with file.open("ab") as out:
            np.concatenate(self._parts).tofile(out)
        self._parts, self._buffered = [], 0

    def array(self) -> NDArray[Any]:
        if not self._parts and not self.file:
            return np.zeros(0, self.kind)
        if not self.file:
            return np.concatenate(self._parts)
        if self._parts:
            self._flush(self.file)
        return np.memmap(self.file, self.kind, "r") if self.file.stat().st_size else np.zeros(0, self.kind)
