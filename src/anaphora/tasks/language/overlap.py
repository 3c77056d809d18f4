"""How much of a text stands in another one, token for token: scores of what was learned from say little."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.language.corpus import Corpus

PASSAGES = 50
"""As many are looked up, at equal distances: each takes a search through the whole of the other text."""
SHORTEST = 0.2
"""A document is a passage by itself if it is as long as this share of one; what is shorter says nothing."""


def share_found(corpus: Corpus, other: Corpus, length: int) -> float:
    """The share of a corpus's passages of `length` tokens that the other holds, too; 0 where there is no passage."""
    if not corpus.targets:
        return 0.0
    targets = np.unique(np.linspace(0, corpus.targets - 1, PASSAGES).astype(np.int64))
    whole, found = np.asarray(other.ids).tobytes(), []
    for place, document in zip(corpus.places(targets), corpus.document_of(targets), strict=True):
        first, past = corpus.starts[document] + 1, corpus.starts[document + 1]
        begin = max(first, min(place, past - length))
        passage = corpus.ids[begin : min(past, begin + length)]
        if len(passage) >= SHORTEST * length:
            found.append(_holds(whole, np.asarray(passage, other.ids.dtype)))
    return sum(found) / len(found) if found else 0.0


def _holds(whole: bytes, passage: NDArray[np.integer[Any]]) -> bool:
    part = passage.tobytes()
    at = whole.find(part)
    while at % passage.itemsize and at >= 0:  # between two numbers
        at = whole.find(part, at + 1)
    return at >= 0
