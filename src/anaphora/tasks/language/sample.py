"""Rows for the parity tests: rows, targets, and the options of a small network."""

from typing import Any

from anaphora.tasks.language.task import LanguageConfig

TEXTS = ["the cat sat", "a dog", "", "the dog ran and the cat sat on a mat all day", "rain"]
SAMPLES: dict[str, Any] = {
    "tokens": (TEXTS, None, LanguageConfig, {"level": "word", "min_count": 1, "embedding_size": 6}),
}
