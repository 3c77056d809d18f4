"""The loop's own promises: what stops it, what it keeps, how it fits a time."""

import math
import time

import numpy as np
import pytest
import torch

from anaphora import TextClassifier, load
from anaphora.errors import TrainingFailed
from anaphora.events import Done, Epoch, Start, Step
from anaphora.net.build import Backend, build, draw, member
from anaphora.runtime.predictor import Predictor
from anaphora.task import OPTIMIZERS, SCHEDULES
from anaphora.tasks.classify.task import Classify, ClassifyConfig
from anaphora.train import blocks, losses
from anaphora.train.loop import evaluate
from anaphora.train.optim import learning_rate

OPTIONS = {"hidden_size": 8, "embedding_size": 8, "batch_size": 8, "epochs": 4, "learning_rate": 0.02}


@pytest.mark.parametrize(("factor", "seen"), [(math.nan, "nan"), (1e9, r"\d\.\d+e\+08")])
def test_a_loss_that_is_no_number_or_explodes_stops_it_with_the_last_good_model_kept(toy, monkeypatch, factor, seen):
    good = losses.CrossEntropy.loss
    steps = []

    def loss(self, outputs, targets):
        steps.append(1)
        return good(self, outputs, targets) * (factor if len(steps) == 15 else 1.0)

    monkeypatch.setattr(losses.CrossEntropy, "loss", loss)
    model = TextClassifier(**OPTIONS)
    with pytest.raises(TrainingFailed, match=f"step 15: the loss is {seen} "):
        model.fit(toy.texts, toy.labels)
    assert model.bundle_.training["best_epoch"] == 1
    assert all(np.isfinite(array).all() for array in model.bundle_.arrays.values())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_optimizer_and_schedule_learns(toy, optimizer, schedule):
    rate = {"sgd": 0.5}.get(optimizer, 0.02)
    options = OPTIONS | {"learning_rate": rate, "epochs": 25, "dropout": 0.0}
    model = TextClassifier(**options, optimizer=optimizer, schedule=schedule).fit(toy.texts, toy.labels)
    losses = [epoch["training_loss"] for epoch in model.bundle_.training["epochs"]]
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_one_cycle_rises_then_falls_and_never_passes_its_rate(steps):
    rates = [learning_rate(ClassifyConfig(learning_rate=1.0), step, steps) for step in range(steps)]
    top = int(np.argmax(rates))
    assert max(rates) <= 1.0
    assert min(rates) > 0
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)


def test_every_schedule_ends_at_other_weights(toy):
    ends = [
        TextClassifier(**OPTIONS, schedule=schedule).fit(*toy).bundle_.arrays["head.weight"] for schedule in SCHEDULES
    ]
    assert len({end.tobytes() for end in ends}) == len(SCHEDULES)


@pytest.mark.parametrize("clip", [0.01, 0.02])
def test_a_step_is_as_long_as_clip_and_rate_say(toy, clip):
    plain = {"optimizer": "sgd", "schedule": "constant", "learning_rate": 2.0, "weight_decay": 0.0, "bayes_start": 0}
    model = TextClassifier(**plain, hidden_size=8, embedding_size=8, clip=clip, steps=1).fit(*toy)
    begun = draw(model.bundle_.task.spec(), 0)
    moved = np.concatenate([(array - begun[name]).ravel() for name, array in model.bundle_.arrays.items()])
    assert np.linalg.norm(moved) == pytest.approx(2 * clip, rel=1e-3)


def test_rows_are_scored_without_dropout(toy, monkeypatch):
    monkeypatch.setattr(Classify, "metrics", lambda self, predictions, targets: {"predictions": predictions})
    task = Classify.learn(ClassifyConfig(hidden_size=8, embedding_size=8).resolved(80), *toy)
    net = build(task.recipe, task.spec(), Backend(blocks), draw(task.spec(), 0))
    net.seed(0)
    first, second = (
        evaluate(task, net.train(), task.encode(*toy), torch.device("cpu"))["predictions"] for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_steps_say_how_long_it_trains(toy):
    events = list(
        TextClassifier(**{k: v for k, v in OPTIONS.items() if k != "epochs"}, steps=13).fit_events(
            toy.texts, toy.labels
        )
    )
    assert sum(isinstance(event, Step) for event in events) == 13
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [1, 2]


def test_a_time_becomes_a_number_of_steps_and_those_repeat_the_run(toy):
    options = {name: value for name, value in OPTIONS.items() if name != "epochs"}
    began = time.monotonic()
    timed = TextClassifier(**options, minutes=0.03)
    events = list(timed.fit_events(toy.texts, toy.labels))
    assert time.monotonic() - began < 20
    (start,) = [event for event in events if isinstance(event, Start)]
    (done,) = [event for event in events if isinstance(event, Done)]
    assert start.steps > 20
    if done.reason == "all steps done":
        again = TextClassifier(**options, steps=start.steps).fit(toy.texts, toy.labels)
        for name, array in timed.bundle_.arrays.items():
            assert np.array_equal(array, again.bundle_.arrays[name])


@pytest.mark.parametrize("kind", ["balanced", "none"])
def test_balanced_class_weights_raise_the_rare_label(kind):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["x", "y", "z"], 4)) for _ in range(200)]
    labels = ["rare" if place % 8 == 0 else "common" for place in range(200)]
    model = TextClassifier(**OPTIONS, class_weights=kind, validation=0.0).fit(texts, labels)
    share = model.predict_proba(texts)[:, model.classes_.tolist().index("rare")].mean()
    assert (share > 0.22) == (kind == "balanced")


def test_label_smoothing_tempers_the_probabilities(toy):
    def certainty(smoothing):
        options = OPTIONS | {"epochs": 15}
        model = TextClassifier(**options, label_smoothing=smoothing).fit(toy.texts, toy.labels)
        return model.predict_proba(toy.texts).max(axis=1).mean()

    assert certainty(0.3) < certainty(0.0) - 0.03


def test_an_ensemble_answers_by_the_mean_of_its_networks_and_survives_saving(toy, tmp_path):
    model = TextClassifier(**OPTIONS, ensemble=3).fit(toy.texts, toy.labels)
    alone = []
    for place in range(3):
        arrays = member(model.bundle_.arrays, place, 3)
        alone.append(Predictor(model.bundle_.task, arrays).predict(toy.texts[:9]))
    assert not np.allclose(alone[0], alone[1])
    np.testing.assert_allclose(model.predict_proba(toy.texts[:9]), np.mean(alone, axis=0), rtol=1e-5)
    model.save(tmp_path / "model")
    assert np.array_equal(load(tmp_path / "model").predict_proba(toy.texts), model.predict_proba(toy.texts))


def test_the_first_of_an_ensemble_is_the_network_that_stands_alone(toy):
    one = TextClassifier(**OPTIONS).fit(toy.texts, toy.labels)
    two = TextClassifier(**OPTIONS, ensemble=2).fit(toy.texts, toy.labels)
    first = member(two.bundle_.arrays, 0, 2)
    assert all(np.array_equal(array, first[name]) for name, array in one.bundle_.arrays.items())
