"""What `inspect` shows of a file."""

import random

import pytest

from anaphora.data.profile import columns_of, label_leakage, texts_of


def test_columns_are_counted():
    rows = [{"id": str(k), "text": "one two three" if k % 2 else ""} for k in range(10)]
    number, text = columns_of(rows)
    assert (number.filled, number.different) == (10, 10)
    assert (text.filled, text.different, text.words) == (5, 1, (3, 3, 3))


def test_duplicates_and_contradictions_are_counted():
    texts = ["Same text!", "same  text", "other", "", "same text"]
    found = texts_of(texts, ["a", "a", "a", "b", "b"])
    assert (found.empty, found.equal, found.near, found.disagreeing) == (1, 2, 2, 3)


def test_a_column_that_gives_the_label_away_is_named_and_others_are_not():
    rows = [
        {"label": "ab"[k % 2], "id": str(k), "url": f"https://{'xy'[k % 2]}.org/{k}", "noise": str(k * 7 % 5)}
        for k in random.Random(0).sample(range(400), 400)
    ]
    assert [name for name, _ in label_leakage(rows, "label", [])] == ["url"]
    assert label_leakage(rows, "label", ["url"]) == []


@pytest.mark.parametrize(("right", "named"), [(84, {}), (86, {"hint": 0.86})])
def test_a_column_is_named_where_it_removes_seven_tenths_of_the_mistakes(right, named):
    """Half the rows have either label: the most frequent one is wrong on 50 of 100, and 15 may be left."""
    rows = [{"label": "ab"[k % 2], "hint": "ab"[k % 2 if k < right else 1 - k % 2]} for k in range(100) for _ in "xy"]
    assert dict(label_leakage(rows, "label", [])) == named
