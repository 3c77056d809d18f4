import pickle
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.validation import check_is_fitted
from toy import TINY, Toy

from anaphora import SequenceRegressor, TextClassifier, load
from anaphora.errors import DataError, NotFitted, OptionError, TrainingFailed, UserError
from anaphora.events import Done, Epoch, Start, Step

Labels = list[Any]
OTHERS: dict[str, Callable[[str], Any]] = {
    "int": lambda label: {"pos": 7, "neg": -1}[label],
    "bool": lambda label: label == "pos",
    "float": lambda label: {"pos": 0.5, "neg": 2.0}[label],
    "str": lambda label: label,
    "unicode": lambda label: {"pos": "☺ é", "neg": " "}[label],
}


# scikit-learn's manners


def test_the_options_are_the_parameters(tiny: dict[str, Any]) -> None:
    assert TextClassifier(**tiny).get_params().items() >= tiny.items()


def test_set_params_sets_and_returns_the_estimator() -> None:
    estimator = TextClassifier()
    assert estimator.set_params(hidden_size=3) is estimator
    assert estimator.hidden_size == 3


def test_repr_names_what_was_chosen() -> None:
    assert repr(TextClassifier(cell="gru", min_count=17)) == "TextClassifier(min_count=17, cell='gru')"


def test_a_clone_has_the_options_and_nothing_learned(model: TextClassifier) -> None:
    copy = clone(model)
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFitted):
        copy.predict(["good"])


def test_sklearn_knows_what_they_are_and_whether_fitted(model: TextClassifier) -> None:
    check_is_fitted(model)
    assert is_classifier(model)
    assert is_regressor(SequenceRegressor())


def test_cross_val_score_takes_a_classifier(toy: Toy, tiny: dict[str, Any]) -> None:
    assert cross_val_score(TextClassifier(**tiny), toy.texts, toy.labels, cv=2).min() > 0.8


@pytest.mark.slow
def test_a_grid_search_runs_in_two_processes(toy: Toy, tiny: dict[str, Any]) -> None:
    search = GridSearchCV(TextClassifier(**tiny), {"cell": ["gru", "rnn"]}, cv=2, n_jobs=2).fit(*toy)
    assert search.best_score_ > 0.8
    assert search.best_estimator_.score(*toy) > 0.9


def test_a_pickled_model_predicts_bit_by_bit_the_same(model: TextClassifier, toy: Toy) -> None:
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(toy.texts), model.predict_proba(toy.texts))


def test_an_unfitted_estimator_is_pickled_with_its_options() -> None:
    assert pickle.loads(pickle.dumps(TextClassifier(hidden_size=5))).hidden_size == 5


