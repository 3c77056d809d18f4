"""What is in a table before a model is made of it: columns, lengths, labels, duplicates, columns that tell too much."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anaphora.data.duplicates import near_duplicate_groups, text_keys
from anaphora.data.read import Row

LEAKS = 0.7
"""A column gives the label away when it removes this share of the mistakes of the most frequent label."""
_HOST = re.compile(r"^\w+://(?:www\.)?([^/:?#]+)")


@dataclass(frozen=True)
class Column:
    """One column: filled rows, different values, words (5 %, 50 %, 95 % of the filled rows), the first value."""

    name: str
    filled: int
    different: int
    words: tuple[int, int, int]
    example: str


@dataclass(frozen=True)
class Texts:
    """The texts that a model would read."""

    empty: int
    equal: int
    """Rows whose text, but for case and signs, an earlier row has."""
    near: int
    """Rows that are near-duplicates of an earlier one; the equal ones among them."""
    disagreeing: int
    """Rows of near-duplicates whose labels differ."""


def columns_of(rows: Sequence[Row]) -> list[Column]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = []
    for name in names:
        values = [row[name] for row in rows if row.get(name, "").strip()]
        words = (
            np.quantile([len(value.split()) for value in values], [0.05, 0.5, 0.95]).astype(int) if values else [0] * 3
        )
        low, middle, high = (int(count) for count in words)
        columns.append(Column(name, len(values), len(set(values)), (low, middle, high), values[0] if values else ""))
    return columns


def texts_of(texts: Sequence[str], labels: Sequence[str] | None) -> Texts:
    groups = near_duplicate_groups(texts).tolist()
    disagreeing = 0
    if labels is not None:
        in_group: dict[int, set[str]] = defaultdict(set)
        for group, label in zip(groups, labels, strict=True):
            in_group[group].add(label)
        disagreeing = sum(len(in_group[group]) > 1 for group in groups)
    empty = sum(not text.strip() for text in texts)
    equal = len(texts) - len(np.unique(text_keys(texts)))
    return Texts(empty, equal, len(texts) - len(set(groups)), disagreeing)


def label_leakage(rows: Sequence[Row], label: str, left_out: Sequence[str]) -> list[tuple[str, float]]:
    """Columns whose value alone gives the label away, with the share of rows that it gets right.

    The most frequent label of each value (of a web address: of its host) is learned on every other row and tried on the
    rest, so that a column where all values differ shows nothing.
    """
    learned, tried = rows[::2], rows[1::2]
    if not tried:
        return []
    majority = Counter(row[label] for row in learned).most_common(1)[0][0]
    chance = float(np.mean([row[label] == majority for row in tried]))
    found = []
    for name in rows[0]:
        if name == label or name in left_out:
            continue
        answers: dict[str, Counter[str]] = defaultdict(Counter)
        for row in learned:
            answers[_value(row.get(name, ""))][row[label]] += 1
        best = {value: counts.most_common(1)[0][0] for value, counts in answers.items()}
        right = float(np.mean([best.get(_value(row.get(name, "")), majority) == row[label] for row in tried]))
        if right - chance >= LEAKS * (1 - chance) > 0:
            found.append((name, right))
    return found


def _value(text: str) -> str:
    host = _HOST.match(text.strip())
    return host[1] if host else text.strip()
