"""Rows of text -> arrays of token ids, each cut to the length limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anaphora.chunks import chunks
from anaphora.config import Config, option
from anaphora.text.clean import clean
from anaphora.text.tokenize import PATTERNS, learn

Ids = NDArray[np.int32]
KEEP = ("head", "tail", "both")


@dataclass(frozen=True)
class TextOptions(Config):
    """How text becomes token ids."""

    strip_html: bool = option(True, "take HTML tags out and resolve entities such as &amp;")
    lowercase: bool = option(True, "make the text lower case")
    level: str = option("word", "what a token is", choices=tuple(PATTERNS))
    vocab_size: int = option(30_000, "the most tokens that the vocabulary may hold", at_least=2)
    min_count: int = option(2, "how often a token must occur in training to have its own place", at_least=1)
    max_length: int = option(400, "the most tokens of a text that are read", at_least=1)
    keep: str = option("both", "which part of a longer text is read: head, tail, or half of each", choices=KEEP)


@dataclass(frozen=True)
class TextEncoder:
    """Cleaning, tokenizer and length limit in one: what turns a text into the network's input."""

    options: TextOptions
    tokenizer: Tokenizer

    @classmethod
    def learn(cls, options: TextOptions, texts: Iterable[str]) -> Self:
        """Learn the vocabulary from training texts, and from nothing else."""
        cleaned = (_clean(options, text) for text in texts)
        size, count = options.vocab_size, options.min_count
        return cls(options, learn(cleaned, level=options.level, vocab_size=size, min_count=count))

    @property
    def size(self) -> int:
        return int(self.tokenizer.get_vocab_size())

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text, at most `max_length` of them; an empty text gives an empty array."""
        rows: list[Ids] = []
        for some in chunks(texts, 1_000):  # a tokenizer's own result holds far more than the ids
            cleaned = [_clean(self.options, text) for text in some]
            for encoding in self.tokenizer.encode_batch_fast(cleaned, add_special_tokens=False):
                rows.append(cut(np.array(encoding.ids, np.int32), self.options.max_length, self.options.keep))
        return rows


def cut(ids: Ids, length: int, keep: str) -> Ids:
    """The part of `ids` that is read: all, or `length` of them from the head, the tail, or half from each."""
    if len(ids) <= length:
        return ids
    head = {"head": length, "tail": 0, "both": (length + 1) // 2}[keep]
    tail = length - head
    return np.concatenate([ids[:head], ids[len(ids) - tail :]])


def _clean(options: TextOptions, text: str) -> str:
    return clean(text, strip_html=options.strip_html, lowercase=options.lowercase)
