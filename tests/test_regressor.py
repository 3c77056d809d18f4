from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anaphora import SequenceRegressor, load
from anaphora.errors import DataError
from anaphora.estimators.rows import Rows, validation_split
from anaphora.tasks.sequences.estimator import groups

OPTIONS: dict[str, Any] = {"hidden_size": 8, "epochs": 15, "batch_size": 16, "learning_rate": 0.02, "validation": 0.2}
RNG = np.random.default_rng(0)
X_NTD = RNG.normal(5, 3, (96, 6, 2))
SUMS_N = 100 + 10 * X_NTD.sum((1, 2))


@pytest.fixture(scope="module")
def fitted() -> SequenceRegressor:
    return SequenceRegressor(**OPTIONS).fit(X_NTD, SUMS_N)


def test_it_learns_in_the_units_of_the_targets(fitted: SequenceRegressor) -> None:
    assert fitted.score(X_NTD, SUMS_N) > 0.7


def test_one_number_a_sequence_gives_a_flat_answer(fitted: SequenceRegressor) -> None:
    assert fitted.predict(X_NTD[:5]).shape == (5,)


def test_a_vector_a_sequence_gives_a_table() -> None:
    targets = np.stack([SUMS_N, X_NTD[:, -1, 0], -SUMS_N], axis=1)
    fitted = SequenceRegressor(**OPTIONS).fit(X_NTD, targets)
    assert fitted.predict(X_NTD[:5]).shape == (5, 3)
    assert fitted.score(X_NTD, targets) > 0.6


def test_a_vector_of_one_keeps_its_axis() -> None:
    fitted = SequenceRegressor(**OPTIONS | {"epochs": 1}).fit(X_NTD, SUMS_N[:, None])
    assert fitted.predict(X_NTD[:5]).shape == (5, 1)


def test_plain_sequences_are_those_of_width_one() -> None:
    flat = SequenceRegressor(**OPTIONS | {"epochs": 2}).fit(X_NTD[:, :, 0], SUMS_N)
    deep = SequenceRegressor(**OPTIONS | {"epochs": 2}).fit(X_NTD[:, :, :1], SUMS_N)
    np.testing.assert_array_equal(flat.predict(X_NTD[:, :, 0]), deep.predict(X_NTD[:, :, :1]))


def test_sequences_may_have_unequal_lengths() -> None:
    ragged = [row[: 1 + place % 6].tolist() for place, row in enumerate(X_NTD)]
    fitted = SequenceRegressor(**OPTIONS).fit(ragged, [sum(map(sum, row)) for row in ragged])
    assert np.isfinite(fitted.predict(ragged)).all()


def test_padding_is_not_seen(fitted: SequenceRegressor) -> None:
    ragged = [X_NTD[0, :2], X_NTD[1]]
    np.testing.assert_allclose(fitted.predict(ragged)[0], fitted.predict([X_NTD[0, :2]])[0], rtol=1e-6)


def test_a_saved_regressor_answers_bit_by_bit_the_same(fitted: SequenceRegressor, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X_NTD), fitted.predict(X_NTD))


def test_a_constant_column_does_no_harm() -> None:
    constant = np.concatenate([X_NTD, np.full((96, 6, 1), 7.0)], axis=2)
    fitted = SequenceRegressor(**OPTIONS | {"epochs": 2}).fit(constant, SUMS_N)
    assert np.isfinite(fitted.predict(constant)).all()


def test_a_constant_column_that_changes_by_a_rounding_changes_no_answer() -> None:
    constant = np.concatenate([X_NTD, np.full((96, 6, 1), 0.1)], axis=2)
    fitted = SequenceRegressor(**OPTIONS | {"epochs": 2}).fit(constant, SUMS_N)
    np.testing.assert_allclose(fitted.predict(constant + np.array([0, 0, 1e-9])), fitted.predict(constant), rtol=1e-5)


@pytest.mark.parametrize("huge", [1e200, -1e308])
def test_a_value_too_far_from_those_of_training_is_refused_with_its_place(
    fitted: SequenceRegressor, huge: float
) -> None:
    far = X_NTD[:5].copy()
    far[3, 1, 0] = huge
    with pytest.raises(DataError, match=r"the value of row 3, step 1, column 0 is -?1e\+\d+, too far"):
        fitted.predict(far)
    targets = SUMS_N.copy()
    rows = Rows(list(X_NTD), list(SUMS_N), groups(list(X_NTD)))
    _, held = validation_split(fitted._options(), fitted._profile, rows)
    targets[held[0]] = huge
    with pytest.raises(DataError, match=r"a target is -?1e\+\d+"):
        SequenceRegressor(**OPTIONS | {"epochs": 1}).fit(X_NTD, targets)


