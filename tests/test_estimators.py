import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.validation import check_is_fitted
from toy import Toy

from anaphora import SequenceRegressor, TextClassifier
from anaphora.errors import DataError, NotFitted, OptionError, TrainingFailed

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


def test_answers_want_a_list_of_texts(model: TextClassifier) -> None:
    with pytest.raises(DataError, match="the rows are None: a list or an array is needed"):
        model.predict(None)  # type: ignore[arg-type]


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
    with pytest.raises(DataError, match="one alone has the label 'odd'"):
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
