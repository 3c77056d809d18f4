"""Plots as SVG that take their colours and their font from the page they stand in."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_extra
from anaphora.tasks.forecast.scores import Window
from anaphora.tasks.forecast.task import MEDIAN

# Colours that stand for the page's own, and are replaced when the SVG is written.
INK, NETWORK, LINEAR = "#010203", "#040506", "#070809"
PAGE_COLOURS = {INK: "currentColor", NETWORK: "var(--network)", LINEAR: "var(--linear)"}
SIZE, WIDE = (5.2, 3.2), (10.4, 3.2)
BINS = 10
MARKER = 2.5


def learning_curves(epochs: Sequence[Mapping[str, Any]], score: str) -> str:
    """Training loss, and the validation score where there is one, against the epoch."""
    figure, axes = _figure("epoch", "training loss")
    axes.plot(*_over_epochs(epochs, "training_loss"), color=LINEAR, marker="o", markersize=3)
    axes.set_ylim(bottom=0)
    axes.yaxis.label.set_color(LINEAR)
    if any(epoch["score"] is not None for epoch in epochs):
        right = axes.twinx()
        _bare(right)
        right.plot(*_over_epochs(epochs, "score"), color=NETWORK, marker="o", markersize=3)
        right.set_ylabel(f"validation {score}", color=NETWORK)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return _svg(figure)


def loss_curves(epochs: Sequence[Mapping[str, Any]], ngram: float | None) -> str:
    """A language model's training loss and, where there is one, its validation loss, on one axis with the loss of the
    n-gram model, which is a line to be passed. A score is minus a loss.
    """
    figure, axes = _figure("epoch", "loss (nats a token)")
    for label, color, name, sign in (("training", LINEAR, "training_loss", 1), ("validation", NETWORK, "score", -1)):
        numbers, values = _over_epochs(epochs, name)
        if not np.isnan(values).all():
            axes.plot(numbers, sign * values, color=color, label=label, marker="o", markersize=3)
    if ngram is not None:
        axes.axhline(ngram, color=INK, linewidth=1.2, linestyle=":", label="n-gram model")
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return _svg(figure)


def _over_epochs(epochs: Sequence[Mapping[str, Any]], name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Epochs and what was found after each; every network of an ensemble begins at epoch 1, on a new line."""
    numbers, found = (np.array([epoch[key] for epoch in epochs], float) for key in ("epoch", name))
    gaps = np.flatnonzero(np.diff(numbers) <= 0) + 1
    return np.insert(numbers, gaps, np.nan), np.insert(found, gaps, np.nan)


def errors_by_step(by_step: Sequence[Mapping[str, float]], baselines: Sequence[str]) -> str:
    """Mean absolute errors against the step of the horizon."""
    figure, axes = _figure("steps ahead", "mean absolute error")
    steps = [line["step"] for line in by_step]
    dashes = dict(zip(baselines, ("--", "-.", ":"), strict=False))
    for name, dash in dashes.items():
        colour = LINEAR if name == "linear" else INK
        axes.plot(steps, [line[name] for line in by_step], color=colour, linewidth=1.1, linestyle=dash, label=name)
    axes.plot(steps, [line["network"] for line in by_step], color=NETWORK, label="network")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return _svg(figure)


