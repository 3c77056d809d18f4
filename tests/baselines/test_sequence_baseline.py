from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from anaphora import SequenceClassifier, SequenceRegressor
from anaphora.errors import BundleError
from anaphora.tasks.sequences import baseline as sequence
from anaphora.tasks.sequences import summaries
from anaphora.tasks.sequences.baseline import ARRAYS, FACTS, STRENGTHS, SequenceBaselines, standardised

RNG = np.random.default_rng(0)
ROWS = [RNG.normal(5, 3, (length, 2)) for length in RNG.integers(2, 9, 90)]
SLOPES = np.array([np.polyfit(range(len(row)), row[:, 0], 1)[0] for row in ROWS])
TINY: dict[str, Any] = {"hidden_size": 2, "epochs": 1}


def test_a_row_is_summarised_by_what_is_there() -> None:
    (own_F,) = summaries.of_rows([np.array([[1.0], [np.nan], [2.0], [6.0]])])
    mean, total, deviation, low, high, first, last, slope, share, length = own_F
    assert (mean, total, low, high, first, last, share, length) == (3, 9, 1, 6, 1, 6, 0.75, 4)
    assert deviation == pytest.approx(np.std([1, 2, 6]))
    assert slope == pytest.approx(np.polyfit([0, 2, 3], [1, 2, 6], 1)[0])


def test_a_step_is_summarised_by_what_was_up_to_it() -> None:
    row = np.array([1.0, np.nan, 2.0, 6.0])[:, None]
    found_TF = summaries.of_steps([row], both=False)
    assert found_TF.shape == (4, 10)
    now, before, mean, total, deviation, low, high, seen, count, steps = found_TF[3]
    assert (now, before, mean, total, low, high, seen, count, steps) == (6, 2, 3, 9, 1, 6, 1, 3, 4)
    assert found_TF[:, 7].tolist() == [1, 0, 1, 1]
    assert deviation == pytest.approx(np.std([1, 2, 6]))
    assert np.isnan(found_TF[0, 1])
    assert np.isnan(found_TF[1, 0])


def test_summaries_of_steps_know_nothing_of_what_comes_after_unless_the_network_does() -> None:
    row = ROWS[0]
    part, whole = (summaries.of_steps([own], both=False) for own in (row[:2], row))
    np.testing.assert_array_equal(part, whole[:2])
    there, back = np.split(summaries.of_steps([row], both=True), 2, axis=1)
    np.testing.assert_array_equal(there, whole)
    np.testing.assert_allclose(back[::-1], summaries.of_steps([row[::-1]], both=False))


def test_large_numbers_that_hardly_differ_have_their_deviation() -> None:
    row = 1e8 + np.array([0.0, 1.0, 2.0, 3.0])[:, None]
    assert summaries.of_steps([row], both=False)[-1, 4] == pytest.approx(np.std([0, 1, 2, 3]), rel=1e-5)
    assert summaries.of_rows([row])[0, 2] == pytest.approx(np.std([0, 1, 2, 3]), rel=1e-5)


def test_a_constant_has_no_deviation_and_no_slope() -> None:
    rows = [np.full((length, 1), 0.1) for length in range(2, 40)]
    assert not summaries.of_rows(rows)[:, [2, 7]].any()
    assert not summaries.of_steps(rows, both=True)[:, [4, 14]].any()


def test_it_is_what_scikit_learn_says_of_the_same_summaries() -> None:
    fitted = SequenceBaselines.of_numbers(ROWS, SLOPES, stepwise=False, both=False)
    x_NF = standardised(summaries.of_rows(ROWS), fitted.linear.mean_F, fitted.linear.deviation_F)
    ridge = Ridge(fitted.linear.strength).fit(x_NF, SLOPES)
    np.testing.assert_allclose(fitted.predict(ROWS)["linear"], ridge.predict(x_NF))
    assert fitted.predict(ROWS)["mean"].tolist() == pytest.approx([SLOPES.mean()] * 90)

    labels = np.array(["low", "middle", "high"])[np.digitize(SLOPES, [-1, 1])]
    of_labels = SequenceBaselines.of_labels(ROWS, labels.tolist(), stepwise=False, both=False)
    logistic = LogisticRegression(C=of_labels.linear.strength, max_iter=2_000).fit(x_NF, labels)
    assert of_labels.predict(ROWS)["linear"].tolist() == logistic.predict(x_NF).tolist()


def test_a_straight_line_is_found() -> None:
    fitted = SequenceBaselines.of_numbers(ROWS, SLOPES, stepwise=False, both=False)
    assert np.abs(fitted.predict(ROWS)["linear"] - SLOPES).max() < 0.01 * SLOPES.std()


@pytest.mark.parametrize("stepwise", [False, True])
@pytest.mark.parametrize("labels", [2, 3])
def test_files_hold_all_of_it(stepwise: bool, labels: int) -> None:
    targets = [str(place % labels) for place in range(sum(map(len, ROWS)) if stepwise else 90)]
    fitted = SequenceBaselines.of_labels(ROWS, targets, stepwise, both=False)
    again = SequenceBaselines.from_files(fitted.to_files())
    assert again is not None
    for name, answers in fitted.predict(ROWS).items():
        assert again.predict(ROWS)[name].tolist() == answers.tolist()


def test_damaged_files_are_refused_and_none_are_none() -> None:
    files = SequenceBaselines.of_numbers(ROWS, SLOPES, stepwise=False, both=False).to_files()
    for name, content in [(FACTS, b"{}"), (FACTS, b"no json"), (ARRAYS, files[ARRAYS][:-8])]:
        with pytest.raises(BundleError, match="baseline/ is damaged"):
            SequenceBaselines.from_files(files | {name: content})
    assert SequenceBaselines.from_files({}) is None


