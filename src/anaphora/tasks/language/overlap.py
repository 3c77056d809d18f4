"""How much of a text is in the training text, token for token: scores on such text say little about new text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.language.corpus import Corpus

PASSAGES = 50
"""Passages that are looked up, at equal distances: each takes a search through the whole training text."""
MIN_SHARE = 0.2
"""A document shorter than this share of a passage is skipped: it would be in many texts by chance."""


def passages_seen(corpus: Corpus, training: Corpus, length: int) -> float:
    """The share of a corpus's passages of `length` tokens that are in the training text; 0 where there is no
    passage.
    """
    if not corpus.targets:
        return 0.0
    targets = np.unique(np.linspace(0, corpus.targets - 1, PASSAGES).astype(np.int64))
    text, seen = np.asarray(training.ids).tobytes(), []
    for index, document in zip(corpus.indices(targets), corpus.document_of(targets), strict=True):
        first, past = corpus.starts[document] + 1, corpus.starts[document + 1]
        begin = max(first, min(index, past - length))
        passage = corpus.ids[begin : min(past, begin + length)]
        if len(passage) >= MIN_SHARE * length:
            seen.append(_contains(text, np.asarray(passage, training.ids.dtype)))
    return sum(seen) / len(seen) if seen else 0.0


def _contains(text: bytes, passage: NDArray[np.integer[Any]]) -> bool:
    part = passage.tobytes()
    at = text.find(part)
    while at % passage.itemsize and at >= 0:  # between two numbers
        at = text.find(part, at + 1)
    return at >= 0
