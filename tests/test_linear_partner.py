"""A classifier whose answers are the mean of the network's and of a linear model's."""

import pickle
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import TINY, make_toy

import anaphora
from anaphora import TextClassifier
from anaphora.bundle import Bundle
from anaphora.errors import BundleError
from anaphora.events import Epoch
from anaphora.tasks.classify import linear_fit

LINEAR = "linear/"
ASKED = ["a good film", "the plot was awful !", "", "words nobody knows"]
WITHOUT_SCIKIT_LEARN = """
import sys
sys.modules["sklearn"] = sys.modules["torch"] = None
import anaphora
for row in anaphora.load(sys.argv[1]).predict_proba(sys.argv[2:]):
    print(*row.tolist())
"""


@pytest.fixture(scope="module")
def both() -> TextClassifier:
    """Nobody changes it."""
    return TextClassifier(with_linear=True, **TINY).fit(*make_toy())


@pytest.fixture(scope="module")
def folder(both: TextClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody writes to it."""
    folder = tmp_path_factory.mktemp("both") / "model"
    both.save(folder)
    return folder


def test_answers_are_the_mean_of_both(both: TextClassifier) -> None:
    alone = TextClassifier(**TINY).fit(*make_toy()).predict_proba(ASKED)
    partner = both.bundle_.task.linear
    assert partner.labels == ("neg", "pos")
    np.testing.assert_allclose(both.predict_proba(ASKED), (alone + partner.probabilities(ASKED)) / 2, atol=1e-6)


def test_each_label_has_the_partners_share_of_it() -> None:
    """The classifier's labels are numbers and stand as such; the partner's are texts, "10" before "2"."""
    texts, labels = make_toy()
    numbers = [10 if label == "pos" else 2 for label in labels]
    model = TextClassifier(with_linear=True, **TINY).fit(texts, numbers)
    assert model.classes_.tolist() == [2, 10]
    assert model.bundle_.task.linear.labels == ("10", "2")
    assert model.score(texts, numbers) > 0.9
    assert (model.predict_proba(texts).max(axis=1) > 0.7).mean() > 0.8  # crossed, the two would make halves


@pytest.mark.parametrize("kinds", [(1, 1.5, 2), (1, 1.0, 2), (True, 2, 0), (1, 2.0, 3)])
def test_labels_may_be_numbers_of_several_kinds(kinds: tuple[float, ...]) -> None:
    """NumPy makes one kind of them, and so calls them otherwise."""
    rng = np.random.default_rng(0)
    words = dict(zip(kinds, ("one", "two", "three"), strict=True))
    labels = [kinds[row % 3] for row in range(60)]
    texts = [f"{words[label]} {rng.choice(['film', 'plot'])}" for label in labels]
    model = TextClassifier(with_linear=True, **TINY).fit(texts, labels)
    assert model.score(texts, labels) == 1.0
    scores = model.evaluate(texts, labels)
    assert (scores["accuracy"], scores["baselines"]["linear"]["accuracy"], scores["unknown_labels"]) == (1, 1, {})


def test_it_is_saved_and_loaded(both: TextClassifier, folder: Path) -> None:
    expected = both.predict_proba(ASKED)
    np.testing.assert_array_equal(anaphora.load(folder).predict_proba(ASKED), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(both)).predict_proba(ASKED), expected)
    assert f"- linear member: half of each answer: {both.bundle_.task.linear.method}" in card_of(folder)


def card_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_what_else_lies_in_its_folder_is_left_alone(both: TextClassifier, tmp_path: Path) -> None:
    both.save(tmp_path / "model")
    (tmp_path / "model" / "linear" / ".DS_Store").write_bytes(b"a file manager was here")
    np.testing.assert_array_equal(anaphora.load(tmp_path / "model").predict_proba(ASKED), both.predict_proba(ASKED))
    both.save(tmp_path / "model", force=True)
    assert {file.name for file in (tmp_path / "model" / "linear").iterdir()} == {
        "linear.json",
        "terms.txt",
        "linear.safetensors",
    }


def test_it_runs_without_scikit_learn(both: TextClassifier, folder: Path) -> None:
    run = [sys.executable, "-c", WITHOUT_SCIKIT_LEARN, str(folder), *ASKED]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    found = [[float(share) for share in line.split()] for line in printed.splitlines()]
    np.testing.assert_allclose(found, both.predict_proba(ASKED), atol=1e-6)


def test_its_scores_stand_beside_those_of_its_parts(both: TextClassifier) -> None:
    texts, labels = make_toy()
    scores = both.evaluate(texts, labels)
    assert set(scores["members"]) == {"network", "linear"}
    alone = TextClassifier(**TINY).fit(texts, labels).evaluate(texts, labels)
    assert scores["members"]["network"]["confusion_matrix"] == alone["confusion_matrix"]
    assert "members" not in alone
    assert "The model" in scores["verdict"] or "the model" in scores["verdict"]


def test_without_it_there_is_no_folder(model: TextClassifier) -> None:
    assert not any(name.startswith(LINEAR) for name in model.bundle_.to_files())


@pytest.mark.parametrize("name", ["linear.json", "terms.txt", "linear.safetensors"])
def test_a_changed_file_is_never_another_answer(both: TextClassifier, name: str) -> None:
    files = both.bundle_.to_files()
    changed = files[LINEAR + name].replace(b"good", b"goad") if name == "terms.txt" else files[LINEAR + name] + b" "
    for damaged in (files | {LINEAR + name: changed}, {key: files[key] for key in files if key != LINEAR + name}):
        with pytest.raises(BundleError, match="changed since it was saved"):
            Bundle.from_files(damaged)


def test_a_partner_with_other_labels_is_refused(both: TextClassifier) -> None:
    other = replace(both.bundle_.task.linear, labels=("pos", "rest"))
    changed = replace(both.bundle_, task=replace(both.bundle_.task, linear=other))
    with pytest.raises(BundleError, match="labels"):
        Bundle.from_files(changed.to_files())


def test_a_refit_without_it_drops_it() -> None:
    model = TextClassifier(with_linear=True, **TINY).fit(*make_toy())
    alone = TextClassifier(**TINY).fit(*make_toy())
    np.testing.assert_array_equal(
        model.set_params(with_linear=False).fit(*make_toy()).predict_proba(ASKED), alone.predict_proba(ASKED)
    )


def test_a_stopped_training_keeps_it(tmp_path: Path) -> None:
    texts, labels = make_toy()
    model = TextClassifier(with_linear=True, **TINY)
    with closing(model.fit_events(texts, labels, partial=tmp_path)) as events:
        for event in events:
            if isinstance(event, Epoch):
                break
    assert set(model.evaluate(texts, labels)["members"]) == {"network", "linear"}
    for _ in model.fit_events(texts, labels, partial=tmp_path):
        pass
    whole = TextClassifier(with_linear=True, **TINY).fit(texts, labels)
    np.testing.assert_array_equal(model.predict_proba(ASKED), whole.predict_proba(ASKED))


def test_balanced_labels_are_so_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def spy(*given: Any) -> Any:
        asked.append(given[-1])
        return linear_fit.fit_member(*given)

    monkeypatch.setattr("anaphora.tasks.classify.estimator.fit_member", spy)
    for weights in ("none", "balanced"):
        TextClassifier(with_linear=True, class_weights=weights, **TINY | {"epochs": 1}).fit(*make_toy())
    assert asked == [False, True]


def test_texts_without_a_word_leave_the_network_alone() -> None:
    texts, labels = ["+", "-"] * 20, ["more", "less"] * 20
    model = TextClassifier(with_linear=True, **TINY).fit(texts, labels)
    assert model.bundle_.task.linear is None
    assert model.bundle_.training["linear_member"] == "none: no training text has a word"
    assert model.predict(["+", "-"]).tolist() == ["more", "less"]
    assert "members" not in model.evaluate(texts, labels)