def test_few_rows_and_rare_labels_have_a_baseline_all_the_same() -> None:
    two = SequenceBaselines.of_labels(ROWS[:2], ["a", "b"], stepwise=False, both=False)
    assert two.predict(ROWS[:2])["linear"].tolist() == ["a", "b"]
    assert SequenceBaselines.of_numbers(ROWS[:2], SLOPES[:2], stepwise=False, both=False).linear.strength == 1


@pytest.mark.parametrize("stepwise", [False, True])
def test_the_strength_is_chosen_on_no_more_than_a_capped_number_of_examples(
    stepwise: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    folds = sequence._folds

    def watched(x_NF: Any, targets: Any, groups_N: Any) -> Any:
        seen.append(len(x_NF))
        assert len(targets) == len(groups_N) == len(x_NF)
        if stepwise:
            counts = [len(ROWS[row]) for row in np.unique(groups_N)]
            assert np.unique(groups_N, return_counts=True)[1].tolist() == counts, "a row in part"
        return folds(x_NF, targets, groups_N)

    monkeypatch.setattr(sequence, "_folds", watched)
    targets = np.concatenate([row[:, 0] for row in ROWS]) if stepwise else SLOPES
    whole = SequenceBaselines.of_numbers(ROWS, targets, stepwise, both=False)
    monkeypatch.setattr(sequence, "CHOOSING", 60)
    capped, again = (SequenceBaselines.of_numbers(ROWS, targets, stepwise, both=False) for _ in range(2))
    assert seen[0] == len(targets)
    assert 40 < seen[1] <= 60
    np.testing.assert_array_equal(capped.linear.weight_KF, again.linear.weight_KF)
    np.testing.assert_array_equal(capped.linear.mean_F, whole.linear.mean_F)
    assert np.isclose(capped.linear.strength, np.array(STRENGTHS) * len(targets)).any()
    assert np.abs(capped.predict(ROWS)["linear"] - targets).max() < 0.05 * targets.std()


def signs(scores: dict[str, Any], better: float) -> None:
    """The sentence says what the numbers say; `better` is above 0 where the network is ahead."""
    test = scores["comparison"]
    certain = test["p_value"] < 0.05 if "p_value" in test else not test["low"] <= 0 <= test["high"]
    begins = "No clear winner" if not certain else f"The {'network' if better > 0 else 'linear baseline'} is better"
    assert scores["verdict"].startswith(begins), scores["verdict"]


@pytest.mark.parametrize("targets", ["row", "step"])
@pytest.mark.parametrize("far", [0.0, 1.0])
def test_the_verdict_on_numbers_has_the_sign_of_the_difference(targets: str, far: float) -> None:
    """A linear target, for which a ridge is right and a hardly trained network is not; and one of neither."""
    model = SequenceRegressor(**TINY, targets=targets)
    own = SLOPES if targets == "row" else [far * row[:, 0] + (1 - far) * row[:, 1] ** 2 for row in ROWS]
    scores = model.fit(ROWS, own).evaluate(ROWS, own)
    linear = scores["baselines"]["linear"]
    assert scores["comparison"]["difference"] == pytest.approx(scores["mae"] - linear["mae"])
    signs(scores, linear["mae"] - scores["mae"])
    assert set(scores["baselines"]) == {"mean", "linear"}


@pytest.mark.parametrize("targets", ["row", "step"])
@pytest.mark.parametrize("winner", ["network", "linear"])
def test_the_verdict_on_labels_has_the_sign_of_the_difference(targets: str, winner: str) -> None:
    """Which way round three things come, which no mean or slope tells; or the sign of a slope."""
    rng = np.random.default_rng(1)
    orders_N3 = np.array([rng.permutation(3) for _ in range(240)])
    rows = list(np.eye(3)[orders_N3] + rng.normal(0, 0.1, (240, 3, 3)))
    round_N = (orders_N3[:, 1] - orders_N3[:, 0]) % 3 == 1
    own = (round_N if winner == "network" else orders_N3[:, 0] < orders_N3[:, 2]).tolist()
    given: Any = own if targets == "row" else [[label] * 3 for label in own]
    sizes = {"hidden_size": 16, "epochs": 40, "learning_rate": 0.02} if winner == "network" else TINY
    scores = SequenceClassifier(**sizes, targets=targets, bidirectional=targets == "step").fit(rows, given)
    found = scores.evaluate(rows, given)
    signs(found, found["accuracy"] - found["baselines"]["linear"]["accuracy"])
    if targets == "row":
        assert found["verdict"].startswith(f"The {winner}")


def test_without_baselines_there_are_scores_and_no_comparison() -> None:
    model = SequenceRegressor(**TINY).fit(ROWS, SLOPES)
    bare = SequenceRegressor.from_bundle(replace(model.bundle_, baseline={}))
    scores = bare.evaluate(ROWS, SLOPES)
    assert scores["baselines"] == {}
    assert scores["verdict"].startswith("The network gets a mean absolute error of")
    labels = ["up" if slope > 0 else "down" for slope in SLOPES]
    other = SequenceClassifier(**TINY).fit(ROWS, labels)
    bare_labels = SequenceClassifier.from_bundle(replace(other.bundle_, baseline={}))
    assert bare_labels.evaluate(ROWS, labels)["verdict"].startswith("The network gets")
