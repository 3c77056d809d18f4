"""The coverage of prediction intervals, of a forecaster trained on a short series."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waves import QUICK, noisy

from anaphora import Forecaster, load


def coverage(model: Forecaster, values: np.ndarray, begin: int) -> float:
    return float(model.evaluate(values, begin=begin)["coverage"]["0.8"])


def without_margins(model: Forecaster) -> Forecaster:
    saved = model.bundle_
    return Forecaster.from_bundle(replace(saved, task=replace(saved.task, margins=())))


def test_intervals_from_a_short_series_cover_almost_what_they_should() -> None:
    values = noisy(400, 0)
    model = Forecaster(horizon=4, lookback=12, hidden_size=8, steps=400).fit(values[:50])
    assert coverage(without_margins(model), values, 50) < 0.55
    assert 0.7 < coverage(model, values, 50) < 0.9


@pytest.mark.parametrize("options", [{}, {"scale": "window"}, {"log": True}, {"ensemble": 2}], ids=str)
def test_margins_are_in_the_unit_of_the_series_and_are_saved(options: dict[str, Any], tmp_path: Path) -> None:
    small = noisy(60, 1)
    model = Forecaster(**QUICK | options).fit({"small": small, "large": 1_000 * small})
    assert any(model.bundle_.task.margins)
    forecasts = model.forecast({"small": small, "large": 1_000 * small})
    widths = [one.quantiles_hQ[:, -1] - one.quantiles_hQ[:, 0] for one in forecasts]
    np.testing.assert_allclose(1_000 * widths[0], widths[1], rtol=1e-3)
    (own,) = model.forecast({"small": small})
    (plain,) = without_margins(model).forecast({"small": small})
    assert (plain.quantiles_hQ[:, -1] - plain.quantiles_hQ[:, 0] < widths[0]).all()
    np.testing.assert_array_equal(plain.median, own.median)
    model.save(tmp_path / "model")
    again = load(tmp_path / "model").forecast({"small": small})[0]
    np.testing.assert_array_equal(again.quantiles_hQ, own.quantiles_hQ)


def test_without_a_linear_part_there_are_no_margins() -> None:
    assert not any(Forecaster(**QUICK | {"linear": False}).fit(noisy(60, 1)).bundle_.task.margins)


def test_with_many_validation_windows_there_are_no_margins() -> None:
    model = Forecaster(**QUICK | {"steps": 20, "validation": 0.3}).fit(noisy(800, 2))
    assert model.bundle_.training["validation_windows"] >= 200
    assert model.bundle_.task.margins == ()


def test_no_margin_takes_a_quantile_past_the_median() -> None:
    model = Forecaster(**QUICK).fit(noisy(60, 1))
    saved = model.bundle_
    narrow = Forecaster.from_bundle(replace(saved, task=replace(saved.task, margins=(50.0, 60, 0, -60, -50))))
    (narrowed,), (unchanged,) = (one.forecast(noisy(60, 1)) for one in (narrow, model))
    np.testing.assert_array_equal(narrowed.quantiles_hQ, np.repeat(unchanged.median[:, None], 5, 1))


def test_a_training_that_is_stopped_is_calibrated_too() -> None:
    model = Forecaster(**QUICK)
    for event in model.fit_events(noisy(60, 1)):
        if type(event).__name__ == "Epoch" and event.epoch == 3:
            break
    assert any(model.bundle_.task.margins)


def test_damaged_margins_are_refused(tmp_path: Path) -> None:
    task = Forecaster(**QUICK | {"steps": 2}).fit(noisy(60, 1)).bundle_.task
    options, learned = task.options.to_dict(), task.learned()
    assert task.restore(options, learned, {}) == task
    assert task.restore(options, {key: own for key, own in learned.items() if key != "margins"}, {}).margins == ()
    for wrong in ([1.0], [float("nan")] * 5):
        with pytest.raises(ValueError, match="margins="):
            task.restore(options, learned | {"margins": wrong}, {})
