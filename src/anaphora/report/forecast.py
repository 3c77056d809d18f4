"""`report.html` of a forecaster: how far its answers are off, beside its baselines, and what they look like."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

from anaphora.report import plots
from anaphora.report.forecasts import NETWORK, Backtest, Window
from anaphora.report.frame import frame, made, section, table
from anaphora.report.words import CALLED, FORECAST_SCORES


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
    """The page of what comes after the end of some series."""
    sections = [section(window.title, plots.fan(window, levels), wide=True) for window in windows]
    title = f"{training.get('file', 'Series')}: what comes next"
    note = f"The dark band holds {_inner(levels)}, the light one more, by the model's own account."
    return frame(title, f"{len(windows):,} series", note, [*sections, made(training)])


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
    return table(["should hold", "holds"], rows) if rows else "<p>The model answers no ranges.</p>"


def _inner(levels: Sequence[float]) -> str:
    pairs = [high - low for low, high in zip(levels, reversed(levels), strict=True) if high > low]
    return f"{pairs[-1]:.0%} of what comes" if pairs else "the median"


def _legend() -> str:
    return f"<p class=soft>Mean absolute error at each step ahead; blue: {NETWORK}.</p>"
