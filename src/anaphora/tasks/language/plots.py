"""The plot of a language model's page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anaphora.report.plots import INK, LINEAR, NETWORK, figure, over_epochs, svg


def loss_curves(epochs: Sequence[Mapping[str, Any]], ngram: float | None) -> str:
    """Training loss, validation loss where there is one, and the loss of the n-gram model, on one axis.

    The score of an epoch is minus its validation loss.
    """
    fig, axes = figure("epoch", "loss (nats per token)")
    for label, color, name, sign in (("training", LINEAR, "training_loss", 1), ("validation", NETWORK, "score", -1)):
        numbers, values = over_epochs(epochs, name)
        if not np.isnan(values).all():
            axes.plot(numbers, sign * values, color=color, label=label, marker="o", markersize=3)
    if ngram is not None:
        axes.axhline(ngram, color=INK, linewidth=1.2, linestyle=":", label="n-gram model")
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    return svg(fig)
