"""Labels in the form that a person gives them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from anaphora.data.labels import Label
from anaphora.data.read import replace_surrogates
from anaphora.errors import DataError, in_words


def row_name(index: int) -> str:
    return f"row {index}"


def checked_labels(
    targets: Sequence[Any], name_of: Callable[[int], str] = row_name, min_count: int = 2
) -> list[str | int | float | bool]:
    """The training labels. Raises DataError as `read_labels` does, where there is only one label, and for a label with
    fewer than `min_count` targets.
    """
    labels = read_labels(targets, name_of)
    counts = Counter(labels)
    if len(counts) < 2:
        raise DataError(f"every row has the label {in_words(map(repr, counts))}: two or more labels are needed")
    if rare := [label for label, count in counts.items() if count < min_count]:
        raise DataError(
            f"label {in_words(map(repr, rare))} has only one row; each label needs two or more: leave the row out, or "
            "give it another label"
        )
    return labels


def read_labels(targets: Sequence[Any], name_of: Callable[[int], str] = row_name) -> list[str | int | float | bool]:
    """The labels; masked entries count as missing. Raises DataError at a value that is not a label, whose row it names
    by `name_of`.
    """
    given = np.ma.asarray(targets, object).tolist()
    labels = [label.item() if isinstance(label, np.generic) else label for label in given]
    for index, label in enumerate(labels):
        if not isinstance(label, str | int | float | None):
            raise DataError(f"{name_of(index)} has the label {label!r}: a text or a number is needed")
        if label is None or label == "" or label != label:
            raise DataError(f"{name_of(index)} has no label ({label!r}); leave such rows out")
        if isinstance(label, str) != isinstance(labels[0], str):
            raise DataError(f"the labels {labels[0]!r} and {label!r} are a text and a number: use one type")
        if isinstance(label, str) and "\0" in label:
            raise DataError(f"{name_of(index)} has a label with a NUL character: {label!r}")
    return [replace_surrogates(label) if isinstance(label, str) else label for label in labels]


def label_texts(labels: Iterable[Label]) -> dict[Label, str]:
    """The text of each label; equal labels, such as 1, 1.0 and True, have the text of the first."""
    return {label: str(label) for label in dict.fromkeys(labels)}
