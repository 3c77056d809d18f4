"""Errors of forecasters, and their messages."""

from typing import Any

import numpy as np
import pytest
from waves import MONTHS, QUICK, WAVE, T, noisy

from anaphora import Forecaster
from anaphora.errors import DataError, OptionError
from anaphora.events import Step
from anaphora.tasks.forecast.series import from_arrays


@pytest.mark.parametrize(
    "twice", [{1: WAVE, "1": WAVE}, from_arrays(WAVE) + from_arrays(2 * WAVE)], ids=["keys", "read"]
)
def test_a_name_that_comes_twice_is_refused(twice: Any) -> None:
    model = Forecaster(**QUICK | {"steps": 2}).fit(WAVE)
    for use in (Forecaster(**QUICK).fit, model.predict, model.evaluate):
        with pytest.raises(DataError, match=r"several series are named '(1|series)': give each its own name"):
            use(twice)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"horizon": 0}, "horizon=0 is out of range"),
        ({"quantiles": (0.1, 0.9)}, "rising levels are needed, 0.5 among them"),
        ({"quantiles": (0.5, 0.1)}, "rising levels are needed"),
        ({"quantiles": (0.5, 1.0)}, "quantiles=1.0 is out of range"),
        ({"lookback": 9, "segment": 2}, "lookback=9 is not a multiple of segment=2"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        Forecaster(**QUICK | options).fit(WAVE)


def test_a_series_that_is_too_short_is_named(fitted: Forecaster) -> None:
    with pytest.raises(DataError, match="b has 9 values to train on, but lookback=8, horizon=4"):
        Forecaster(**QUICK).fit({"a": WAVE, "b": WAVE[:9]})
    with pytest.raises(DataError, match="series has 7 values, but the model reads the last 12"):
        fitted.predict(WAVE[:7], MONTHS[:7])
    with pytest.raises(DataError, match="no window of lookback=8 and horizon=4"):
        fitted.evaluate(WAVE, MONTHS, begin=158)


def test_a_wrong_begin_or_stride_is_refused(fitted: Forecaster) -> None:
    for begin in (-12, True):
        with pytest.raises(DataError, match=f"{begin} is not a position in series"):
            fitted.evaluate(WAVE, MONTHS, begin=begin)
    for stride in (0, -1, 2.5, True):
        with pytest.raises(OptionError, match=f"stride={stride}: a whole number of steps, 1 or more, is needed"):
            fitted.evaluate(WAVE, MONTHS, begin=140, stride=stride)
    assert fitted.evaluate(WAVE, MONTHS, begin=140, stride=np.int64(4))["windows"] == 5


def test_a_validation_part_without_a_whole_horizon_is_refused_before_the_training() -> None:
    events = Forecaster(**QUICK | {"horizon": 12}).fit_events(WAVE, valid_from=155)
    seen = []
    with pytest.raises(OptionError, match="valid_from=155: no window of horizon=12 is after it"):
        seen.extend(events)
    assert not any(isinstance(event, Step) for event in seen)


def test_many_series_that_are_one_value_too_short_are_named() -> None:
    many = {str(n): noisy(36, n) for n in range(25)}
    with pytest.raises(DataError, match="0 has 36 values to train on"):
        Forecaster(horizon=12).fit(many, MONTHS[:36])


def test_ragged_arrays_are_refused() -> None:
    ragged: Any = [[[1.0, 2.0], [3.0]], [[1.0, 2.0], [3.0, 4.0]]]
    with pytest.raises(DataError, match="cannot be read as an array of numbers"):
        Forecaster(horizon=1).fit(ragged)
    with pytest.raises(DataError, match="cannot be read as an array of numbers"):
        Forecaster(horizon=1).fit([WAVE, WAVE], covariates=ragged)


def test_fractions_of_a_second_are_refused() -> None:
    tenths = np.arange(160) * np.timedelta64(100, "ms") + np.datetime64("2020-01-01", "ms")
    with pytest.raises(DataError, match="has fractions of a second"):
        Forecaster(**QUICK).fit(WAVE, tenths)


def test_another_step_is_refused(fitted: Forecaster) -> None:
    with pytest.raises(
        DataError, match="step of the series is a quarter, but the model was trained on steps of a month"
    ):
        fitted.predict(WAVE[:40], [f"{1990 + i // 4}-{3 * (i % 4) + 1:02d}" for i in range(40)])


def test_a_backtest_refuses_what_a_forecast_refuses(fitted: Forecaster) -> None:
    days = from_arrays(WAVE, np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + 160))
    with pytest.raises(DataError, match="step of the series is a day, but the model was trained on steps of a month"):
        fitted.backtest(days, [100])


def test_logarithms_need_positive_values() -> None:
    with pytest.raises(DataError, match="is -1, which has no logarithm: leave out log"):
        Forecaster(**QUICK, log=True).fit(np.where(T == 9, -1.0, WAVE))
