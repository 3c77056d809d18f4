"""Answers to each step of a row, of the regressor and of the classifier."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anaphora import SequenceClassifier, SequenceRegressor, load
from anaphora.data import batch
from anaphora.data.batch import Examples
from anaphora.errors import DataError, OptionError
from anaphora.estimators.rows import Rows, validation_split
from anaphora.tasks.sequences.estimator import groups

OPTIONS: dict[str, Any] = {"hidden_size": 8, "epochs": 15, "batch_size": 16, "learning_rate": 0.02, "targets": "step"}
RNG = np.random.default_rng(0)
ROWS = [RNG.normal(5, 3, (length, 2)) for length in RNG.integers(1, 9, 90)]
SUMS = [np.cumsum(row[:, 0] - 5) + 40 for row in ROWS]
SIDES = [np.where(own > 40, "above", "below") for own in SUMS]
GIVEN: dict[type, Any] = {SequenceRegressor: SUMS, SequenceClassifier: SIDES}
BOTH = pytest.mark.parametrize("kind", GIVEN, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def fitted() -> dict[type, Any]:
    return {kind: kind(**OPTIONS).fit(ROWS, targets) for kind, targets in GIVEN.items()}


def told(model: Any, rows: Any) -> list[Any]:
    return list(model.predict_proba(rows) if isinstance(model, SequenceClassifier) else model.predict(rows))


@BOTH
def test_each_step_has_an_answer_and_it_is_learned(kind: type, fitted: dict[type, Any]) -> None:
    model, targets = fitted[kind], GIVEN[kind]
    assert [own.shape for own in model.predict(ROWS)] == [own.shape for own in targets]
    assert model.score(ROWS, targets) > 0.8


@BOTH
def test_the_answers_do_not_depend_on_the_rows_beside(kind: type, fitted: dict[type, Any]) -> None:
    for row, together in zip(ROWS[:12], told(fitted[kind], ROWS), strict=False):
        np.testing.assert_allclose(told(fitted[kind], [row])[0], together, rtol=1e-5, atol=1e-5)


@BOTH
def test_a_network_of_one_direction_knows_nothing_of_what_comes_after(kind: type, fitted: dict[type, Any]) -> None:
    row = max(ROWS, key=len)
    (whole,), (part,) = told(fitted[kind], [row]), told(fitted[kind], [row[:3]])
    np.testing.assert_allclose(part, whole[:3], rtol=1e-5, atol=1e-5)


@BOTH
def test_a_network_of_both_directions_reads_what_comes_after(kind: type) -> None:
    model = kind(**OPTIONS | {"epochs": 1}, bidirectional=True).fit(ROWS, GIVEN[kind])
    row = max(ROWS, key=len)
    (whole,), (part,) = told(model, [row]), told(model, [row[:3]])
    assert np.abs(part - whole[:3]).max() > 1e-4


@BOTH
def test_live_answers_are_those_of_predict(kind: type, fitted: dict[type, Any]) -> None:
    rows = np.stack([row[:5] for row in ROWS if len(row) >= 5][:2])
    live, whole = fitted[kind].live(rows=2), np.array(told(fitted[kind], rows))
    for t in range(5):
        np.testing.assert_allclose(live.step(rows[:, t]), whole[:, t], rtol=1e-5, atol=1e-5)


@BOTH
def test_a_saved_model_answers_bit_by_bit_the_same(kind: type, fitted: dict[type, Any], tmp_path: Path) -> None:
    fitted[kind].save(tmp_path / "model")
    for ours, theirs in zip(told(fitted[kind], ROWS), told(load(tmp_path / "model"), ROWS), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_an_array_of_targets_is_a_list_of_rows() -> None:
    x_NTD = np.stack([row[:4] for row in ROWS if len(row) >= 4])
    y_NT = x_NTD[:, :, 0].cumsum(1)
    of_array, of_list = (SequenceRegressor(**OPTIONS | {"epochs": 1}).fit(x_NTD, y) for y in (y_NT, list(y_NT)))
    np.testing.assert_array_equal(of_array.predict(x_NTD), of_list.predict(x_NTD))


def test_a_vector_a_step_gives_a_table_a_row() -> None:
    targets = [np.stack([own, -own, row[:, 1]], 1) for own, row in zip(SUMS, ROWS, strict=True)]
    model = SequenceRegressor(**OPTIONS).fit(ROWS, targets)
    assert [own.shape for own in model.predict(ROWS)] == [own.shape for own in targets]
    assert model.score(ROWS, targets) > 0.6


def test_several_networks_answer_by_their_mean() -> None:
    models = [SequenceRegressor(**OPTIONS | {"epochs": 1}, ensemble=count).fit(ROWS, SUMS) for count in (1, 2)]
    assert [len(own) for own in models[1].predict(ROWS)] == [len(own) for own in SUMS]
    assert np.abs(models[0].predict(ROWS)[0] - models[1].predict(ROWS)[0]).max() > 0


def test_no_rows_and_empty_rows_have_no_answers(fitted: dict[type, Any]) -> None:
    model = fitted[SequenceRegressor]
    assert model.predict([]) == []
    empty, other = model.predict([np.zeros((0, 2)), ROWS[0]])
    assert empty.shape == (0,)
    np.testing.assert_allclose(other, model.predict([ROWS[0]])[0], rtol=1e-6)


def test_a_batch_has_the_targets_of_its_own_steps_and_no_others() -> None:
    lengths = [3, 1, 0, 4]
    rows = [np.full((length, 1), place) for place, length in enumerate(lengths)]
    examples = Examples((rows,), np.split(np.arange(8), np.cumsum(lengths)[:-1]))
    batch = examples.batch(np.array([3, 0]))
    assert batch.targets.tolist() == [4, 5, 6, 7, 0, 1, 2]
    assert examples.count(np.array([3, 0])) == 7
    assert examples.batch(np.array([2])).targets.tolist() == []


@BOTH
def test_a_training_is_the_same_whatever_rows_are_padded_with(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights after a few steps do not change where padding is huge: neither loss nor gradient sees it."""
    plain = told(kind(**OPTIONS | {"epochs": 1}).fit(ROWS, GIVEN[kind]), ROWS)
    collect = batch.collect

    def padded(rows: Any) -> Any:
        x_BTD, lengths_B = collect(rows)
        x_BTD[np.arange(x_BTD.shape[1]) >= lengths_B[:, None]] = 1e6
        return x_BTD, lengths_B

    monkeypatch.setattr(batch, "collect", padded)
    again = told(kind(**OPTIONS | {"epochs": 1}).fit(ROWS, GIVEN[kind]), ROWS)
    for ours, theirs in zip(plain, again, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "targets", "said"),
    [
        (SequenceRegressor, [*SUMS[:4], SUMS[4][:-1], *SUMS[5:]], "row 4 has . steps, but . targets"),
        (SequenceClassifier, [*SIDES[:4], [*SIDES[4], "above"], *SIDES[5:]], "row 4 has . steps, but . targets"),
        (SequenceRegressor, [own[0] for own in SUMS], "row 0 has the target .*, but targets='step' needs one for each"),
        (SequenceClassifier, [own[0] for own in SIDES], "row 0 has the target .*, but targets='step' needs one for"),
        (SequenceRegressor, [own * np.nan for own in SUMS], "row 0 has a target that is not a finite number at step 0"),
        (SequenceRegressor, [["x"] * len(own) for own in SUMS], "the targets of row 0 cannot be read"),
        (SequenceRegressor, [own[:, None] if len(own) > 7 else own for own in SUMS], "has targets of shape"),
        (SequenceRegressor, [np.zeros((len(own), 0)) for own in SUMS], r"row 0 has targets of shape \[., 0\]"),
        (SequenceClassifier, [["above"] * len(own) for own in SIDES], "has the label 'above': two or more"),
        (SequenceClassifier, [SIDES[0], [None] * len(SIDES[1]), *SIDES[2:]], "row 1, step 0 has no label"),
    ],
)
def test_targets_that_do_not_fit_are_named(kind: Any, targets: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        kind(**OPTIONS).fit(ROWS, targets)


@BOTH
def test_scores_want_a_target_for_each_step(kind: type, fitted: dict[type, Any]) -> None:
    for ask in (fitted[kind].score, fitted[kind].evaluate):
        with pytest.raises(DataError, match=r"row 1 has . steps, but . targets"):
            ask(ROWS[:2], [GIVEN[kind][0], GIVEN[kind][1][:-1]])


@pytest.mark.parametrize("missing", [None, float("nan"), "", np.ma.masked])
def test_scores_want_labels_that_are_there(fitted: dict[type, Any], missing: Any) -> None:
    model = fitted[SequenceClassifier]
    broken = [own.tolist() for own in SIDES]
    broken[3][-1] = missing
    for ask in (model.score, model.evaluate):
        with pytest.raises(DataError, match=f"row 3, step {len(broken[3]) - 1} has .* label"):
            ask(ROWS, broken)


def test_a_pool_of_steps_is_refused() -> None:
    with pytest.raises(OptionError, match="pool='mean' makes one vector of a row"):
        SequenceClassifier(**OPTIONS, pool="mean").fit(ROWS, SIDES)


def test_rows_that_hold_a_label_alone_are_learned_from() -> None:
    for seed in range(5):
        rare = [np.where(np.arange(len(own)) == 0, f"rare {place}", own) for place, own in enumerate(SIDES[:3])]
        targets = [own.tolist() for own in [*rare, *SIDES[3:]]]
        model = SequenceClassifier(**OPTIONS, validation=0.5, seed=seed)
        kept, held = validation_split(model._options(), model._profile, Rows(ROWS, targets, groups(ROWS)))
        assert {label for row in held for label in targets[row]} <= {label for row in kept for label in targets[row]}
        assert sorted([*kept, *held]) == list(range(90))
        assert len(held) > 30
