import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.model_selection import cross_val_score

from anaphora import SequenceClassifier, TextClassifier, load
from anaphora.errors import DataError, OptionError
from anaphora.estimators.rows import Rows, validation_split
from anaphora.tasks.sequences.baseline import SequenceBaselines
from anaphora.tasks.sequences.estimator import groups

OPTIONS: dict[str, Any] = {"hidden_size": 8, "epochs": 15, "batch_size": 16, "learning_rate": 0.02}
RNG = np.random.default_rng(0)
X_NTD = RNG.normal(5, 3, (96, 6, 2))
SIGNS = np.where(X_NTD[:, :, 0].mean(1) > 5, "above", "below")


@pytest.fixture(scope="module")
def fitted() -> SequenceClassifier:
    return SequenceClassifier(**OPTIONS).fit(X_NTD, SIGNS)


def test_it_learns_labels(fitted: SequenceClassifier) -> None:
    assert fitted.score(X_NTD, SIGNS) > 0.9
    assert fitted.classes_.tolist() == ["above", "below"]


def test_the_most_likely_label_is_answered(fitted: SequenceClassifier) -> None:
    shares_NK = fitted.predict_proba(X_NTD)
    np.testing.assert_allclose(shares_NK.sum(1), 1, rtol=1e-5)
    assert fitted.predict(X_NTD).tolist() == fitted.classes_[shares_NK.argmax(1)].tolist()


@pytest.mark.parametrize("labels", [[3, 1, 2], [True, False, True], [0.5, 1.5, 2.5]])
def test_labels_keep_their_kind(labels: list[Any], tmp_path: Path) -> None:
    targets = [np.array(labels)[place % 3] for place in range(96)]
    SequenceClassifier(**OPTIONS | {"epochs": 1}).fit(X_NTD, targets).save(tmp_path / "model")
    assert load(tmp_path / "model").classes_.tolist() == sorted(set(labels))


def test_a_number_is_a_label_however_it_is_written() -> None:
    model = SequenceClassifier(**OPTIONS | {"epochs": 3}).fit(X_NTD, (SIGNS == "above").astype(int))
    scores = model.evaluate(X_NTD, (SIGNS == "above").astype(float))
    assert scores["unknown_labels"] == {}
    assert scores["accuracy"] == model.score(X_NTD, (SIGNS == "above").astype(float)) > 0.5


def test_scores_want_one_label_a_row(fitted: SequenceClassifier) -> None:
    for ask in (fitted.score, fitted.evaluate):
        with pytest.raises(DataError, match=r"row 0 has the label \[.*: a text or a number is needed"):
            ask(X_NTD[:2], [["above"] * 6, ["below"] * 6])


@pytest.mark.parametrize("missing", [None, float("nan"), ""])
def test_scores_want_labels_that_are_there(fitted: SequenceClassifier, missing: Any) -> None:
    for ask in (fitted.score, fitted.evaluate):
        with pytest.raises(DataError, match=r"row 1 has no label \(.*\); leave such rows out$"):
            ask(X_NTD[:2], ["above", missing])


def test_masked_labels_are_missing_ones(fitted: SequenceClassifier) -> None:
    masked = np.ma.array(SIGNS, mask=np.arange(96) == 1)
    for ask in (fitted.score, fitted.evaluate, SequenceClassifier(**OPTIONS).fit):
        with pytest.raises(DataError, match="row 1 has no label"):
            ask(X_NTD, masked)


@pytest.mark.parametrize("targets", ["row", "step"])
@pytest.mark.parametrize("labels", [[1, 1.0, 2], [True, 1, 0], [1, True, 2.5]])
def test_the_baseline_knows_the_labels_of_the_network_and_no_others(labels: list[Any], targets: str) -> None:
    given: Any = [labels[place % 3] for place in range(96)]
    given = given if targets == "row" else [[label] * 6 for label in given]
    model = SequenceClassifier(**OPTIONS | {"epochs": 1}, targets=targets, validation=0).fit(X_NTD, given)
    baselines = SequenceBaselines.from_files(model.bundle_.baseline)
    assert baselines is not None
    assert sorted(baselines.labels) == sorted(map(str, model.bundle_.task.output.labels.names))
    scores = model.evaluate(X_NTD, given)
    assert scores["unknown_labels"] == {}
    assert scores["baselines"]["majority"]["accuracy"] == pytest.approx(2 / 3)
    assert model.score(X_NTD, given) == scores["accuracy"] > 0


def test_both_scores_compare_labels_in_one_way() -> None:
    numbers = (SIGNS == "above").astype(int)
    model = SequenceClassifier(**OPTIONS | {"epochs": 3}).fit(X_NTD, numbers)
    texts = list(map(str, numbers))
    assert model.score(X_NTD, texts) == model.evaluate(X_NTD, texts)["accuracy"] == model.score(X_NTD, numbers) > 0.5


def test_padding_is_not_seen(fitted: SequenceClassifier) -> None:
    ragged = [X_NTD[0, :2], X_NTD[1]]
    np.testing.assert_allclose(fitted.predict_proba(ragged)[0], fitted.predict_proba([X_NTD[0, :2]])[0], rtol=1e-5)


