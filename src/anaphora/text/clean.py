"""Cleaning raw text before it is cut into tokens, in training and, by the same options, at prediction."""

import html
import re
from collections.abc import Collection
from dataclasses import dataclass

import Stemmer

from anaphora.config import Config, option

# A tag has a letter, a slash or an exclamation mark right after "<", so "a < b" and "<3" stay as they are.
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_SPECIAL = re.compile(r"[^\w\s]|_")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True)
class CleanOptions(Config):
    """How text is cleaned, in this order."""

    strip_html: bool = option(True, "take HTML tags out and resolve entities such as &amp;")
    lowercase: bool = option(True, "make the text lower case")
    stopwords: str = option("none", "words to take out: none, english, or a file of words")
    strip_special: bool = option(False, "turn what is neither letter, digit nor space into a space")
    strip_digits: bool = option(False, "turn digits into a space")
    stem: bool = option(False, "cut English words to their stems (Porter 1980)")


class Cleaner:
    """The chosen steps, ready to be applied. One for each thread: the stemmer keeps a memory of its own."""

    def __init__(self, options: CleanOptions, stopwords: Collection[str]) -> None:
        self._options = options
        self._stopwords = frozenset(stopwords)
        self._stemmer = Stemmer.Stemmer("porter") if options.stem else None

    def _unless_stopword(self, word: re.Match[str]) -> str:
        return "" if word[0].lower().replace("’", "'") in self._stopwords else word[0]

    def __call__(self, text: str) -> str:
        options = self._options
        if options.strip_html:
            text = html.unescape(_TAG.sub(" ", text))
        if options.lowercase:
            text = text.lower()
        if self._stopwords:  # before the apostrophes go: "don't" is one word
            text = _WORD.sub(self._unless_stopword, text)
        if options.strip_special:
            text = _SPECIAL.sub(" ", text)
        if options.strip_digits:
            text = _DIGITS.sub(" ", text)
        if self._stemmer:
            stem = self._stemmer.stemWord
            text = _WORD.sub(lambda word: stem(word[0]), text)
        return text
