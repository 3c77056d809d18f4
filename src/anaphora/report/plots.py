"""Plots as SVG that take their colours and font from the page that contains them."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_extra

# Placeholders, replaced by the page's colours when the SVG is written.
INK, NETWORK, LINEAR = "#010203", "#040506", "#070809"
PAGE_COLOURS = {INK: "currentColor", NETWORK: "var(--network)", LINEAR: "var(--linear)"}
SIZE, WIDE = (5.2, 3.2), (10.4, 3.2)
BINS = 10
MARKER = 2.5


def learning_curves(epochs: Sequence[Mapping[str, Any]], score: str) -> str:
    """Training loss, and the validation score where there is one, against the epoch."""
    fig, axes = figure("epoch", "training loss")
    axes.plot(*over_epochs(epochs, "training_loss"), color=LINEAR, marker="o", markersize=3)
    axes.set_ylim(bottom=0)
    axes.yaxis.label.set_color(LINEAR)
    if any(epoch["score"] is not None for epoch in epochs):
        right = axes.twinx()
        _bare(right)
        right.plot(*over_epochs(epochs, "score"), color=NETWORK, marker="o", markersize=3)
        right.set_ylabel(f"validation {score}", color=NETWORK)
    axes.xaxis.get_major_locator().set_params(integer=True)
    return svg(fig)


def over_epochs(epochs: Sequence[Mapping[str, Any]], name: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Epochs and a value after each; each network of an ensemble starts at epoch 1, with a gap before it."""
    numbers, values = (np.array([epoch[key] for epoch in epochs], float) for key in ("epoch", name))
    gaps = np.flatnonzero(np.diff(numbers) <= 0) + 1
    return np.insert(numbers, gaps, np.nan), np.insert(values, gaps, np.nan)


def roc(truth: NDArray[np.int64], probabilities_NK: NDArray[np.float32], labels: Sequence[str]) -> str:
    """One ROC curve for each label against the rest; a single curve for two labels."""
    metrics = load_extra("sklearn.metrics")
    fig, axes = figure("false positive rate", "true positive rate")
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.7, linestyle=":")
    chosen = [1] if len(labels) == 2 else [k for k in range(len(labels)) if 0 < (truth == k).sum() < len(truth)]
    for k in chosen:
        false_rate, true_rate, _ = metrics.roc_curve(truth == k, probabilities_NK[:, k])
        name = f"{labels[k]}: area {metrics.auc(false_rate, true_rate):.3f}"
        axes.plot(false_rate, true_rate, color=NETWORK, alpha=1 - 0.75 * chosen.index(k) / len(chosen), label=name)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="lower right")
    return svg(fig)


def reliability(right: NDArray[np.bool_], certainty: NDArray[np.float32]) -> str:
    """A reliability diagram: accuracy against predicted probability; the bars are numbers of rows."""
    fig, axes = figure("predicted probability", "accuracy")
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.7, linestyle=":")
    middles, accuracies, counts = reliability_bins(right, certainty)
    axes.bar(middles, counts / max(1, counts.max()), width=0.9 / BINS, color=INK, alpha=0.12)
    filled = counts > 0
    axes.plot(middles[filled], accuracies[filled], color=NETWORK, marker="o", markersize=4)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    return svg(fig)


def reliability_bins(right: NDArray[np.bool_], certainty: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
    """The mean predicted probability, the accuracy and the number of rows, in ten bins of the probability."""
    index = np.minimum((certainty * BINS).astype(int), BINS - 1)
    counts = np.bincount(index, minlength=BINS)
    divisor = np.maximum(counts, 1)
    middles = np.where(counts, np.bincount(index, certainty, BINS) / divisor, (np.arange(BINS) + 0.5) / BINS)
    return middles, np.bincount(index, right, BINS) / divisor, counts


def calibration_error(right: NDArray[np.bool_], certainty: NDArray[np.float32]) -> float:
    """Expected calibration error, over ten bins of equal width (Guo et al. 2017, eq. 3)."""
    middles, accuracies, counts = reliability_bins(right, certainty)
    return float((counts * np.abs(middles - accuracies)).sum() / max(1, counts.sum()))


def figure(xlabel: str, ylabel: str, size: tuple[float, float] = SIZE) -> tuple[Any, Any]:
    """A figure and its axes, in the page's style."""
    figures = load_extra("matplotlib.figure")
    fig = figures.Figure(size, layout="constrained")
    axes = fig.add_subplot()
    _bare(axes)
    axes.set_xlabel(xlabel, color=INK)
    axes.set_ylabel(ylabel, color=INK)
    axes.grid(color=INK, alpha=0.1, linewidth=0.6)
    return fig, axes


def _bare(axes: Any) -> None:
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("bottom", "left"))
        spine.set_color(INK)
        spine.set_alpha(0.4)
    axes.tick_params(colors=INK, labelsize=8)


def svg(fig: Any) -> str:
    """The figure as SVG."""
    matplotlib = load_extra("matplotlib")
    out = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "anaphora"}):
        fig.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    for colour, page in PAGE_COLOURS.items():
        text = text.replace(colour, page)
    return text
