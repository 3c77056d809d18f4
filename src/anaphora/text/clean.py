"""Cleaning raw text before it is cut into tokens, in training and, by the same options, at prediction."""

import html
import re

# A tag has a letter, a slash or an exclamation mark right after "<", so "a < b" and "<3" stay as they are.
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")


def clean(text: str, *, strip_html: bool, lowercase: bool) -> str:
    """Apply the chosen steps, in this order: HTML tags out and entities resolved, then lowercase."""
    if strip_html:
        text = html.unescape(_TAG.sub(" ", text))
    return text.lower() if lowercase else text