def test_masked_values_are_missing_values() -> None:
    masked = np.ma.array(X_NTD, mask=np.arange(X_NTD.size).reshape(X_NTD.shape) == 15)
    with pytest.raises(DataError, match=r"row 1 holds .*: nan at step 1, column 1"):
        SequenceRegressor(**OPTIONS).fit(masked, SUMS_N)
    with pytest.raises(DataError, match="row 2 has a target that is not a finite number: nan"):
        SequenceRegressor(**OPTIONS).fit(X_NTD, np.ma.array(SUMS_N, mask=np.arange(96) == 2))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused_by_row(bad: float) -> None:
    broken = X_NTD.copy()
    broken[3, 1, 0] = bad
    with pytest.raises(DataError, match="row 3 holds a value that is not a finite number"):
        SequenceRegressor(**OPTIONS).fit(broken, SUMS_N)


def test_targets_that_are_not_finite_are_refused() -> None:
    for targets in (SUMS_N, np.stack([SUMS_N, SUMS_N], 1)):
        broken = targets.copy()
        broken[4] = np.nan
        with pytest.raises(DataError, match="row 4 has a target that is not a finite number: "):
            SequenceRegressor(**OPTIONS).fit(X_NTD, broken)


@pytest.mark.parametrize("rows", [None, 3.0, np.array(3.0), iter(X_NTD)])
def test_what_is_no_list_of_rows_is_refused(rows: Any) -> None:
    with pytest.raises(DataError, match=r"rows are .*: a list or an array is needed"):
        SequenceRegressor(**OPTIONS).fit(rows, SUMS_N)
    with pytest.raises(DataError, match=r"targets are .*: a list or an array is needed"):
        SequenceRegressor(**OPTIONS).fit(X_NTD, rows)


def test_answers_want_a_list_of_rows(fitted: SequenceRegressor) -> None:
    with pytest.raises(DataError, match="the rows are None: a list or an array is needed"):
        fitted.predict(None)  # type: ignore[arg-type]


def test_another_width_than_that_of_training_is_refused(fitted: SequenceRegressor) -> None:
    with pytest.raises(DataError, match="row 0 has 1 numbers a step, but 2 are expected"):
        fitted.predict(X_NTD[:, :, 0])


def test_rows_of_differing_width_are_refused() -> None:
    with pytest.raises(DataError, match="row 1 has 1 numbers a step"):
        SequenceRegressor(**OPTIONS).fit([X_NTD[0], X_NTD[1, :, :1]], [1.0, 2.0])


def test_a_table_in_the_place_of_a_row_is_refused() -> None:
    with pytest.raises(DataError, match="row 0 has the shape"):
        SequenceRegressor(**OPTIONS).fit(X_NTD[None], [1.0])


@pytest.mark.parametrize("rows", [[["a", "b"]] * 4, [[[1.0, 2.0], [3.0]]] * 4, [[None, 1.0]] * 4])
def test_rows_that_are_no_numbers_are_refused(rows: Any) -> None:
    with pytest.raises(DataError):
        SequenceRegressor(**OPTIONS).fit(rows, [1.0, 2.0, 3.0, 4.0])


@pytest.mark.parametrize("targets", [["a", "b", "c", "d"], [[1.0], [1.0, 2.0], [1.0], [1.0]], [[]] * 4])
def test_targets_that_are_no_numbers_are_refused(targets: Any) -> None:
    with pytest.raises(DataError):
        SequenceRegressor(**OPTIONS).fit(X_NTD[:4], targets)


def test_scores_of_lists_of_unequal_length_are_refused(fitted: SequenceRegressor) -> None:
    with pytest.raises(DataError):
        fitted.evaluate(X_NTD[:3], [1.0])


def test_an_empty_sequence_has_an_answer(fitted: SequenceRegressor) -> None:
    assert np.isfinite(fitted.predict([np.zeros((0, 2)), X_NTD[0]])).all()


def test_no_sequences_have_no_answers(fitted: SequenceRegressor) -> None:
    assert fitted.predict([]).shape == (0,)


def test_two_fits_with_one_seed_are_bit_equal(fitted: SequenceRegressor) -> None:
    again = SequenceRegressor(**OPTIONS).fit(X_NTD, SUMS_N)
    np.testing.assert_array_equal(again.predict(X_NTD), fitted.predict(X_NTD))
