"""Near-duplicates are found, and nothing else is."""

import random
import time

import numpy as np
import pytest

from anaphora.data.duplicates import near_duplicate_groups, text_keys

WORDS = [f"word{k}" for k in range(2_000)]


def article(seed, length=120):
    return random.Random(seed).choices(WORDS, k=length)


def jaccard(one, other):
    a, b = ({tuple(words[k : k + 5]) for k in range(len(words) - 4)} for words in (one, other))
    return len(a & b) / len(a | b)


def grouped(*texts):
    groups = near_duplicate_groups(texts)
    return [int(np.flatnonzero(groups == group)[0]) for group in groups]


def test_case_and_signs_make_no_difference():
    assert grouped("Fake news!", "fake  NEWS", "fake newt", "Fake-news") == [0, 0, 2, 0]


@pytest.mark.parametrize("changed", [1, 2])
def test_a_text_with_a_few_words_changed_is_a_near_duplicate(changed):
    one = article(1)
    other = list(one)
    for place in random.Random(changed).sample(range(len(one)), changed):
        other[place] = "changed"
    assert jaccard(one, other) >= 0.8
    assert grouped(" ".join(one), "something else", " ".join(other)) == [0, 1, 0]


@pytest.mark.parametrize("seed", range(20))
def test_the_line_is_drawn_at_four_fifths(seed):
    one = article(seed)
    other = [*one[: random.Random(seed).randint(40, 119)], *article(seed + 100, 30)]
    same = grouped(" ".join(one), " ".join(other)) == [0, 0]
    assert same == (jaccard(one, other) >= 0.8)


def test_other_texts_stay_apart():
    texts = [" ".join(article(seed)) for seed in range(300)]
    assert len(set(near_duplicate_groups(texts).tolist())) == 300


def test_empty_texts_are_one_group_and_signs_are_no_empty_text():
    assert grouped("", "a", " ", ":-)", ":-(", ":-) ") == [0, 1, 0, 3, 4, 3]


def test_the_order_of_five_words_matters():
    assert grouped("the good film was long", "long was film good the", "ha ha ha ha ha", "no no no no yes") == [
        0,
        1,
        2,
        3,
    ]


def test_time_grows_with_the_number_of_texts():
    boilerplate = " ".join(article(0))
    texts = [f"{boilerplate} {k} {k + 1} {k + 2} {k + 3} {k + 4} {k + 5}" for k in range(4_000)]

    def seconds(count):
        began = time.perf_counter()
        near_duplicate_groups(texts[:count])
        return time.perf_counter() - began

    seconds(500)
    assert seconds(4_000) < 4 * 4 * seconds(1_000)  # 16 would be the square


def test_keys_are_equal_for_texts_that_are_equal_but_for_case_and_signs():
    one, same, other = text_keys(["Fake news!", "fake  NEWS", "fake newt"]).tolist()
    assert one == same != other


def test_known_groups_are_linked_with_each_other_by_duplicates():
    texts = ["one film", "another film", "ANOTHER film!", "a third", "a fourth"]
    groups = near_duplicate_groups(texts, ["x", "x", "y", "y", ""])
    assert len(set(groups[:4])) == 1
    assert groups[4] not in groups[:4]
    assert len(set(near_duplicate_groups(texts, [""] * 5))) == 4
