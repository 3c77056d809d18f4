"""Texts for a language model: documents in pieces, so that neither needs to fit into memory.

Documents are a re-iterable that yields the pieces of each document.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np
from numpy.typing import NDArray

from anaphora.data.duplicates import text_keys
from anaphora.data.read import FORMATS, opened_text, read, replace_surrogates
from anaphora.data.split import split
from anaphora.data.table import join
from anaphora.errors import DataError

PIECE = 1 << 18
"""Characters of a piece, about: it ends where a line ends."""
MAX_LINE = 1 << 12
"""A border is moved to the next line only if that is within so many characters."""
MIN_DOCUMENTS = 100
"""From so many documents on whole documents are held out; of fewer, the tail of the text."""


class Documents(Protocol):
    def __iter__(self) -> Iterator[Iterable[str]]: ...


@dataclass(frozen=True)
class Texts:
    """Texts in memory."""

    texts: Sequence[str]

    def __iter__(self) -> Iterator[Iterable[str]]:
        return (pieces(io.StringIO(replace_surrogates(text), newline="")) for text in self.texts)


@dataclass(frozen=True)
class TextFiles:
    """Files of plain text (also .gz), each a document."""

    paths: Sequence[Path]
    encoding: str = "utf-8"

    def __iter__(self) -> Iterator[Iterable[str]]:
        return (self._pieces(path) for path in self.paths)

    def _pieces(self, path: Path) -> Iterator[str]:
        with opened_text(path, self.encoding) as lines:
            yield from pieces(lines)


@dataclass(frozen=True)
class Column:
    """The rows of a table, each a document: its columns of text, joined. Rows without text are skipped."""

    path: Path
    columns: Sequence[str]
    encoding: str = "utf-8"

    def __iter__(self) -> Iterator[Iterable[str]]:
        rows = read(self.path, self.columns, self.encoding)
        return ([text] for text in (join(row, self.columns) for row in rows) if text)


@dataclass(frozen=True)
class Chain:
    """The documents of several sources, one source after another."""

    sources: Sequence[Documents]

    def __iter__(self) -> Iterator[Iterable[str]]:
        return (document for source in self.sources for document in source)


@dataclass(frozen=True)
class Chosen:
    """A subset of documents."""

    documents: Documents
    chosen: NDArray[np.bool_]

    def __iter__(self) -> Iterator[Iterable[str]]:
        return (document for document, chosen in zip(self.documents, self.chosen, strict=True) if chosen)


@dataclass(frozen=True)
class Stretch:
    """The characters `first` to `past` of all documents as one text; documents outside of it are skipped."""

    documents: Documents
    first: int
    past: int

    def __iter__(self) -> Iterator[Iterable[str]]:
        at = 0
        for document in self.documents:
            if at >= self.past:
                return
            inside = []
            for piece in document:
                if part := piece[max(0, self.first - at) : max(0, self.past - at)]:
                    inside.append(part)
                at += len(piece)
            if inside:
                yield inside


def pieces(lines: IO[str]) -> Iterator[str]:
    """A text in pieces that end at line ends, unless a line is very long."""
    while piece := lines.read(PIECE):
        yield piece + (lines.readline(PIECE) if not piece.endswith("\n") else "")


def read_documents(paths: Sequence[Path], columns: Sequence[str], encoding: str) -> Documents:
    """The documents of files: each row of a table, with its text in `columns`, and each file of plain text.

    Raises DataError where a table is given without columns, there is no file, or the first document cannot be read.
    """
    sources: list[Documents] = []
    for path in text_files(paths):
        is_table = path.name.lower().removesuffix(".gz").endswith(FORMATS)
        if is_table and not columns:
            raise DataError(f"{path} is a table: name the column of the texts with --text")
        if not path.is_file():
            raise DataError(f"{path} is not a file")
        sources.append(Column(path, columns, encoding) if is_table else TextFiles([path], encoding))
    documents = Chain(sources)
    for document in documents:
        for _ in document:
            break
        break
    return documents


def text_files(paths: Sequence[Path]) -> list[Path]:
    """The files of `paths`: of a folder all .txt and .txt.gz in it, by name. Raises DataError where there are none."""
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.name.lower().endswith((".txt", ".txt.gz")))
        if not inside:
            raise DataError(f"{path} is a folder without .txt and .txt.gz files")
        files += inside
    return files


def held_out(
    documents: Documents, share: float, rng: "np.random.Generator", min_characters: int = 1
) -> tuple[Documents, Documents]:
    """Split off a share of the text: whole documents if there are many, else the tail of the text.

    Documents with the same text, except for case and punctuation, are never on both sides. The tail begins at the
    beginning of a line. Nothing is held out of a text with less than `min_characters`.
    """
    lengths = np.array([sum(map(len, document)) for document in documents], np.int64)
    if not share or lengths.sum() < min_characters:
        return documents, Texts([])
    if len(lengths) >= MIN_DOCUMENTS:
        keys = np.concatenate([text_keys(["".join(document)]) for document in documents])
        kept, _ = split(keys.tolist(), [0] * len(keys), share, rng)
        is_kept = np.zeros(len(keys), bool)
        is_kept[kept] = True
        return Chosen(documents, is_kept), Chosen(documents, ~is_kept)
    total = int(lengths.sum())
    border = _line_start(documents, round((1 - share) * total))
    return Stretch(documents, 0, border), Stretch(documents, border, total)


def _line_start(documents: Documents, position: int) -> int:
    """The next beginning of a line; `position` itself where none is near, or in the same piece."""
    at = 0
    for document in documents:
        for piece in document:
            if at + len(piece) > position:
                start = at + piece.find("\n", position - at, position - at + MAX_LINE) + 1
                return start if position < start < at + len(piece) else position
            at += len(piece)
    return position
