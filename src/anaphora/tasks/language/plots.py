"""The plot of a language model's page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anaphora.report import plots
from anaphora.report.plots import INK, LINEAR, NETWORK


def loss_curves(epochs: Sequence[Mapping[str, Any]], ngram: float | None) -> str:
    """Training loss, validation loss if there is one, and the n-gram model's loss. A score is a negative loss."""
    fig, axes = plots.figure("epoch", "loss (nats a token)")
    for label, color, name, sign in (("training", LINEAR, "training_loss", 1), ("validation", NETWORK, "score", -1)):
        numbers, values = plots.over_epochs(epochs, name)
        if not np.isnan(values).all():
            axes.plot(numbers, sign * values, color=color, label=label, marker="o", markersize=3)
    if ngram is not None:
        axes.axhline(ngram, color=INK, linewidth=1.2, linestyle=":", label="n-gram model")
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return plots.svg(fig)
