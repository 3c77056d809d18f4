import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from anaphora.metrics import classification, mcnemar, paired, regression
from anaphora.report.label_scores import compare

TRUTH = ["a", "a", "a", "b", "b", "c"]
ANSWERS = ["a", "a", "b", "b", "c", "c"]


def test_accuracy_and_f1_are_those_worked_out_by_hand() -> None:
    scores = classification(TRUTH, ANSWERS)
    f1 = {"a": 0.8, "b": 0.5, "c": 2 / 3}
    assert (scores["accuracy"], scores["n"]) == (pytest.approx(4 / 6), 6)
    assert scores["macro_f1"] == pytest.approx(sum(f1.values()) / 3)
    assert scores["weighted_f1"] == pytest.approx((3 * f1["a"] + 2 * f1["b"] + f1["c"]) / 6)


def test_each_class_has_its_precision_recall_f1_and_support() -> None:
    per_class = classification(TRUTH, ANSWERS)["per_class"]
    assert per_class["a"] == pytest.approx({"precision": 1, "recall": 2 / 3, "f1": 0.8, "support": 3})
    assert per_class["c"] == pytest.approx({"precision": 0.5, "recall": 1, "f1": 2 / 3, "support": 1})


def test_the_confusion_matrix_has_true_labels_down_and_predicted_ones_across() -> None:
    matrix = classification(TRUTH, ANSWERS)["confusion_matrix"]
    assert matrix == {"labels": ["a", "b", "c"], "rows": [[2, 1, 0], [0, 1, 1], [0, 0, 1]]}


def test_a_label_never_predicted_scores_zero_without_a_warning() -> None:
    scores = classification(["a", "b"], ["a", "a"])
    assert scores["per_class"]["b"] == {"precision": 0, "recall": 0, "f1": 0, "support": 1}


def test_a_label_only_predicted_counts_in_the_macro_mean() -> None:
    assert classification(["a", "a"], ["a", "z"])["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)


def test_rows_of_one_label_all_right_score_one_without_a_warning() -> None:
    scores = classification(["a", "a"], ["a", "a"])
    assert (scores["macro_f1"], scores["confusion_matrix"]["rows"]) == (1, [[2]])


def test_mcnemar_is_the_two_sided_binomial_test_of_the_rows_that_differ() -> None:
    truth = ["x"] * 10
    first = ["x"] * 9 + ["y"]
    second = ["y"] * 5 + ["x"] * 5
    expected = 2 * (math.comb(6, 0) + math.comb(6, 1)) / 2**6  # 5 against 1
    assert mcnemar(truth, first, second) == {
        "only_first_right": 5,
        "only_second_right": 1,
        "p_value": pytest.approx(expected),
    }


def test_mcnemar_of_equal_answers_sees_no_difference() -> None:
    assert mcnemar(TRUTH, ANSWERS, ANSWERS)["p_value"] == 1


def test_mcnemar_is_not_misled_by_differing_wrong_answers() -> None:
    assert mcnemar(["x"], ["y"], ["z"])["only_first_right"] == 0


def test_regression_scores_are_those_worked_out_by_hand() -> None:
    scores = regression(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3, 6]))
    assert scores == {"mae": pytest.approx(0.5), "rmse": pytest.approx(1), "r2": pytest.approx(0.2), "n": 4}


def test_regression_of_vectors_pools_their_places() -> None:
    scores = regression(np.array([[0.0, 10], [2, 10]]), np.array([[0.0, 10], [2, 14]]))
    assert scores == {"mae": pytest.approx(1), "rmse": pytest.approx(2), "r2": pytest.approx(1 - 16 / 2), "n": 2}


def test_r2_of_a_constant_truth_is_no_number() -> None:
    assert math.isnan(regression(np.array([3.0, 3]), np.array([3.0, 4]))["r2"])


# The comparison


def test_labels_that_the_model_does_not_know_are_counted_as_mistakes() -> None:
    scores = compare(["a", "b", "z", "z"], ["a", "b", "a", "b"], {"majority": ["a"] * 4}, ["a", "b"])
    assert (scores["unknown_labels"], scores["accuracy"]) == ({"z": 2}, 0.5)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ("x" * 30, "x" * 10 + "y" * 20, "The network is better than the linear baseline: 100.0% of 31 rows"),
        ("x" * 10 + "y" * 20, "x" * 30, "The linear baseline is better than the network"),
        ("x" * 30, "x" * 29 + "y", "No clear winner"),
        ("x" * 30, "x" * 30, "No clear winner"),
    ],
    ids=["network", "linear", "one row", "equal"],
)
def test_the_verdict_names_a_winner_only_beyond_chance(ours: Any, theirs: Any, said: str) -> None:
    truth, ours, theirs = ["y", *"x" * 30], ["y", *ours], ["y", *theirs]
    scores = compare(truth, ours, {"majority": ["x"] * 31, "linear": theirs}, ["x", "y"])
    assert scores["verdict"].startswith(said)


def test_without_a_linear_baseline_there_is_no_comparison() -> None:
    scores = compare(["a", "b"], ["a", "b"], {"majority": ["a", "a"]}, ["a", "b"])
    assert "comparison" not in scores
    assert "most frequent label 50.0%" in scores["verdict"]


def test_the_paired_interval_of_rows_is_student_s() -> None:
    differences = np.random.default_rng(0).normal(0.2, 1, 30)
    test = stats.ttest_1samp(differences, 0.0)
    interval = test.confidence_interval(0.95)
    found = paired(differences)
    assert list(found.values()) == pytest.approx([differences.mean(), interval.low, interval.high])


def test_steps_that_repeat_their_row_tell_no_more_than_the_row() -> None:
    differences = np.random.default_rng(0).normal(0.2, 1, 30)
    repeated = paired(np.repeat(differences, 7), [7] * 30)
    assert list(repeated.values()) == pytest.approx(list(paired(differences).values()))


def test_every_step_counts_the_same_in_a_paired_difference() -> None:
    found = paired(np.array([1.0, 1.0, 1.0, 0.0]), [3, 1])
    assert found["difference"] == 0.75
    assert found["low"] < 0.75 < found["high"]


def test_one_row_says_nothing_of_a_difference() -> None:
    assert paired(np.ones(5), [5]) == {"difference": 1.0, "low": -np.inf, "high": np.inf}
