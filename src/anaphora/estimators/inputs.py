"""Rows as a person gives them."""

from collections.abc import Iterable
from typing import Any

from anaphora.data.read import mend
from anaphora.errors import DataError


def listed(rows: Iterable[Any], called: str) -> list[Any]:
    """The rows in a list. Raises DataError where they are none."""
    try:
        return list(rows)
    except TypeError:
        raise not_rows(rows, called) from None


def not_rows(rows: Any, called: str) -> DataError:
    return DataError(f"the {called} are {rows!r}: a list or an array is needed")


def checked_texts(texts: Iterable[Any], called: str = "text") -> list[str]:
    """The texts, mended. Raises DataError, which names the place by what it is `called`."""
    if isinstance(texts, str):
        raise DataError(f"a list of texts is needed, not one text: [{texts[:40]!r}]")
    texts = listed(texts, f"{called}s")
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"{called} {place} is {text!r}, not a text; give a missing text as ''")
    return [mend(text) for text in texts]
