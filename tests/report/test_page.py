"""The page of scores: self-contained, escaped, and true."""

import re

import numpy as np
import pytest

from anaphora.metrics import bootstrap, classification
from anaphora.report.label_scores import compare, verdict
from anaphora.report.plots import calibration_error
from anaphora.tasks.classify.page import page
from anaphora.tasks.classify.scores import ClassifierScores


@pytest.fixture
def html(model, toy):
    examined = model.examine([*toy.texts, "<script>alert(1)</script>"], [*toy.labels, toy.labels[0]])
    return page(examined, model.bundle_.training | {"command": "anaphora train classify 'a <b>'"}, "test")


def test_it_loads_nothing_from_elsewhere(html):
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", html)
    assert "@import" not in html


def test_texts_and_commands_are_escaped(html):
    assert "<script>" not in html
    assert "a &lt;b&gt;" in html


def test_whatever_a_person_named_or_wrote_is_escaped():
    texts, labels = ["<s>text", "plain"], ["<i>one", "<i>two"]
    probabilities_NK = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    truth = ["<i>two", "<i>new"]  # both answers are wrong, and one label is unknown
    scores = compare(truth, labels, {"majority": [labels[0]] * 2}, labels)
    training = {"file": "<s>file", "command": "<s>command", "<s>fact": "<s>value"}
    html = page(ClassifierScores(texts, truth, labels, probabilities_NK, scores), training, "test")
    assert not re.findall("<[si]>", html)
    for escaped in ("text", "file", "command", "fact", "value"):
        assert f"&lt;s&gt;{escaped}" in html
    assert html.count("&lt;i&gt;new") == 4  # a line of scores, a row and a column of the matrix, a mistake


def test_it_has_every_part(html):
    for title in ("Scores", "Scores per label", "Learning curve", "Confusion matrix", "ROC", "Calibration", "Training"):
        assert f"<h2>{title}</h2>" in html
    assert "prefers-color-scheme: dark" in html
    assert html.count("<svg") == 3


def test_plots_take_the_colours_of_the_page(html):
    assert "var(--network)" in html
    assert "#040506" not in html


def test_the_bootstrap_interval_is_that_of_the_binomial():
    truth = ["a"] * 400 + ["b"] * 400
    predicted = ["a"] * 360 + ["b"] * 40 + ["b"] * 360 + ["a"] * 40
    low, high = bootstrap(truth, predicted)["accuracy"]
    spread = 1.96 * np.sqrt(0.9 * 0.1 / 800)
    assert (low, high) == pytest.approx((0.9 - spread, 0.9 + spread), abs=0.004)


def test_the_bootstrap_of_macro_f1_holds_the_score():
    rng = np.random.default_rng(0)
    truth = rng.choice(["a", "b", "c"], 300)
    predicted = np.where(rng.random(300) < 0.7, truth, "a")
    low, high = bootstrap(truth, predicted)["macro_f1"]
    assert low < classification(truth, predicted)["macro_f1"] < high


def test_calibration_error_is_zero_when_probabilities_are_true_and_large_when_not():
    right = np.arange(1_000) % 10 < 8
    assert calibration_error(right, np.full(1_000, 0.8, np.float32)) == pytest.approx(0, abs=1e-6)
    assert calibration_error(right, np.full(1_000, 0.99, np.float32)) == pytest.approx(0.19, abs=1e-6)


def test_calibration_error_is_the_mean_gap_of_the_bins_weighted_by_their_rows():
    certainty = np.repeat(np.array([0.92, 0.95, 0.65], np.float32), [10, 10, 60])
    right = np.repeat([True, False, True, False], [16, 4, 42, 18])
    # 20 rows, 0.935 certain on average and 0.8 right; 60 rows, 0.65 certain and 0.7 right.
    assert calibration_error(right, certainty) == pytest.approx((20 * 0.135 + 60 * 0.05) / 80, abs=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs", "p", "begins"),
    [
        (0.9, 0.8, 0.001, "The network is better"),
        (0.8, 0.9, 0.001, "The linear baseline is better"),
        (0.85, 0.84, 0.4, "No clear winner"),
    ],
)
def test_the_verdict_says_who_wins(ours, theirs, p, begins):
    scores = {"accuracy": ours, "n": 100, "baselines": {"linear": {"accuracy": theirs}}, "comparison": {"p_value": p}}
    assert verdict(scores).startswith(begins)
