"""Forecasters: fitting, forecasting, scores."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from waves import MONTHS, QUICK, WAVE, noisy

from anaphora import Forecaster, load
from anaphora.cells import CELLS
from anaphora.errors import DataError, OptionError
from anaphora.net.build import Backend, build, draw
from anaphora.runtime import blocks as runtime_blocks
from anaphora.tasks.forecast.autoregression import Autoregression
from anaphora.tasks.forecast.plots import ForecastPlot, fan
from anaphora.tasks.forecast.scores import compare_forecasts
from anaphora.tasks.forecast.series import from_arrays
from anaphora.tasks.forecast.task import Forecast, ForecastConfig
from anaphora.train import blocks as training_blocks
from anaphora.train.device import to_device


def test_it_continues_a_wave_and_a_trend(fitted: Forecaster) -> None:
    np.testing.assert_allclose(fitted.predict(WAVE[:150], MONTHS[:150]), WAVE[150:154], atol=0.3)


def test_forecasts_have_stamps_and_quantiles(fitted: Forecaster) -> None:
    (forecast,) = fitted.forecast(WAVE[:150], MONTHS[:150])
    assert [str(stamp)[:7] for stamp in forecast.stamps_h] == MONTHS[150:154]
    assert forecast.quantiles_hQ.shape == (4, 5)
    assert (np.diff(forecast.quantiles_hQ, axis=1) >= 0).all()
    np.testing.assert_array_equal(forecast.median, forecast.quantiles_hQ[:, 2])


def test_a_saved_forecaster_answers_bit_by_bit_the_same(fitted: Forecaster, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    first, second = (model.forecast(WAVE, MONTHS)[0].quantiles_hQ for model in (fitted, loaded))
    np.testing.assert_array_equal(first, second)
    assert loaded.evaluate(WAVE, MONTHS, begin=140) == fitted.evaluate(WAVE, MONTHS, begin=140)


@pytest.mark.parametrize(
    "options",
    [
        *({"cell": cell} for cell in CELLS),
        {"layers": 3, "segment": 2},
        {"ensemble": 2, "layers": 2},
        {"linear": False, "scale": "window", "log": True},
    ],
    ids=str,
)
def test_every_forecaster_answers_the_same_when_it_is_loaded(options: dict[str, Any], tmp_path: Path) -> None:
    model = Forecaster(**QUICK | {"steps": 2} | options).fit(WAVE[:60], MONTHS[:60])
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.bundle_.task == model.bundle_.task
    (first,), (second,) = (one.forecast(WAVE, MONTHS) for one in (model, loaded))
    np.testing.assert_array_equal(first.quantiles_hQ, second.quantiles_hQ)
    np.testing.assert_array_equal(first.mean_h, second.mean_h)


@pytest.mark.parametrize(
    "options",
    [*({"cell": cell} for cell in CELLS), {"layers": 2, "segment": 2}, {"linear": False, "scale": "window"}],
    ids=str,
)
def test_training_and_runtime_answer_the_same(options: dict[str, Any]) -> None:
    series = from_arrays(WAVE, MONTHS)
    task = Forecast.learn(ForecastConfig(**QUICK | options), series).resolved(100)
    arrays = draw(task.spec(), 3)
    windows = task.windows(series, [0], [160])
    batch = windows.batch(np.arange(5))
    nets = [build(task.recipe, task.spec(), Backend(module), arrays) for module in (training_blocks, runtime_blocks)]
    nets[0].eval()
    moved = to_device(batch, next(nets[0].parameters()).device)
    with torch.no_grad():
        outputs = nets[0](*moved.inputs)[0]
    trained = nets[0].loss.decode(outputs)
    np.testing.assert_allclose(trained, nets[1].loss.decode(nets[1](*batch.inputs)[0]), rtol=1e-5, atol=1e-5)


def test_it_begins_as_the_linear_autoregression(fitted: Forecaster) -> None:
    task = fitted.bundle_.task
    series = from_arrays(WAVE[:140], MONTHS[:140])
    windows = task.windows(series, [0], [140])
    arrays = task.start(draw(task.spec(), 0), windows)
    net = build(task.recipe, task.spec(), Backend(runtime_blocks), arrays)
    inputs = windows.batch(np.arange(6)).inputs
    answers = net.loss.decode(net(*inputs)[0])
    linear = Autoregression.fit(windows).answer(windows.take(np.arange(6)))
    np.testing.assert_allclose(answers, np.repeat(linear[:, :, None], 6, 2), rtol=1e-4)


def test_predictive_covariates_are_used() -> None:
    rng = np.random.default_rng(0)
    sales = rng.integers(0, 2, 404).astype(float)
    values = 5 * sales[:400] + 0.1 * rng.normal(size=400)
    options = QUICK | {"difference": "none", "steps": 200}
    with_, without = Forecaster(**options).fit(values, covariates=sales[:400]), Forecaster(**options).fit(values)
    np.testing.assert_allclose(with_.predict(values, covariates=sales), 5 * sales[400:], atol=0.5)
    assert np.abs(without.predict(values) - 5 * sales[400:]).max() > 1
    with pytest.raises(DataError, match="covariates of 4 of the 4 future steps are missing"):
        with_.predict(values, covariates=sales[:400])
    with pytest.raises(DataError, match="has 0 covariates, but the model uses 1"):
        with_.predict(values)


def test_many_series_share_a_network_and_keep_their_scales() -> None:
    many = {"small": WAVE, "large": 1_000 * WAVE[:150]}
    model = Forecaster(**QUICK).fit(many)
    small, large = model.predict(many)
    assert small.max() < 40
    assert large.min() > 10_000
    new = model.predict({"new": 50 * WAVE})
    np.testing.assert_allclose(new, 50 * (20 + 3 * np.sin(2 * np.pi * np.arange(160, 164) / 12) + 8), rtol=0.1)


def test_a_series_is_recognised_by_its_name_or_by_its_number_among_as_many() -> None:
    """Otherwise it would get the scale of another one."""
    large = 1_000 * WAVE + 5e4
    two = Forecaster(**QUICK | {"steps": 2}).fit([WAVE[:140], large[:140]])
    first, second = (two.bundle_.task.scales[f"series {number} of 2"] for number in (1, 2))
    assert [scale_of(two, [WAVE, large], index) for index in (0, 1)] == [first, second]
    alone = from_arrays([large])[0]
    assert scale_of(two, [large], 0) == pytest.approx((large.mean(), large.std()))
    assert two.bundle_.task.deviation(alone) == pytest.approx(large.std())
    assert scale_of(two, [large, WAVE, WAVE], 0)[0] == pytest.approx(large.mean())
    one = Forecaster(**QUICK | {"steps": 2}).fit(WAVE[:140])
    for longer in (WAVE, [WAVE], WAVE[:, None]):
        assert scale_of(one, longer, 0) == one.bundle_.task.scales["series"]


def scale_of(model: Forecaster, values: Any, index: int) -> tuple[float, float]:
    """What a model subtracts from a series, and divides it by."""
    scaled = model.bundle_.task.scaled(from_arrays(values)[index])
    return scaled.mean, scaled.deviation


def test_mase_of_a_new_series_is_in_its_own_unit() -> None:
    large = 1_000 * WAVE + 5e4
    model = Forecaster(**QUICK | {"steps": 2}).fit([WAVE[:140], large[:140]])
    last = model.evaluate([large], begin=140)["baselines"]["last"]
    season = model.bundle_.task.options.season
    assert last["mae"] / last["mase"] == pytest.approx(np.abs(large[season:140] - large[: 140 - season]).mean())


def test_models_with_the_removed_strategy_load_where_it_was_the_default(fitted: Forecaster) -> None:
    task = fitted.bundle_.task
    saved, learned = task.options.to_dict(), task.learned()
    assert Forecast.restore(saved | {"strategy": "direct"}, learned, {}) == task
    with pytest.raises(OptionError, match="'strategy' is not an option"):
        Forecast.restore(saved | {"strategy": "recursive"}, learned, {})


@pytest.mark.parametrize(
    "options",
    [
        {"difference": "season"},
        {"difference": "none"},
        {"scale": "window"},
        {"log": True},
        {"calendar": False},
        {"ensemble": 2},
    ],
    ids=str,
)
def test_every_normalisation_of_values_is_reversed(options: dict[str, Any]) -> None:
    model = Forecaster(**QUICK | options).fit(WAVE[:140], MONTHS[:140])
    np.testing.assert_allclose(model.predict(WAVE[:150], MONTHS[:150]), WAVE[150:154], atol=0.5)


def test_the_scores_include_three_baselines(fitted: Forecaster) -> None:
    scores = fitted.evaluate(WAVE, MONTHS, begin="2001-09")
    last = np.array([[WAVE[t - 1]] * 4 for t in range(140, 157)])
    seasonal = np.array([WAVE[t - 12 : t - 8] for t in range(140, 157)])
    truth = np.array([WAVE[t : t + 4] for t in range(140, 157)])
    assert set(scores["baselines"]) == {"last", "seasonal", "linear"}
    assert scores["windows"] == 17
    assert scores["baselines"]["last"]["mae"] == pytest.approx(np.abs(last - truth).mean())
    assert scores["baselines"]["seasonal"]["mae"] == pytest.approx(np.abs(seasonal - truth).mean())
    unit = np.abs(WAVE[12:140] - WAVE[:128]).mean()
    assert scores["baselines"]["last"]["mase"] == pytest.approx(np.abs(last - truth).mean() / unit)
    for line in scores["by_step"]:
        for name in ("last", "seasonal", "linear"):
            assert line[f"network - {name}"] == pytest.approx(line["network"] - line[name])


def compared(network: float, linear: float, windows: int = 60, same: bool = False) -> dict[str, Any]:
    """Scores where the errors of network and autoregression have these sizes."""
    rng = np.random.default_rng(0)
    truth_Nh, noise = rng.normal(size=(windows, 4)), rng.normal(size=(3, windows, 4))
    answers = truth_Nh + network * noise[0]
    others = {"last": truth_Nh + 9 * noise[2], "linear": truth_Nh + linear * noise[0 if same else 1]}
    units = np.ones(windows)
    return compare_forecasts(
        truth_Nh, np.stack([answers] * 2, 2), (0.5,), others, units, units, np.arange(windows), overlap=4
    )


@pytest.mark.parametrize(
    ("scores", "begins"),
    [
        (compared(0.5, 1), "The network is better than the linear autoregression. Mean"),
        (compared(1, 0.5), "The linear autoregression is better than the network: prefer it here"),
        (compared(1, 1.01), "No clear winner between the network and the linear autoregression. Mean"),
        (compared(1, 1, same=True), "The network is as good as the linear autoregression; prefer that"),
        (compared(0.5, 1, windows=6), "The network is ahead of the linear autoregression. Mean"),
        (compared(1, 0.5, windows=6), "The linear autoregression is ahead of the network. Mean"),
    ],
)
def test_the_verdict_matches_the_sign(scores: dict[str, Any], begins: str) -> None:
    verdict = scores["verdict"]
    assert verdict.startswith(begins)
    for name, words in (("linear", "the linear autoregression"), ("last", "repeating the last value")):
        difference = scores["mase"] - scores["baselines"][name]["mase"]
        assert scores["comparison"][name]["difference"] == pytest.approx(difference)
        sign = (
            "the same as" if difference == 0 else f"{abs(difference):.3f} {'less' if difference < 0 else 'more'} than"
        )
        assert f"{sign} {words}" in verdict
    assert ("too few windows" in verdict) == (scores["windows"] == 6)
    assert verdict.count("may be chance") == begins.startswith("No clear winner")


def test_the_season_is_the_calendars_that_fits_best(fitted: Forecaster) -> None:
    assert fitted.bundle_.task.options.season == 12
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2023-01-01"))
    week, year = (np.sin(2 * np.pi * np.arange(len(days)) / length) for length in (7, 365))
    for values, season in ((week, 7), (year, 365)):
        model = Forecaster(**QUICK | {"steps": 2}).fit(values, days)
        assert model.bundle_.task.options.season == season


def test_a_cycle_that_was_seen_once_is_no_season() -> None:
    """An hourly week of 200 values, which fits exactly where it can be compared."""
    week = np.random.default_rng(0).normal(size=168)
    hours = np.arange(np.datetime64("2020-01-01T00"), np.datetime64("2020-01-01T00") + 200)
    model = Forecaster(hidden_size=8, steps=2).fit(np.resize(week, 200), hours)
    assert model.bundle_.task.options.season == 24


def test_a_constant_series_is_continued() -> None:
    flat = np.full(60, 3.0)
    model = Forecaster(**QUICK | {"steps": 5}).fit(flat)
    np.testing.assert_allclose(model.predict(flat), 3, atol=0.01)
    scores = model.evaluate(flat, begin=50)
    assert np.isfinite(
        [scores["mae"], scores["mase"], *(baseline["mase"] for baseline in scores["baselines"].values())]
    ).all()
    assert "nan" not in scores["verdict"]


def test_a_resumed_training_reaches_the_same_model(tmp_path: Path) -> None:
    whole = Forecaster(**QUICK).fit(WAVE)
    broken = Forecaster(**QUICK)
    for event in broken.fit_events(WAVE, partial=tmp_path):
        if type(event).__name__ == "Epoch" and event.epoch == 3:
            break
    resumed = Forecaster(**QUICK)
    for _ in resumed.fit_events(WAVE, partial=tmp_path):
        pass
    np.testing.assert_array_equal(whole.predict(WAVE), resumed.predict(WAVE))


def test_series_are_accepted_as_values(fitted: Forecaster) -> None:
    series = from_arrays(WAVE, MONTHS)
    np.testing.assert_array_equal(fitted.predict(series), fitted.predict(WAVE, MONTHS))


def test_a_cycle_of_the_calendar_is_read_where_it_helps() -> None:
    days = np.arange(np.datetime64("2015-01-01"), np.datetime64("2020-01-01"))
    noise = np.random.default_rng(0).normal(size=len(days))
    year = np.sin(2 * np.pi * np.arange(len(days)) / 365.2425)
    for values, cycles in ((noise, ()), (3 * year + noise, ("year",))):
        model = Forecaster(**QUICK | {"steps": 2}).fit(values, days)
        assert model.bundle_.task.cycles == cycles


@pytest.mark.parametrize("more", [0, 1, 2, 3])
def test_the_shortest_accepted_series_can_be_learned(more: int) -> None:
    values = noisy(13 + more, 0)
    predicted = Forecaster(**QUICK | {"steps": 3, "season": 1}).fit(values).predict(values)
    assert np.isfinite(predicted).all()


def test_the_bands_of_a_fan_grow_darker_to_the_middle() -> None:
    levels = np.round(np.arange(1, 20) / 20, 2)
    quantiles = np.tile(levels, (3, 1))
    plot = ForecastPlot("", np.arange(5), np.zeros(5), np.arange(5, 8), None, quantiles, {})
    opacities = [float(text) for text in re.findall(r"fill-opacity: ([\d.]+)", fan(plot, list(levels)))]
    bands, legend = opacities[:9], opacities[9:]
    assert bands == legend
    assert bands == sorted(set(bands))
    assert 0 < bands[0] < bands[-1] <= 1
