"""A training that was stopped and taken up again ends where it would have ended."""

import numpy as np
import pytest

from anaphora import TextClassifier
from anaphora.errors import DataError
from anaphora.events import Step
from anaphora.tasks.classify.task import Classify
from anaphora.train import checkpoint, loop
from anaphora.train.checkpoint import CHECKPOINT

OPTIONS = {
    "hidden_size": 8,
    "embedding_size": 8,
    "batch_size": 8,
    "epochs": 3,
    "dropout": 0.3,
    "word_dropout": 0.2,
    "locked_dropout": 0.2,
    "weight_drop": 0.2,
    "layers": 2,
}


@pytest.fixture(autouse=True)
def every_step_is_kept(monkeypatch):
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)


def fit_until(toy, stop, partial, **options):
    """Train until step `stop`, as if killed there."""
    partial.mkdir(exist_ok=True)
    model = TextClassifier(**OPTIONS | options)
    events = model.fit_events(toy.texts, toy.labels, partial=partial)
    for event in events:
        if isinstance(event, Step) and event.step == stop:
            events.close()
            break
    return model


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("stops", [[1], [9], [10], [3, 4, 17], [25], [30]])
def test_a_resumed_training_reaches_the_same_weights(toy, tmp_path, stops, optimizer):
    unbroken = TextClassifier(**OPTIONS, optimizer=optimizer).fit(toy.texts, toy.labels)
    for stop in stops:
        fit_until(toy, stop, tmp_path / "partial", optimizer=optimizer)
    resumed = fit_until(toy, -1, tmp_path / "partial", optimizer=optimizer)
    assert resumed.bundle_.training["epochs"] == unbroken.bundle_.training["epochs"]
    for name, array in unbroken.bundle_.arrays.items():
        assert np.array_equal(array, resumed.bundle_.arrays[name]), name


def test_a_resumed_training_keeps_the_best_model_from_before_the_stop(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "ENOUGH_TO_CHOOSE", 1)
    monkeypatch.setattr(Classify, "score", lambda self, metrics: 0.5)  # no epoch is better than the first
    unbroken = TextClassifier(**OPTIONS, validation=0.2).fit(toy.texts, toy.labels)
    fit_until(toy, 12, tmp_path, validation=0.2)
    resumed = fit_until(toy, -1, tmp_path, validation=0.2)
    assert resumed.bundle_.training["best_epoch"] == unbroken.bundle_.training["best_epoch"] == 1
    for name, array in unbroken.bundle_.arrays.items():
        assert np.array_equal(array, resumed.bundle_.arrays[name]), name


def test_a_training_is_not_taken_up_with_other_options(toy, tmp_path):
    fit_until(toy, 5, tmp_path)
    with pytest.raises(DataError, match=r"learning_rate: 0\.003 before, 0\.5 now"):
        fit_until(toy, -1, tmp_path, learning_rate=0.5)


def test_a_training_is_not_taken_up_with_other_data(toy, tmp_path):
    fit_until(toy, 5, tmp_path)
    events = TextClassifier(**OPTIONS).fit_events(toy.texts[::-1], toy.labels[::-1], partial=tmp_path)
    with pytest.raises(DataError, match="data:"):
        list(events)


def test_a_failed_write_leaves_the_last_checkpoint_whole(toy, tmp_path, monkeypatch):
    fit_until(toy, 5, tmp_path)
    before = (tmp_path / CHECKPOINT.format(0)).read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        fit_until(toy, -1, tmp_path)
    assert (tmp_path / CHECKPOINT.format(0)).read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [CHECKPOINT.format(0)]
