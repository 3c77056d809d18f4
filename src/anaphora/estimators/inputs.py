"""Rows in the form that a person gives them."""

from collections.abc import Iterable
from typing import Any

from anaphora.data.read import replace_surrogates
from anaphora.errors import DataError


def as_list(rows: Iterable[Any], name: str) -> list[Any]:
    """The rows as a list. Raises DataError where they are not iterable."""
    try:
        return list(rows)
    except TypeError:
        raise not_rows(rows, name) from None


def not_rows(rows: Any, name: str) -> DataError:
    return DataError(f"the {name} are {rows!r}: a list or an array is needed")


def checked_texts(texts: Iterable[Any], name: str = "text") -> list[str]:
    """The texts, with broken surrogates replaced. Raises DataError, which names the item (`name` and index)."""
    if isinstance(texts, str):
        raise DataError(f"a list of texts is needed, not one text: [{texts[:40]!r}]")
    texts = as_list(texts, f"{name}s")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"{name} {index} is {text!r}, not a text; give a missing text as ''")
    return [replace_surrogates(text) for text in texts]
