"""Tokens of which nothing is lost, for models that write: characters, words with the blank before them, byte pairs.

Two tokens stand for no text: `[UNK]`, number 0, for what the vocabulary does not hold, and `[END]`, number 1, which
stands before every document and, where a model has learned from several, after it. A word of a text that is spelled
like one of them is unknown.
"""

import codecs
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import ByteLevel, PreTokenizer, Split
from tokenizers.trainers import BpeTrainer

from anaphora.text.tokenize import BYTES, CHARACTER, UNKNOWN, UNKNOWN_ID

Ids = NDArray[np.int32]
END, END_ID = "[END]", 1
SPECIAL = (UNKNOWN, END)
LEVELS = ("char", "word", "bpe")
SPLITS = ("signs", "blanks")
# A line end is a token, with the blanks before it; a word or sign takes the one blank before it along.
LINE_END = r"[^\S\r\n]*\r?\n"
WORDS = {
    "signs": rf"{LINE_END}| ?\w+(?:['’]\w+)*| ?[^\w\s]+|\s",
    "blanks": rf"{LINE_END}| ?\S+|\s",
}
UNICODE = 0x110000


@dataclass(frozen=True)
class Codec:
    """Text to token ids and back: what was encoded is decoded exactly, but for unknown tokens."""

    level: str
    tokenizer: Tokenizer

    @classmethod
    def learn(cls, texts: Iterable[str], *, level: str, split: str, vocab_size: int, min_count: int) -> Self:
        """Learn the most frequent tokens, or byte pairs. `split` tells words by signs and blanks, or blanks alone."""
        if level == "bpe":
            tokenizer = Tokenizer(BPE(unk_token=UNKNOWN))
            tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
            trainer = BpeTrainer(
                vocab_size=vocab_size,
                min_frequency=min_count,
                initial_alphabet=BYTES,
                special_tokens=list(SPECIAL),
                show_progress=False,
            )
            tokenizer.train_from_iterator(texts, trainer)
            plain = Tokenizer(tokenizer.model)  # without the special tokens' names, which a text might hold
            plain.pre_tokenizer = tokenizer.pre_tokenizer
            return cls(level, plain)
        cut = Split(Regex(CHARACTER if level == "char" else WORDS[split]), behavior="removed", invert=True)
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(text if level == "char" else _words(cut, text))
        frequent = sorted(
            (word for word in counts if counts[word] >= min_count), key=lambda word: (-counts[word], word)
        )
        known = [*SPECIAL, *(word for word in frequent if word not in SPECIAL)][:vocab_size]
        tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(known)}, unk_token=UNKNOWN))
        tokenizer.pre_tokenizer = cut
        return cls(level, tokenizer)

    @property
    def size(self) -> int:
        """How many ids there are; all are smaller."""
        return int(self.tokenizer.get_vocab_size())

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text."""
        if self.level == "char":
            return [self._of_character[np.frombuffer(text.encode("utf-32-le"), np.uint32)] for text in texts]
        found = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        rows = [np.array(encoding.ids, np.int32) for encoding in found]
        for ids in rows:
            ids[ids == END_ID] = UNKNOWN_ID  # a word of a text that is spelled like it
        return rows

    def encode_prompt(self, text: str) -> Ids:
        """Token ids of what is to be continued. A word that is only known with a blank before it, or only without, is
        taken for that one.
        """
        (ids,) = self.encode([text])
        if self.level == "word" and (ids == UNKNOWN_ID).any():
            words = _words(self.tokenizer.pre_tokenizer, text)
            known = {word: id for word, id in self._vocabulary.items() if word not in SPECIAL}
            other = (word[1:] if word.startswith(" ") else f" {word}" for word in words)
            ids = np.array(
                [known.get(a, known.get(b, UNKNOWN_ID)) for a, b in zip(words, other, strict=True)], np.int32
            )
        return ids

    def unknown(self, text: str) -> list[str]:
        """The words or characters of a prompt that are read as `[UNK]`."""
        if self.level == "bpe" or not (self.encode_prompt(text) == UNKNOWN_ID).any():
            return []
        parts = list(text) if self.level == "char" else _words(self.tokenizer.pre_tokenizer, text)
        return [part for part, id in zip(parts, self.encode_prompt(text), strict=True) if id == UNKNOWN_ID]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of token ids; bytes that are no UTF-8 become replacement characters."""
        return b"".join(self.pieces[id] for id in ids).decode("utf-8", "replace")

    def decoder(self) -> "Decoder":
        """`decode`, a token at a time."""
        return Decoder(self.pieces)

    @cached_property
    def pieces(self) -> list[bytes]:
        """What each token stands for, as UTF-8."""
        names = sorted(self._vocabulary, key=self._vocabulary.__getitem__)
        if self.level != "bpe":
            return [b"", b"", *(name.encode() for name in names[len(SPECIAL) :])]
        byte_of = _byte_of_letter()
        return [b"", b"", *(bytes(byte_of[letter] for letter in name) for name in names[len(SPECIAL) :])]

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        return self.tokenizer.get_vocab()

    @cached_property
    def _of_character(self) -> Ids:
        table = np.full(UNICODE, UNKNOWN_ID, np.int32)
        for character, id in self._vocabulary.items():
            if character not in SPECIAL:
                table[ord(character)] = id
        return table


MOST_PENDING = 3
"""A character is four bytes at most."""


class Decoder:
    """Tokens to text, one at a time: a character that several tokens make is returned with the last of them."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __call__(self, id: int) -> str:
        return self._decoder.decode(self._pieces[id])

    @property
    def pending(self) -> bytes:
        """The first bytes of a character whose last are still to come, MOST_PENDING of them at most. It can be set."""
        return bytes(self._decoder.getstate()[0])

    @pending.setter
    def pending(self, first: bytes) -> None:
        self._decoder.setstate((first, 0))

    def copy(self) -> "Decoder":
        """Another that goes on from here on its own."""
        other = Decoder(self._pieces)
        other.pending = self.pending
        return other


def _words(cut: PreTokenizer, text: str) -> list[str]:
    return [word for word, _ in cut.pre_tokenize_str(text)]


def _byte_of_letter() -> dict[str, int]:
    """The letters that stand for bytes in a vocabulary of byte pairs (Radford et al. 2019)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}
