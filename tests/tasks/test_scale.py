import numpy as np
import pytest

from anaphora.tasks.sequences.baseline import SequenceBaselines
from anaphora.tasks.sequences.scale import Scale

OTHER_N = np.random.default_rng(0).normal(size=20_000)


@pytest.mark.parametrize("count", [90, 20_000])
@pytest.mark.parametrize("value", [0.1, -0.3, 1e9 / 3, 0.0])
def test_a_constant_column_has_the_deviation_one_whatever_its_sum_was_rounded_to(value: float, count: int) -> None:
    values_ND = np.stack([np.full(count, value), OTHER_N[:count]], 1)
    scale = Scale.learn(values_ND)
    assert scale.deviation == (1.0, pytest.approx(OTHER_N[:count].std()))
    assert np.abs(scale.apply(values_ND + np.array([1e-6, 0]), str)[:, 0]).max() < 1e-3


def test_numbers_that_hardly_differ_are_no_constant() -> None:
    values_N1 = 1e6 + OTHER_N[:90, None] * 1e-3
    assert Scale.learn(values_N1).deviation[0] == pytest.approx(values_N1.std())


def test_a_constant_column_tells_a_linear_baseline_nothing() -> None:
    rows = [np.stack([np.full(9, 0.1), OTHER_N[9 * place : 9 * place + 9]], 1) for place in range(90)]
    sums = np.array([row[:, 1].sum() for row in rows])
    fitted = SequenceBaselines.of_numbers(rows, sums, stepwise=False, both=False)
    moved = [row + np.array([1e-6, 0]) for row in rows]
    np.testing.assert_allclose(fitted.predict(moved)["linear"], fitted.predict(rows)["linear"], atol=1e-3)


@pytest.mark.parametrize("deviation", [0.0, -1.0, float("nan")])
def test_a_saved_scale_has_deviations_above_zero(deviation: float) -> None:
    with pytest.raises(ValueError, match="deviations"):
        Scale.from_dict({"mean": [0.0], "deviation": [deviation]})
