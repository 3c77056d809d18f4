"""From a cleaned text to token ids, and the vocabulary learned from training texts.

A tokenizer is a `tokenizers.Tokenizer` (Hugging Face's library), stored as its own JSON.
"""

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from tokenizers.trainers import WordLevelTrainer

UNKNOWN = "[UNK]"
UNKNOWN_ID = 0

# A word keeps its apostrophes ("don't") and the sign of a mention or hashtag; a run of other signs (":-)") is a token.
PATTERNS = {
    "word": r"[@#]?\w+(?:['’]\w+)*|[^\w\s]+",
    "char": r"(?s).",
}


def learn(texts: Iterable[str], *, level: str, vocab_size: int, min_count: int) -> Tokenizer:
    """Learn a vocabulary from cleaned texts: the most frequent tokens, with `[UNK]` as number 0."""
    tokenizer = Tokenizer(WordLevel({UNKNOWN: UNKNOWN_ID}, unk_token=UNKNOWN))
    # "removed" and invert: what the pattern matches is kept, what stands between is not.
    tokenizer.pre_tokenizer = Split(Regex(PATTERNS[level]), behavior="removed", invert=True)
    trainer = WordLevelTrainer(
        vocab_size=vocab_size, min_frequency=min_count, special_tokens=[UNKNOWN], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
