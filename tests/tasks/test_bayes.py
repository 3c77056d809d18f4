"""The head start from word counts: the ratios of the paper, and only where they are asked for."""

import numpy as np
import pytest

from anaphora.net.build import draw
from anaphora.tasks.classify.naive_bayes import initial_columns, log_count_ratios
from anaphora.tasks.classify.task import Classify, ClassifyConfig

ROWS = [np.array([1, 1, 2]), np.array([1, 3]), np.array([2, 3, 3])]
TARGETS = np.array([0, 0, 1])


def test_ratios_are_those_worked_out_by_hand():
    # Counts, one larger: label 0 [1, 3, 2, 2], label 1 [1, 1, 2, 2]; a text counts a token once.
    zero, one = np.array([1, 3, 2, 2]) / 8, np.array([1, 1, 2, 2]) / 6
    expected = np.log(np.stack([zero / one, one / zero], 1))
    np.testing.assert_allclose(log_count_ratios(ROWS, TARGETS, 4, 2), expected)


def test_the_start_has_the_deviation_asked_for_and_follows_the_ratios():
    ratios = log_count_ratios(ROWS, TARGETS, 4, 2)
    start = initial_columns(ratios, 5, 0.2, seed=0)
    assert start.std() == pytest.approx(0.2, rel=1e-5)
    assert np.linalg.matrix_rank(start, tol=1e-5) == np.linalg.matrix_rank(ratios, tol=1e-5)


def test_with_three_labels_the_others_are_counted_once_larger_too():
    ratios = log_count_ratios([np.array([k]) for k in range(3)], np.arange(3), 3, 3)
    # Of label 0: counts [2, 1, 1] of 4; of the others: [1, 2, 2] of 5.
    np.testing.assert_allclose(ratios[:, 0], np.log([2 / 4 * 5, 1 / 4 * 5 / 2, 1 / 4 * 5 / 2]))


def test_labels_that_words_do_not_tell_apart_start_at_zero():
    assert not initial_columns(np.zeros((4, 2)), 3, 0.2, seed=0).any()


@pytest.mark.parametrize("width", [0, 3])
def test_only_the_numbers_asked_for_begin_from_counts(width):
    texts, labels = ["good film", "bad film"] * 4, ["pos", "neg"] * 4
    options = ClassifyConfig(bayes_start=width, embedding_size=6, hidden_size=4).resolved(8)
    task = Classify.learn(options, texts, labels)
    random = draw(task.spec(), 0)
    begun = task.start(random, task.encode(texts, labels))["embedding.weight"]
    differing = (begun != random["embedding.weight"]).any(axis=0)
    assert differing.tolist() == [True] * width + [False] * (6 - width)
    assert not begun[0, :width].any()  # the unknown token says nothing of any label