def fan(window: Window, levels: Sequence[float]) -> str:
    """What came before, the ranges and the median of what was answered, and what came, where it is known."""
    figure, axes = _figure("", "", WIDE)
    past, ahead = window.past_stamps_T, window.stamps_h
    joined = np.concatenate([past[-1:], ahead])
    axes.plot(past, window.past_T, color=INK, linewidth=1.1)
    bands = len(levels) // 2
    for low in range(bands):
        high = len(levels) - 1 - low
        low_h, high_h = (window.quantiles_hQ[:, place] for place in (low, high))
        share = f"{levels[high] - levels[low]:.0%} range"
        alpha = (0.36 + 0.28 * low) / bands
        axes.fill_between(ahead, low_h, high_h, color=NETWORK, alpha=alpha, linewidth=0, label=share)
    middle = list(levels).index(MEDIAN)
    from_last = np.concatenate([window.past_T[-1:], window.quantiles_hQ[:, middle]])
    axes.plot(joined, from_last, color=NETWORK, label="network, median")
    if "linear" in window.baselines:
        axes.plot(ahead, window.baselines["linear"], color=LINEAR, linewidth=1.1, linestyle="--", label="linear")
    if window.came_h is not None:
        came = np.concatenate([window.past_T[-1:], window.came_h])
        axes.plot(joined, came, color=INK, linewidth=1.1, marker="o", markersize=MARKER, label="what came")
    if past.dtype.kind == "M":
        dates = load_extra("matplotlib.dates")
        # Multiples of days begin anew with each month, and labels of its last and first would meet.
        axes.xaxis.set_major_locator(dates.AutoDateLocator(interval_multiples=False))
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="upper left", bbox_to_anchor=(1, 1))
    return _svg(figure)


def roc(truth: NDArray[np.int64], shares_NK: NDArray[np.float32], labels: Sequence[str]) -> str:
    """One curve a label against the rest; for two labels one curve."""
    metrics = load_extra("sklearn.metrics")
    figure, axes = _figure("false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.7, linestyle=":")
    chosen = [1] if len(labels) == 2 else [k for k in range(len(labels)) if 0 < (truth == k).sum() < len(truth)]
    for k in chosen:
        wrong, right, _ = metrics.roc_curve(truth == k, shares_NK[:, k])
        name = f"{labels[k]}: area {metrics.auc(wrong, right):.3f}"
        axes.plot(wrong, right, color=NETWORK, alpha=1 - 0.75 * chosen.index(k) / len(chosen), label=name)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="lower right")
    return _svg(figure)


def reliability(right: NDArray[np.bool_], certainty: NDArray[np.float32]) -> str:
    """How often an answer is right, against how certain the model is of it; the bars are numbers of rows."""
    figure, axes = _figure("probability of the answer", "share that is right")
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.7, linestyle=":")
    middles, shares, counts = reliability_bins(right, certainty)
    axes.bar(middles, counts / max(1, counts.max()), width=0.9 / BINS, color=INK, alpha=0.12)
    filled = counts > 0
    axes.plot(middles[filled], shares[filled], color=NETWORK, marker="o", markersize=4)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    return _svg(figure)


def reliability_bins(right: NDArray[np.bool_], certainty: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    """The mean certainty, the share that is right, and the number of rows, in ten bins of certainty."""
    place = np.minimum((certainty * BINS).astype(int), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    divisor = np.maximum(counts, 1)
    middles = np.where(counts, np.bincount(place, certainty, BINS) / divisor, (np.arange(BINS) + 0.5) / BINS)
    return middles, np.bincount(place, right, BINS) / divisor, counts


def calibration_error(right: NDArray[np.bool_], certainty: NDArray[np.float32]) -> float:
    """Expected calibration error, over ten bins of equal width (Guo et al. 2017, eq. 3)."""
    middles, shares, counts = reliability_bins(right, certainty)
    return float((counts * np.abs(middles - shares)).sum() / max(1, counts.sum()))


def _figure(across: str, up: str, size: tuple[float, float] = SIZE) -> tuple[Any, Any]:
    figures = load_extra("matplotlib.figure")
    figure = figures.Figure(size, layout="constrained")
    axes = figure.add_subplot()
    _bare(axes)
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(up, color=INK)
    axes.grid(color=INK, alpha=0.1, linewidth=0.6)
    return figure, axes


def _bare(axes: Any) -> None:
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("bottom", "left"))
        spine.set_color(INK)
        spine.set_alpha(0.4)
    axes.tick_params(colors=INK, labelsize=8)


def _svg(figure: Any) -> str:
    matplotlib = load_extra("matplotlib")
    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "anaphora"}):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    for colour, page in PAGE_COLOURS.items():
        svg = svg.replace(colour, page)
    return svg
