"""No leak: no future value reaches a forecaster."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waves import DAYS, MONTHS, QUICK, WAVE, noisy

from anaphora import Forecaster
from anaphora.tasks.forecast.series import from_arrays, read_series


def test_nothing_of_the_future_reaches_scales_season_or_weights() -> None:
    planted = WAVE.copy()
    planted[140:] = 1e6
    own, other = (Forecaster(**QUICK | {"steps": 5, "validation": 0}) for _ in range(2))
    for model, values in ((own, WAVE), (other, planted)):
        model.fit([one.until(140) for one in from_arrays(values, MONTHS)])
    assert own.bundle_.task.learned() == other.bundle_.task.learned()
    for name, array in own.bundle_.arrays.items():
        np.testing.assert_array_equal(array, other.bundle_.arrays[name])


def fit_until(end: int, values: Any, covariates: np.ndarray) -> Forecaster:
    """A model of the first values, then scored on the others."""
    series = from_arrays(values, DAYS, covariates)
    model = Forecaster(**QUICK | {"steps": 3, "season": None}).fit([one.until(end) for one in series])
    model.backtest(series, [end] * len(series))
    return model


def test_nothing_that_is_planted_after_the_training_reaches_a_model() -> None:
    """Not scales, season, calendar cycles, weights, margins, the autoregression, nor the unit of MASE."""
    rng = np.random.default_rng(4)
    days = np.arange(len(DAYS))
    one, other = (10 + 3 * np.sin(2 * np.pi * days / 7) + rng.normal(size=len(days)) for _ in range(2))
    price, end = rng.normal(size=len(days)), 150
    own = fit_until(end, {"one": one, "other": other}, price)
    assert own.bundle_.task.options.season == 7
    assert any(own.bundle_.task.margins)
    year = 1e4 * np.sin(2 * np.pi * days / 30)
    for plant in ("one", "other", "price"):
        late = {"one": one.copy(), "other": other.copy(), "price": price.copy()}
        late[plant][end:] += year[end:]
        model = fit_until(end, {name: late[name] for name in ("one", "other")}, late["price"])
        assert model.bundle_.task == own.bundle_.task
        assert dict(model.bundle_.baseline) == dict(own.bundle_.baseline)
        for name, array in own.bundle_.arrays.items():
            np.testing.assert_array_equal(array, model.bundle_.arrays[name])


def test_neither_another_series_nor_a_later_covariate_reaches_an_answer() -> None:
    one, other, price = noisy(120, 5), noisy(120, 6), np.random.default_rng(7).normal(size=120)
    model = Forecaster(**QUICK).fit({"one": one, "other": other}, covariates=price)
    planted, later = other + 1e3, price.copy()
    later[104:] = 1e3  # past the horizon of the first origin
    first, second = (
        model.examine({"one": one, "other": own}, covariates=known, begin=100, stride=20)
        for own, known in ((other, price), (planted, later))
    )
    np.testing.assert_array_equal(first.plots[0].quantiles_hQ, second.plots[0].quantiles_hQ)
    for name in ("last", "seasonal", "linear"):
        np.testing.assert_array_equal(first.plots[0].baselines[name], second.plots[0].baselines[name])


def test_the_unit_of_mase_is_from_the_training_part(fitted: Forecaster) -> None:
    planted = WAVE.copy()
    planted[140:] *= 100
    last = fitted.evaluate(planted, MONTHS, begin=140)["baselines"]["last"]
    unit = np.abs(WAVE[12:140] - WAVE[:128]).mean()
    assert last["mae"] / last["mase"] == pytest.approx(unit)


def test_other_columns_are_not_read(tmp_path: Path) -> None:
    """Not even one that contains the future."""
    file, answers = tmp_path / "series.csv", []
    for told in (0.0, 1.0):
        rows = [
            f"{day},{value},{told * later}"
            for day, value, later in zip(range(80), noisy(80, 8), noisy(80, 9), strict=True)
        ]
        file.write_text("\n".join(["day,sold,tomorrow", *rows]))
        answers.append(Forecaster(**QUICK | {"steps": 3}).fit(read_series(file, "day", ["sold"])).bundle_.arrays)
    for name, array in answers[0].items():
        np.testing.assert_array_equal(array, answers[1][name])


def test_a_new_series_is_scaled_by_its_values_before_the_first_origin(fitted: Forecaster) -> None:
    stranger = {"stranger": 5 * WAVE}, {"stranger": np.concatenate([5 * WAVE[:150], np.full(10, 1e6)])}
    first, second = (fitted.examine(values, MONTHS, begin=140).plots[0] for values in stranger)
    np.testing.assert_array_equal(first.quantiles_hQ, second.quantiles_hQ)
    for name in ("last", "seasonal", "linear"):
        np.testing.assert_array_equal(first.baselines[name], second.baselines[name])


def test_the_validation_part_changes_no_scale() -> None:
    long = np.concatenate([np.sin(np.arange(1_000) / 5), np.full(300, 1e4)])
    model = Forecaster(**QUICK | {"steps": 5, "validation": 0.25}).fit(long)
    assert model.bundle_.training["validation_windows"] >= 200
    (mean, deviation), *_ = model.bundle_.task.scales.values()
    assert abs(mean) < 0.1
    assert deviation < 1


def test_an_origin_sees_nothing_after_it(fitted: Forecaster) -> None:
    planted = WAVE.copy()
    planted[150:] = 1e6
    own = fitted.predict(WAVE[:150], MONTHS[:150])
    windows = [fitted.examine(values, MONTHS, begin=150).plots[0] for values in (WAVE, planted)]
    np.testing.assert_array_equal(windows[0].quantiles_hQ, windows[1].quantiles_hQ)
    np.testing.assert_allclose(windows[0].quantiles_hQ[:, 2], own, rtol=1e-6)
