"""Rows of text -> arrays of token ids, each cut to the length limit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anaphora.config import option
from anaphora.data.chunks import chunks
from anaphora.errors import OptionError
from anaphora.text.clean import Cleaner, CleanOptions
from anaphora.text.codec import END_ID, Codec
from anaphora.text.stopwords import read_stopwords
from anaphora.text.tokenize import ENCODINGS, LEVELS, bucket, learn, without_vocabulary

Ids = NDArray[np.int32]
KEEP = ("head", "tail", "both")


@dataclass(frozen=True)
class TextOptions(CleanOptions):
    """How text becomes token ids."""

    level: str = option("word", "what a token is: a word, a character, or a learned piece of a word", choices=LEVELS)
    encode: str = option("vocabulary", "a number for each known token, or hashed buckets for all", choices=ENCODINGS)
    vocab_size: int = option(30_000, "the most tokens that the vocabulary holds; the number of buckets", at_least=2)
    min_count: int = option(2, "how often a token must occur in training to have its own place", at_least=1)
    max_length: int = option(400, "the most tokens of a text that are read", at_least=1)
    keep: str = option("both", "which part of a longer text is read: head, tail, or half of each", choices=KEEP)


@dataclass(frozen=True)
class TextEncoder:
    """Cleaning, tokenizer and length limit in one: what turns a text into the network's input."""

    options: TextOptions
    tokenizer: Tokenizer
    stopwords: frozenset[str] = frozenset()
    documents: bool = False
    """Whether texts are read as by a language model: in its tokens, of which nothing is lost, and after `[END]`."""

    @classmethod
    def learn(cls, options: TextOptions, texts: Iterable[str]) -> Self:
        """Learn the vocabulary from training texts, and from nothing else."""
        stopwords = read_stopwords(options.stopwords)
        if options.encode == "hash":
            if options.level == "bpe":
                raise OptionError("level='bpe' learns a vocabulary; encode='hash' does without: choose one")
            return cls(options, without_vocabulary(options.level), stopwords)
        cleaned = map(Cleaner(options, stopwords), texts)
        size, count = options.vocab_size, options.min_count
        return cls(options, learn(cleaned, level=options.level, vocab_size=size, min_count=count), stopwords)

    @property
    def size(self) -> int:
        """How many ids there are; all are smaller."""
        if self.options.encode == "hash":
            return self.options.vocab_size + 1  # no bucket is number 0, which stands for [UNK]
        return int(self.tokenizer.get_vocab_size())

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text, at most `max_length` of them; an empty text gives an empty array.

        The `[END]` before a document is one more.
        """
        rows: list[Ids] = []
        begin = np.array([END_ID] * self.documents, np.int32)
        clean = Cleaner(self.options, self.stopwords)
        for some in chunks(texts, 1_000):  # a tokenizer's own result holds far more than the ids
            for ids in self._numbers([clean(text) for text in some]):
                read = cut(np.array(ids, np.int32), self.options.max_length, self.options.keep)
                rows.append(np.concatenate([begin, read]))
        return rows

    def _numbers(self, cleaned: list[str]) -> Iterable[Sequence[int] | Ids]:
        if self.documents:
            return self._codec.encode(cleaned)
        if self.options.encode == "hash":
            return map(self._hashed, cleaned)
        return (encoding.ids for encoding in self.tokenizer.encode_batch_fast(cleaned, add_special_tokens=False))

    @cached_property
    def _codec(self) -> Codec:
        return Codec(self.options.level, self.tokenizer)

    def _hashed(self, text: str) -> list[int]:
        tokens = self.tokenizer.pre_tokenizer.pre_tokenize_str(text)
        return [bucket(token, self.options.vocab_size) for token, _ in tokens]


def cut(ids: Ids, length: int, keep: str) -> Ids:
    """The part of `ids` that is read: all, or `length` of them from the head, the tail, or half from each."""
    if len(ids) <= length:
        return ids
    head = {"head": length, "tail": 0, "both": (length + 1) // 2}[keep]
    tail = length - head
    return np.concatenate([ids[:head], ids[len(ids) - tail :]])
