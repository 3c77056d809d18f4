"""From a cleaned text to tokens, and the vocabulary learned from training texts.

A tokenizer is a `tokenizers.Tokenizer` (Hugging Face's library), stored as its own JSON.
"""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE, WordLevel
from tokenizers.pre_tokenizers import ByteLevel, PreTokenizer, Sequence, Split
from tokenizers.trainers import BpeTrainer, WordLevelTrainer

UNKNOWN = "[UNK]"
UNKNOWN_ID = 0

# A word keeps its apostrophes ("don't") and the sign of a mention or hashtag; a run of other signs (":-)") is a token.
WORD = r"[@#]?\w+(?:['’]\w+)*|[^\w\s]+"
CHARACTER = r"[\s\S]"
BYTES = ByteLevel.alphabet()
LEVELS = ("word", "char", "bpe")
ENCODINGS = ("vocabulary", "hash")


def learn(texts: Iterable[str], *, level: str, vocab_size: int, min_count: int) -> Tokenizer:
    """Learn a vocabulary from cleaned texts: the most frequent tokens, or byte pairs; `[UNK]` is number 0."""
    special: dict[str, Any] = {"special_tokens": [UNKNOWN], "show_progress": False}
    if level == "bpe":
        tokenizer = Tokenizer(BPE(unk_token=UNKNOWN))
        trainer: Any = BpeTrainer(vocab_size=vocab_size, min_frequency=min_count, initial_alphabet=BYTES, **special)
    else:
        tokenizer = Tokenizer(WordLevel({UNKNOWN: UNKNOWN_ID}, unk_token=UNKNOWN))
        trainer = WordLevelTrainer(vocab_size=vocab_size, min_frequency=min_count, **special)
    tokenizer.pre_tokenizer = splitter(level)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def without_vocabulary(level: str) -> Tokenizer:
    """A tokenizer that only splits, for hashed tokens."""
    tokenizer = Tokenizer(WordLevel({UNKNOWN: UNKNOWN_ID}, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = splitter(level)
    return tokenizer


def splitter(level: str) -> PreTokenizer:
    """What cuts a text: into words and runs of signs, into characters, or into words of bytes for byte pairs."""
    pattern = CHARACTER if level == "char" else WORD
    # "removed" and invert: what the pattern matches is kept, what stands between is not.
    split = Split(Regex(pattern), behavior="removed", invert=True)
    return Sequence([split, ByteLevel(add_prefix_space=True, use_regex=False)]) if level == "bpe" else split


@lru_cache(maxsize=1 << 18)
def bucket(token: str, buckets: int) -> int:
    """A token's number from 1 to `buckets`, the same in every process and on every machine."""
    return 1 + int.from_bytes(blake2b(token.encode(), digest_size=8).digest(), "little") % buckets
