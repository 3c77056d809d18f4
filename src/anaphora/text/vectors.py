"""Ready-made word vectors: GloVe, word2vec and fastText text files (also .gz), or a .npy with its words beside it."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anaphora.errors import DataError

Vector = NDArray[np.float32]


def read_vectors(path: Path, vocabulary: Mapping[str, int]) -> dict[int, Vector]:
    """The vectors of the words that the vocabulary has, by their ids.

    A text file has a word and its numbers on each line, after an optional line with two numbers (how many, how wide).
    `vectors.npy` `[N, D]` wants `words.txt` beside it, a word a line. Raises DataError at rows of unequal width, at a
    word that comes twice, at what is no number.
    """
    if not path.is_file():
        raise DataError(f"vectors={str(path)!r} is not a file")
    found: dict[int, Vector] = {}
    for word, vector in _from_npy(path) if path.suffix == ".npy" else _from_text(path):
        if word in vocabulary:
            number = vocabulary[word]
            if number in found:
                raise DataError(f"{path}: the word {word!r} comes twice")
            if not np.isfinite(vector).all():
                raise DataError(f"{path}: the vector of {word!r} holds a value that is not a finite number")
            found[number] = vector
    if not found:
        raise DataError(f"{path} has no word of the training texts; is it for this language, and in lower case?")
    return found


def _from_npy(path: Path) -> Iterator[tuple[str, Vector]]:
    beside = path.with_name("words.txt")
    if not beside.is_file():
        raise DataError(f"{path} wants its words, one a line, in {beside}")
    try:
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(f"{path} is not a NumPy array: {error}") from error
    words = beside.read_text(encoding="utf-8").split("\n")
    words = words[:-1] if words[-1] == "" else words
    if vectors.ndim != 2 or len(vectors) != len(words):
        raise DataError(f"{path} has the shape {vectors.shape}, and {beside} has {len(words):,} words")
    yield from zip(words, np.asarray(vectors, np.float32), strict=True)


def _from_text(path: Path) -> Iterator[tuple[str, Vector]]:
    width = 0
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            word, *numbers = line.rstrip("\n").rstrip().split(" ")
            if number == 1 and len(numbers) == 1:
                continue  # word2vec's and fastText's first line
            width = width or len(numbers)
            if len(numbers) != width or not width:
                raise DataError(f"{path}, line {number}: {len(numbers)} numbers, but {width} on the lines before")
            try:
                yield word, np.array(numbers, np.float32)
            except ValueError:
                raise DataError(f"{path}, line {number}: a value of {word!r} is not a number") from None
