"""Missing values: refused with their place, or masked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anaphora import SequenceClassifier, SequenceRegressor, load
from anaphora.errors import DataError
from anaphora.estimators.rows import Rows, validation_split
from anaphora.tasks.sequences.estimator import groups

OPTIONS: dict[str, Any] = {"hidden_size": 8, "epochs": 10, "batch_size": 16, "learning_rate": 0.02}
RNG = np.random.default_rng(0)
X_NTD = RNG.normal(5, 3, (96, 6, 2))
HOLES_NTD = np.where(RNG.random(X_NTD.shape) < 0.2, np.nan, X_NTD)
SUMS_N = np.nansum(HOLES_NTD[:, :, 0], 1)
SIDES = np.where(np.median(SUMS_N) < SUMS_N, "above", "below")


@pytest.fixture(scope="module")
def masked() -> SequenceRegressor:
    return SequenceRegressor(**OPTIONS, missing="mask").fit(HOLES_NTD, SUMS_N)


@pytest.mark.parametrize("kind", [SequenceRegressor, SequenceClassifier])
def test_a_gap_is_refused_by_row_and_step(kind: Any) -> None:
    broken = X_NTD.copy()
    broken[3, 1, 0] = np.nan
    targets = SUMS_N if kind is SequenceRegressor else SIDES
    with pytest.raises(DataError, match=r"row 3 .*: nan at step 1, column 0; fill it in, or fit with missing='mask'"):
        kind(**OPTIONS).fit(broken, targets)
    whole = kind(**OPTIONS | {"epochs": 1}).fit(X_NTD, targets)
    with pytest.raises(DataError, match=r"row 3 .*: nan at step 1, column 0"):
        whole.predict(broken)
    with pytest.raises(DataError, match="nan at step 0, column 1"):
        whole.live().step([[1.0, np.nan]])


@pytest.mark.parametrize("missing", ["refuse", "mask"])
def test_infinity_is_always_refused(missing: str, masked: SequenceRegressor) -> None:
    broken = X_NTD.copy()
    broken[3, 1, 0] = -np.inf
    with pytest.raises(DataError, match=r"row 3 .*: -inf at step 1, column 0; replace it"):
        SequenceRegressor(**OPTIONS, missing=missing).fit(broken, SUMS_N)
    with pytest.raises(DataError, match="-inf at step 1"):
        masked.predict(broken)


@pytest.mark.parametrize("missing", ["refuse", "mask"])
def test_targets_are_never_missing(missing: str) -> None:
    with pytest.raises(DataError, match="row 4 has a target that is not a finite number: nan"):
        SequenceRegressor(**OPTIONS, missing=missing).fit(X_NTD, np.where(np.arange(96) == 4, np.nan, SUMS_N))


def test_gaps_are_read_as_the_mean_and_told_from_it(masked: SequenceRegressor) -> None:
    inputs = masked.bundle_.task.inputs
    (read_TI,) = inputs.read([np.array([[np.nan, 5.0], [inputs.scale.mean[0], np.nan]])])
    assert read_TI[:, 0].tolist() == pytest.approx([0, 0], abs=1e-6)
    assert read_TI[:, 2:].tolist() == [[0, 1], [1, 0]]


def test_the_scale_is_that_of_what_was_observed() -> None:
    model = SequenceRegressor(**OPTIONS | {"epochs": 1}, missing="mask", validation=0).fit(HOLES_NTD, SUMS_N)
    scale = model.bundle_.task.inputs.scale
    assert scale.mean == pytest.approx(np.nanmean(HOLES_NTD, (0, 1)).tolist())
    assert scale.deviation == pytest.approx(np.nanstd(HOLES_NTD, (0, 1)).tolist())


def test_it_learns_and_predicts_with_gaps(masked: SequenceRegressor, tmp_path: Path) -> None:
    assert masked.score(HOLES_NTD, SUMS_N) > 0.6
    masked.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(HOLES_NTD), masked.predict(HOLES_NTD))
    assert again.evaluate(HOLES_NTD, SUMS_N) == masked.evaluate(HOLES_NTD, SUMS_N)
    assert np.isfinite(masked.predict(HOLES_NTD * np.nan)).all()


def test_whether_a_value_is_there_can_be_the_answer() -> None:
    gone_N = np.arange(96) % 2
    x_NT = np.zeros((96, 4)) + RNG.normal(0, 1e-3, (96, 4))
    x_NT[gone_N == 1, 2] = np.nan
    model = SequenceClassifier(**OPTIONS | {"epochs": 20}, missing="mask").fit(x_NT, gone_N)
    assert model.score(x_NT, gone_N) == 1


def test_live_answers_have_gaps(masked: SequenceRegressor) -> None:
    live = masked.live()
    for t in range(6):
        answer = live.step([HOLES_NTD[0, t]])
        np.testing.assert_allclose(answer, masked.predict(HOLES_NTD[:1, : t + 1]), rtol=1e-5)


def test_a_column_without_a_value_is_refused() -> None:
    nothing = X_NTD.copy()
    nothing[:, :, 1] = np.nan
    with pytest.raises(DataError, match="column 1 holds no value"):
        SequenceRegressor(**OPTIONS, missing="mask").fit(nothing, SUMS_N)


@pytest.mark.parametrize("targets", ["row", "step"])
@pytest.mark.parametrize("kind", [SequenceRegressor, SequenceClassifier])
def test_a_huge_value_of_the_validation_part_reaches_no_scale_and_no_baseline(kind: Any, targets: str) -> None:
    options = {**OPTIONS, "epochs": 1, "validation": 0.2, "targets": targets}
    model = kind(**options)
    given: Any = SUMS_N if kind is SequenceRegressor else SIDES
    given = given if targets == "row" else [np.repeat(own, 6) for own in given]
    rows = X_NTD.copy()
    _, held = validation_split(model._options(), model._profile, Rows(list(rows), list(given), groups(list(rows))))
    plain = kind(**options).fit(rows, given).bundle_
    rows[held] *= 1e9
    planted = model.fit(rows, given).bundle_
    assert len(held) >= 10
    assert planted.task.learned() == plain.task.learned()
    assert planted.baseline == plain.baseline