def test_a_saved_classifier_answers_bit_by_bit_the_same(fitted: SequenceClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    for again in (load(tmp_path / "model"), pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_array_equal(again.predict_proba(X_NTD), fitted.predict_proba(X_NTD))
    scores = fitted.evaluate(X_NTD, SIGNS)
    assert load(tmp_path / "model").evaluate(X_NTD, SIGNS) == scores


def test_it_has_the_manners_of_scikit_learn(fitted: SequenceClassifier) -> None:
    assert is_classifier(fitted)
    assert not fitted.__sklearn_tags__().input_tags.string
    assert TextClassifier().__sklearn_tags__().input_tags.string
    assert clone(fitted).get_params() == fitted.get_params()
    assert cross_val_score(SequenceClassifier(**OPTIONS), X_NTD, SIGNS, cv=2).min() > 0.7


def test_live_answers_are_probabilities_of_what_there_was(fitted: SequenceClassifier) -> None:
    live = fitted.live(rows=2)
    for t in range(6):
        np.testing.assert_allclose(live.step(X_NTD[:2, t]), fitted.predict_proba(X_NTD[:2, : t + 1]), rtol=1e-5)


def test_balanced_labels_weigh_the_same() -> None:
    rare = np.where(np.arange(96) % 8 == 0, "rare", "usual")  # nothing in the rows tells them apart
    plain, balanced = (
        SequenceClassifier(**OPTIONS | {"epochs": 3, "class_weights": weights}).fit(X_NTD, rare).predict_proba(X_NTD)
        for weights in ("none", "balanced")
    )
    assert plain[:, 0].mean() < 0.3
    assert 0.35 < balanced[:, 0].mean() < 0.65


def test_smoothed_labels_are_less_certain(fitted: SequenceClassifier) -> None:
    smooth = SequenceClassifier(**OPTIONS, label_smoothing=0.4).fit(X_NTD, SIGNS)
    assert smooth.predict_proba(X_NTD).max(1).mean() < fitted.predict_proba(X_NTD).max(1).mean() - 0.05


def test_a_label_that_was_never_seen_is_a_mistake_for_everyone(fitted: SequenceClassifier) -> None:
    scores = fitted.evaluate(X_NTD[:4], ["other", *SIGNS[1:4]])
    assert scores["unknown_labels"] == {"other": 1}
    assert max(scores["accuracy"], scores["baselines"]["linear"]["accuracy"]) <= 0.75


def test_scores_of_one_label_alone_are_scores(fitted: SequenceClassifier) -> None:
    above = X_NTD[SIGNS == "above"]
    assert fitted.score(above, ["above"] * len(above)) == fitted.evaluate(above, ["above"] * len(above))["accuracy"]


@pytest.mark.parametrize(
    ("rows", "targets", "said"),
    [
        (X_NTD, ["one"] * 96, "every row has the label 'one'"),
        (X_NTD, ["one", *["two"] * 95], "label 'one' has only one row"),
        (X_NTD, [None, *SIGNS[1:]], r"row 0 has no label \(None\); leave such rows out$"),
        (X_NTD, [[label] for label in SIGNS], r"row 0 has the label \["),
        (X_NTD, [np.arange(place % 3 + 2) for place in range(96)], r"row 0 has the label array\("),
        (X_NTD, SIGNS[1:], "96 rows and 95 targets"),
        ([], [], "0 rows and 0 targets"),
        (np.zeros((0, 6, 2)), [], "0 rows and 0 targets"),
        ([X_NTD[0], X_NTD[1, :0]], ["a", "b"], r"row 1 has the shape \[0, 2\], no number in it"),
        (np.zeros((4, 3, 0)), list("abab"), r"row 0 has the shape \[3, 0\], no number in it"),
        ([X_NTD[0], X_NTD[1, :, :1], X_NTD[2]], ["a", "b", "a"], "row 1 has 1 numbers a step, but 2 are expected"),
        ([[0.1, "x"], [0.2, 0.3]], ["a", "b"], "row 0 cannot be read as an array of numbers"),
        (X_NTD[None], ["a"], r"row 0 has the shape \(96, 6, 2\)"),
    ],
)
def test_what_cannot_be_learned_from_is_named(rows: Any, targets: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        SequenceClassifier(**OPTIONS).fit(rows, targets)


def test_another_width_than_that_of_training_is_refused(fitted: SequenceClassifier) -> None:
    for ask in (fitted.predict, fitted.predict_proba, lambda rows: fitted.evaluate(rows, SIGNS)):
        with pytest.raises(DataError, match="row 0 has 1 numbers a step, but 2 are expected"):
            ask(X_NTD[:, :, 0])


def test_live_answers_need_one_direction_and_its_end() -> None:
    for options in ({"bidirectional": True}, {"pool": "mean"}):
        model = SequenceClassifier(**OPTIONS | {"epochs": 1}, **options).fit(X_NTD, SIGNS)
        with pytest.raises(OptionError, match="bidirectional=False and pool='last'"):
            model.live()


def test_equal_sequences_never_straddle_the_validation_split() -> None:
    model = SequenceClassifier(validation=0.3)
    twice = [*X_NTD, *X_NTD]
    rows = Rows(twice, [*SIGNS, *SIGNS], groups(twice))
    kept, held = validation_split(model._options(), model._profile, rows)
    assert len(held) > 40
    assert not {row % 96 for row in kept.tolist()} & {row % 96 for row in held.tolist()}
