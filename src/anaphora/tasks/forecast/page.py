"""`report.html` of a forecaster: how far its answers are off, beside its baselines, and what they look like."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from anaphora.report import plots
from anaphora.tasks.forecast.scores import NETWORK, Backtest, Window
from anaphora.report.frame import frame, made, section, table
from anaphora.report.words import CALLED, FORECAST_SCORES

MOST_PICTURES = 30


def page(backtest: Backtest, training: Mapping[str, Any], rows: str) -> str:
    """The page, as HTML; `training` holds the facts of the bundle, `rows` says which part of the series this is."""
    scores = backtest.scores
    sections = [
        section("Scores", _scores_table(scores)),
        section("Error by step", plots.errors_by_step(scores["by_step"], list(scores["baselines"])) + _legend()),
    ]
    if training.get("epochs"):
        sections.append(section("Learning", plots.learning_curves(training["epochs"], "loss, negative")))
    sections.append(section("Can its ranges be believed?", _coverage(scores["coverage"])))
    sections += [section(window.title, plots.fan(window, backtest.levels), wide=True) for window in backtest.shown]
    sections.append(made(training))
    title = f"{training.get('file', 'A forecaster')}: {scores['horizon']:,} steps ahead, {rows}"
    return frame(title, f"{scores['windows']:,} windows that were not trained on", scores["verdict"], sections)


def continuation_page(windows: Sequence[Window], levels: Sequence[float], training: Mapping[str, Any]) -> str:
    """The page of what comes after the end of some series; of many, the first MOST_PICTURES."""
    shown = windows[:MOST_PICTURES]
    sections = [section(window.title, plots.fan(window, levels), wide=True) for window in shown]
    title = f"{training.get('file', 'Series')}: what comes next"
    pictured = "" if len(shown) == len(windows) else f", the first {len(shown)} of which are drawn"
    note = f"{_ranges(levels)}, by the model's own account."
    return frame(title, f"{len(windows):,} series{pictured}", note, [*sections, made(training)])


def _scores_table(scores: Mapping[str, Any]) -> str:
    rows = [["<span class=model>network</span>", *(f"{scores[name]:.4g}" for name in FORECAST_SCORES)]]
    for name, own in scores["baselines"].items():
        rows.append([html.escape(CALLED[name].removeprefix("the ")), *(f"{own[key]:.4g}" for key in FORECAST_SCORES)])
    note = (
        "<p class=soft>MASE: absolute error in units of that of the value a season before, within the training part; "
        "below 1 is better than that. RMSE is of the mean, the others are of the median.</p>"
    )
    return table(["", *FORECAST_SCORES.values()], rows) + note


def _coverage(coverage: Mapping[str, float]) -> str:
    rows = [[f"{float(share):.0%}", f"{found:.1%}"] for share, found in coverage.items()]
    note = "<p class=soft>Of the values that came, the share that lay within each range of quantiles.</p>"
    return table(["should hold", "holds"], rows) + note if rows else "<p>The model answers no ranges.</p>"


def _ranges(levels: Sequence[float]) -> str:
    """What the bands of a fan hold."""
    pairs = [high - low for low, high in zip(levels, reversed(levels), strict=True) if high > low]
    if not pairs:
        return "The line is the median"
    light = f", all of the fan {pairs[0]:.0%}" if len(pairs) > 1 else ""
    return f"The darkest band holds {pairs[-1]:.0%} of what comes{light}"


def _legend() -> str:
    return f"<p class=soft>Mean absolute error at each step ahead; blue: {NETWORK}.</p>"
