import pickle
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import TINY, Toy

from anaphora import TextClassifier, load
from anaphora.errors import NotFitted, UserError
from anaphora.events import Done, Epoch, Start, Step

OTHERS: dict[str, Callable[[str], Any]] = {
    "int": lambda label: {"pos": 7, "neg": -1}[label],
    "tens": lambda label: {"pos": 10, "neg": 9}[label],  # as texts in another order
    "bool": lambda label: label == "pos",
    "float": lambda label: {"pos": 0.5, "neg": 2.0}[label],
    "str": lambda label: label,
    "unicode": lambda label: {"pos": "☺ é", "neg": " "}[label],
}


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
    texts = [text[: 5 + 37 * place % 60] for place, text in enumerate(toy.texts)]  # of many lengths, in no order
    alone = np.concatenate([model.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(model.predict_proba(texts), alone, atol=1e-6)


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
