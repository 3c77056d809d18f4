"""What a forecaster refuses, and what it says then."""

from typing import Any

import numpy as np
import pytest
from waves import MONTHS, QUICK, WAVE, T

from anaphora import Forecaster
from anaphora.data.series import of_arrays
from anaphora.errors import DataError, OptionError


@pytest.mark.parametrize("twice", [{1: WAVE, "1": WAVE}, of_arrays(WAVE) + of_arrays(2 * WAVE)], ids=["keys", "read"])
def test_a_name_that_comes_twice_is_refused(twice: Any) -> None:
    model = Forecaster(**QUICK | {"steps": 2}).fit(WAVE)
    for use in (Forecaster(**QUICK).fit, model.predict, model.evaluate):
        with pytest.raises(DataError, match=r"several series are called '(1|series)': give each a name of its own"):
            use(twice)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"horizon": 0}, "horizon=0 is out of range"),
        ({"quantiles": (0.1, 0.9)}, "rising levels are needed, 0.5 among them"),
        ({"quantiles": (0.5, 0.1)}, "rising levels are needed"),
        ({"quantiles": (0.5, 1.0)}, "quantiles=1.0 is out of range"),
        ({"lookback": 9, "segment": 2}, "lookback=9 is not a number of segments of 2"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(OptionError, match=match):
        Forecaster(**QUICK | options).fit(WAVE)


def test_a_series_that_is_too_short_is_named(fitted: Forecaster) -> None:
    with pytest.raises(DataError, match="b has 9 values to learn from, but lookback=8, horizon=4"):
        Forecaster(**QUICK).fit({"a": WAVE, "b": WAVE[:9]})
    with pytest.raises(DataError, match="series has 7 values, but the model reads the last 12"):
        fitted.predict(WAVE[:7], MONTHS[:7])
    with pytest.raises(DataError, match="no window of lookback=8 and horizon=4"):
        fitted.evaluate(WAVE, MONTHS, begin=158)


def test_a_place_or_a_stride_that_cannot_be_is_refused(fitted: Forecaster) -> None:
    for begin in (-12, True):
        with pytest.raises(DataError, match=f"{begin} is no place in series"):
            fitted.evaluate(WAVE, MONTHS, begin=begin)
    for stride in (0, -1, 2.5, True):
        with pytest.raises(OptionError, match=f"stride={stride}: a whole number of steps, 1 or more, is needed"):
            fitted.evaluate(WAVE, MONTHS, begin=140, stride=stride)
    assert fitted.evaluate(WAVE, MONTHS, begin=140, stride=np.int64(4))["windows"] == 5


def test_another_step_is_refused(fitted: Forecaster) -> None:
    with pytest.raises(DataError, match="step is a quarter, but the model learned from steps of a month"):
        fitted.predict(WAVE[:40], [f"{1990 + i // 4}-{3 * (i % 4) + 1:02d}" for i in range(40)])


def test_a_backtest_refuses_what_a_forecast_refuses(fitted: Forecaster) -> None:
    days = of_arrays(WAVE, np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-01-01") + 160))
    with pytest.raises(DataError, match="step is a day, but the model learned from steps of a month"):
        fitted.backtest(days, [100])


def test_logarithms_want_values_above_zero() -> None:
    with pytest.raises(DataError, match="is -1, which has no logarithm: leave out log"):
        Forecaster(**QUICK, log=True).fit(np.where(T == 9, -1.0, WAVE))