# What cannot be used


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(OptionError, match=r"'hiden_size' is not an option .*did you mean 'hidden_size'\?"):
        TextClassifier(hiden_size=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_size", 0),
        ("hidden_size", 2.5),
        ("hidden_size", "8"),
        ("hidden_size", True),
        ("bidirectional", 1),
        ("cell", "lstn"),
        ("cell", None),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", float("nan")),
        ("learning_rate", "fast"),
        ("learning_rate", 10**400),
        ("validation", 1),
        ("activation", "relu"),
        ("seed", -1),
        ("seed", 2**70),
        ("vocab_size", 2**70),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_bad_value_is_refused_by_name(name: str, value: object, toy: Toy, tiny: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=name):
        TextClassifier(**tiny | {"cell": "gru", name: value}).fit(*toy)


def test_predicting_before_fitting_says_so() -> None:
    with pytest.raises(NotFitted, match="call fit first"):
        TextClassifier().predict(["good"])


@pytest.mark.parametrize("row", [None, 3, float("nan"), b"bytes", ["a", "list"]])
def test_a_row_that_is_no_text_is_named(row: object, toy: Toy, tiny: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"row 80 is .*, not a text"):
        TextClassifier(**tiny).fit([*toy.texts, row], [*toy.labels, "pos"])


def test_one_text_in_the_place_of_a_list_is_refused(model: TextClassifier) -> None:
    with pytest.raises(DataError, match="a list of texts is needed"):
        model.predict("good film")


def test_lists_of_unequal_length_are_refused(toy: Toy, tiny: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="80 rows and 79 targets"):
        TextClassifier(**tiny).fit(toy.texts, toy.labels[1:])


def test_scores_of_lists_of_unequal_length_are_refused(model: TextClassifier) -> None:
    with pytest.raises(DataError):
        model.score(["good"], ["pos", "neg"])


def test_no_rows_are_refused(tiny: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        TextClassifier(**tiny).fit([], [])


def test_one_class_alone_is_refused(toy: Toy, tiny: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="every row has the label 'pos'"):
        TextClassifier(**tiny).fit(toy.texts, ["pos"] * 80)


def test_a_class_with_one_example_is_refused_by_name(toy: Toy, tiny: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="one row alone has the label 'odd'"):
        TextClassifier(**tiny).fit(toy.texts, ["odd", *toy.labels[1:]])


@pytest.mark.parametrize("label", [None, "", float("nan")])
def test_a_missing_label_is_refused_by_row(label: object, toy: Toy, tiny: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="row 78 has no label"):
        TextClassifier(**tiny).fit(toy.texts, [*toy.labels[:78], label, label])


def test_labels_of_two_dimensions_are_refused(toy: Toy, tiny: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        TextClassifier(**tiny).fit(toy.texts, [[label] for label in toy.labels])


def test_a_loss_that_is_no_number_is_a_failure_with_advice(toy: Toy, tiny: dict[str, Any]) -> None:
    with pytest.raises(TrainingFailed, match="learning-rate"):
        TextClassifier(**tiny | {"learning_rate": 1e38, "clip": 1e38}).fit(*toy)


# Learning


def test_the_toy_set_is_learned(model: TextClassifier, toy: Toy) -> None:
    assert model.score(*toy) > 0.9


def test_it_scores_itself_on_the_rows_held_out(model: TextClassifier) -> None:
    training = model.bundle_.training
    assert training["validation"]["n"] == training["validation_rows"] == 16


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru_textbook"])
def test_two_fits_with_one_seed_are_bit_equal(cell: str, toy: Toy, tiny: dict[str, Any]) -> None:
    tiny |= {"cell": cell, "epochs": 2}
    one, two = (TextClassifier(**tiny).fit(*toy).bundle_.arrays for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert one


def test_another_seed_gives_another_model(toy: Toy, tiny: dict[str, Any], model: TextClassifier) -> None:
    other = TextClassifier(**tiny | {"seed": 1}).fit(*toy)
    assert not np.array_equal(other.predict_proba(toy.texts), model.predict_proba(toy.texts))


@pytest.mark.parametrize("kind", OTHERS)
def test_labels_keep_their_type_through_a_folder(kind: str, toy: Toy, tiny: dict[str, Any], tmp_path: Path) -> None:
    labels = [OTHERS[kind](label) for label in toy.labels]
    fitted = TextClassifier(**tiny).fit(toy.texts, labels)
    fitted.save(tmp_path / "model")
    predicted = load(tmp_path / "model").predict(toy.texts)
    assert {type(label) for label in predicted.tolist()} == {type(labels[0])}
    assert np.mean(predicted == np.array(labels)) == fitted.score(toy.texts, labels) > 0.9


@pytest.mark.parametrize("texts", [["", " "], ["", "good"], ["\n"]])
def test_empty_texts_have_an_answer(texts: list[str], model: TextClassifier) -> None:
    shares = model.predict_proba(texts)
    assert np.isfinite(shares).all()
    assert shares.sum(1) == pytest.approx(np.ones(len(texts)))


def test_no_texts_have_no_answers(model: TextClassifier) -> None:
    assert (model.predict([]).shape, model.predict_proba([]).shape) == ((0,), (0, 2))


def test_empty_texts_among_others_are_learned_from(toy: Toy, tiny: dict[str, Any]) -> None:
    fitted = TextClassifier(**tiny).fit(["", "  ", *toy.texts], ["pos", "neg", *toy.labels])
    assert fitted.score(*toy) > 0.9


def test_texts_without_a_single_token_can_be_fitted(tiny: dict[str, Any]) -> None:
    fitted = TextClassifier(**tiny | {"epochs": 1}).fit(["", " "] * 10, ["pos", "pos", "neg", "pos"] * 5)
    assert fitted.predict([""]).tolist() == ["pos"]


def test_half_a_surrogate_pair_is_read_as_a_character(model: TextClassifier) -> None:
    assert model.predict_proba(["good \ud83d film"]).shape == (1, 2)


def test_a_row_is_answered_the_same_in_any_company(model: TextClassifier, toy: Toy) -> None:
    alone = np.concatenate([model.predict_proba([text]) for text in toy.texts])
    np.testing.assert_allclose(model.predict_proba(toy.texts), alone, atol=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_texts_whose_labels_disagree_can_be_split(seed: int, toy: Toy, tiny: dict[str, Any]) -> None:
    texts, labels = [*toy.texts, *["who knows"] * 4], [*toy.labels, "pos", "odd", "odd", "neg"]
    fitted = TextClassifier(**tiny | {"epochs": 1, "seed": seed}).fit(texts, labels)
    assert set(fitted.classes_) >= {"neg", "pos"}


# Events


def test_the_events_tell_of_every_step_and_epoch(toy: Toy, tiny: dict[str, Any]) -> None:
    events = list(TextClassifier(**tiny | {"epochs": 3}).fit_events(*toy))
    [start] = [event for event in events if isinstance(event, Start)]
    assert [event.step for event in events if isinstance(event, Step)] == list(range(1, start.steps + 1))
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [1, 2, 3]
    assert sum(isinstance(event, Done) for event in events) == 1


@pytest.mark.parametrize("steps", [1, 12])
def test_a_training_that_is_closed_leaves_a_fitted_model(steps: int, toy: Toy, tiny: dict[str, Any]) -> None:
    estimator = TextClassifier(**tiny)
    with closing(estimator.fit_events(*toy)) as events:
        next(event for event in events if isinstance(event, Step) and event.step == steps)
    assert set(estimator.predict(toy.texts)) <= {"pos", "neg"}


def test_a_training_that_is_closed_before_a_step_leaves_nothing(toy: Toy, tiny: dict[str, Any]) -> None:
    estimator = TextClassifier(**tiny)
    with closing(estimator.fit_events(*toy)) as events:
        next(event for event in events if isinstance(event, Start))
    with pytest.raises(NotFitted):
        estimator.predict(["good"])


def test_a_refused_fit_keeps_the_earlier_model(toy: Toy, model: TextClassifier) -> None:
    again = pickle.loads(pickle.dumps(model))
    with pytest.raises(UserError):
        again.fit(toy.texts, ["pos"] * 80)
    np.testing.assert_array_equal(again.predict_proba(toy.texts), model.predict_proba(toy.texts))


def test_the_tiny_options_are_those_of_the_shared_model(model: TextClassifier) -> None:
    assert model.get_params().items() >= TINY.items()
