"""The pages of a forecaster: `report.html` with its scores, and forecasts."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from anaphora.report.frame import frame, made, section, table
from anaphora.report.plots import learning_curves
from anaphora.tasks.forecast.plots import ForecastPlot, errors_by_step, fan
from anaphora.tasks.forecast.scores import BASELINE_NAMES, NETWORK, SHOWN_SCORES, Backtest

MAX_PLOTS = 30


def page(backtest: Backtest, training: Mapping[str, Any], data: str) -> str:
    """The page of scores, as HTML; `training` holds the facts of the bundle, `data` names the part of the series."""
    scores = backtest.scores
    sections = [
        section("Scores", _scores_table(scores)),
        section("Error by step", errors_by_step(scores["by_step"], list(scores["baselines"])) + _legend()),
    ]
    if training.get("epochs"):
        sections.append(section("Learning curve", learning_curves(training["epochs"], "loss, negative")))
    sections.append(section("Coverage of the prediction intervals", _coverage(scores["coverage"])))
    sections += [section(plot.title, fan(plot, backtest.levels), wide=True) for plot in backtest.plots]
    sections.append(made(training))
    title = f"{training.get('file', 'A forecaster')}: {scores['horizon']:,} steps ahead, {data} part"
    return frame(title, f"{scores['windows']:,} windows that were not trained on", scores["verdict"], sections)


def forecast_page(forecasts: Sequence[ForecastPlot], levels: Sequence[float], training: Mapping[str, Any]) -> str:
    """The page of forecasts; of many series the first MAX_PLOTS are drawn."""
    drawn = forecasts[:MAX_PLOTS]
    sections = [section(plot.title, fan(plot, levels), wide=True) for plot in drawn]
    title = f"{training.get('file', 'Series')}: forecasts"
    count = f"{len(forecasts):,} series"
    if len(drawn) < len(forecasts):
        count += f", the first {len(drawn)} of which are drawn"
    return frame(title, count, _intervals(levels), [*sections, made(training)])


def _scores_table(scores: Mapping[str, Any]) -> str:
    rows = [["<span class=model>network</span>", *(f"{scores[name]:.4g}" for name in SHOWN_SCORES)]]
    for name, baseline in scores["baselines"].items():
        label = BASELINE_NAMES[name].removeprefix("the ")
        rows.append([html.escape(label), *(f"{baseline[key]:.4g}" for key in SHOWN_SCORES)])
    note = (
        "<p class=soft>MASE: the absolute error divided by that of the seasonal naive forecast within the training "
        "part; below 1 is better than that. RMSE is of the mean, the others are of the median.</p>"
    )
    return table(["", *SHOWN_SCORES.values()], rows) + note


def _coverage(coverage: Mapping[str, float]) -> str:
    rows = [[f"{float(nominal):.0%}", f"{actual:.1%}"] for nominal, actual in coverage.items()]
    note = "<p class=soft>The share of the actual values within each prediction interval.</p>"
    return table(["nominal", "actual"], rows) + note if rows else "<p>The model has no prediction intervals.</p>"


def _intervals(levels: Sequence[float]) -> str:
    """What the bands of a fan mean."""
    shares = [high - low for low, high in zip(levels, reversed(levels), strict=True) if high > low]
    if not shares:
        return "The line is the median, as predicted by the model."
    whole = f", the whole fan the {shares[0]:.0%} interval" if len(shares) > 1 else ""
    return f"The darkest band is the {shares[-1]:.0%} prediction interval{whole}, as predicted by the model."


def _legend() -> str:
    return f"<p class=soft>Mean absolute error at each step ahead; blue: {NETWORK}.</p>"
