"""Labels as a person gives them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from anaphora.data.read import mend
from anaphora.errors import DataError, in_words
from anaphora.tasks.labels import Label


def row_called(place: int) -> str:
    return f"row {place}"


def checked_labels(
    targets: Sequence[Any], called: Callable[[int], str] = row_called, fewest: int = 2
) -> list[str | int | float | bool]:
    """The labels to learn from. Raises DataError as `read_labels`, for one label alone, and for one that fewer than
    `fewest` of the targets have.
    """
    labels = read_labels(targets, called)
    counts = Counter(labels)
    if len(counts) < 2:
        raise DataError(f"every row has the label {in_words(map(repr, counts))}: two or more labels are needed")
    if rare := [label for label, count in counts.items() if count < fewest]:
        raise DataError(
            f"of the rows to learn from, one alone has the label {in_words(map(repr, rare))}: a label needs two or "
            f"more; leave the row out, or give it another label"
        )
    return labels


def read_labels(targets: Sequence[Any], called: Callable[[int], str] = row_called) -> list[str | int | float | bool]:
    """The labels, texts mended; what is masked is missing. Raises DataError for what is no label: a place is what it
    is `called`.
    """
    given = np.ma.asarray(targets, object).tolist()
    labels = [label.item() if isinstance(label, np.generic) else label for label in given]
    for place, label in enumerate(labels):
        if not isinstance(label, str | int | float | None):
            raise DataError(f"{called(place)} has the label {label!r}: a text or a number is needed")
        if label is None or label == "" or label != label:
            raise DataError(f"{called(place)} has no label ({label!r}); leave such rows out")
        if isinstance(label, str) != isinstance(labels[0], str):
            raise DataError(f"the labels {labels[0]!r} and {label!r} are a text and a number: make them one kind")
        if isinstance(label, str) and "\0" in label:
            raise DataError(f"{called(place)} has a label with a NUL in it: {label!r}")
    return [mend(label) if isinstance(label, str) else label for label in labels]


def named(labels: Iterable[Label]) -> dict[Label, str]:
    """What each label is called: equal ones, such as 1, 1.0 and True, as the first of them is."""
    return {label: str(label) for label in dict.fromkeys(labels)}
