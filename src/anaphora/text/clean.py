"""Cleaning raw text before it is cut into tokens, in training and, by the same options, at prediction."""

import html
import re
from collections.abc import Collection
from dataclasses import dataclass

import Stemmer

from anaphora.config import Config, option

# A tag has a letter, a slash or an exclamation mark right after "<", so "a < b" and "<3" stay as they are.
_TAG = r"<[a-zA-Z/!][^<>]*>"
_SPECIAL = r"[^\w\s]|_"
_DIGIT = r"\d"
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_WORD_AND_BLANK = re.compile(rf"{_WORD.pattern}([^\S\r\n]?)")
_LINE_END = re.compile(r"[\r\n]")


@dataclass(frozen=True)
class CleanOptions(Config):
    """How text is cleaned, in this order. What is taken out leaves one blank, or the line ends beside it."""

    strip_html: bool = option(True, "take HTML tags out and resolve entities such as &amp;")
    lowercase: bool = option(True, "make the text lower case")
    stopwords: str = option("none", "words to take out: none, english, or a file of words")
    strip_special: bool = option(False, "turn what is neither letter, digit nor space into a space")
    strip_digits: bool = option(False, "turn digits into a space")
    stem: bool = option(False, "cut English words to their stems (Porter 1980)")

    @property
    def cleans(self) -> bool:
        """Whether anything is chosen."""
        steps = (self.strip_html, self.lowercase, self.strip_special, self.strip_digits, self.stem)
        return any(steps) or self.stopwords != "none"


class Cleaner:
    """The chosen steps, ready to be applied. One for each thread: the stemmer keeps a memory of its own."""

    def __init__(self, options: CleanOptions, stopwords: Collection[str]) -> None:
        self._options = options
        self._stopwords = frozenset(stopwords)
        self._stemmer = Stemmer.Stemmer("porter") if options.stem else None

    def _unless_stopword(self, found: re.Match[str]) -> str:
        blank = found[1]
        word = found[0].removesuffix(blank)
        if word.lower().replace("’", "'") not in self._stopwords:
            return found[0]
        before = found.string[max(0, found.start() - 1) : found.start()]
        return "" if not before or before.isspace() else blank

    def __call__(self, text: str) -> str:
        options = self._options
        if options.strip_html:
            text = html.unescape(_without(_TAG, text))
        if options.lowercase:
            text = text.lower()
        if self._stopwords:  # before the apostrophes go: "don't" is one word
            text = _WORD_AND_BLANK.sub(self._unless_stopword, text)
        if options.strip_special:
            text = _without(_SPECIAL, text)
        if options.strip_digits:
            text = _without(_DIGIT, text)
        if self._stemmer:
            stem = self._stemmer.stemWord
            text = _WORD.sub(lambda word: stem(word[0]), text)
        return text


def _without(pattern: str, text: str) -> str:
    """The text without what the pattern finds: in the place of each run of it, and of the blanks around, one blank; or
    the line ends that were among them; or nothing at the text's ends.
    """

    def gap(found: re.Match[str]) -> str:
        ends = "".join(_LINE_END.findall(re.sub(pattern, "", found[0])))
        return ends or " " * (found.start() > 0 and found.end() < len(text))

    # It begins where blanks begin, so that long runs of blanks are looked at once.
    return re.sub(rf"(?<!\s)\s*(?:(?:{pattern})\s*)+", gap, text)
