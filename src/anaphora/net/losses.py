"""Losses as blocks: what training minimises, and how the network's outputs become answers.

`forward` does not call a loss block. Training calls its `loss` with the outputs of `forward`; training and runtime call
`decode`, which is written once, here, in NumPy. Outputs have one entry for every target, `[N, ...]`: for each row, or,
where rows have a sequence of targets, for each step before a row's end, row after row.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.engine.ragged import flat
from anaphora.net.blocks import Parameters


@dataclass(frozen=True)
class Loss:
    """A loss without parameters, whose answers are the outputs. Subclasses override what differs."""

    def parameters(self) -> Parameters:
        return {}

    def decode(self, outputs: Any) -> NDArray[Any]:
        """NumPy outputs -> answers, one entry for every target."""
        return np.asarray(outputs)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Softmax cross-entropy of logits `[N, K]`; decodes to probabilities.

    `smoothing` is the share of a target's probability that is spread over all classes (Szegedy et al. 2016). `weights`
    `[K]` weight the targets by their class; the loss is the weighted mean.
    """

    smoothing: float = 0.0
    weights: tuple[float, ...] | None = None

    def decode(self, outputs: Any) -> NDArray[Any]:
        e_NK = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
        return np.asarray(e_NK / e_NK.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class SquaredError(Loss):
    """Mean squared error; decodes to the outputs."""


@dataclass(frozen=True)
class Quantiles(Loss):
    """Quantile loss (Koenker & Bassett 1978), doubled, plus the squared error of a mean.

    Outputs are `(values [B, h, 1 + levels], offset [B, h], unit [B, 1])`: the mean, then a quantile for each level. An
    answer is `offset + unit * value`; targets `[B, h]` are in the unit of the values. The doubled quantile loss of the
    median is the absolute error, about as large as the squared error of standardised values.
    """

    levels: tuple[float, ...] = (0.5,)

    def decode(self, outputs: Any) -> NDArray[Any]:
        """`[B, h, 1 + levels]` in float64; quantiles are sorted (Chernozhukov, Fernandez-Val & Galichon 2010)."""
        values, offset_Bh, unit_B1 = (np.asarray(array).astype(np.float64) for array in outputs)
        values[:, :, 1:].sort(axis=-1)
        return np.asarray(offset_Bh[:, :, None] + unit_B1[:, :, None] * values)


@dataclass(frozen=True)
class NextToken(Loss):
    """Cross-entropy over a large vocabulary, in chunks: the logits `[N, V]` never all exist.

    Outputs are `(features [B, T, H], lengths [B], weight [V, H], bias [V])`; decodes to logits `[N, V]`. Targets `[N]`
    are token ids, row after row. In training, `draws` tokens sampled by `frequencies` `[V]` may stand for all the
    others (`train/sampled_softmax.py`), and penalties on the mean square of the features (`activation_penalty`) and of
    their changes from step to step (`change_penalty`) are added (Merity et al. 2018, section 4.3: AR and TAR).
    """

    draws: int = 0
    activation_penalty: float = 0.0
    change_penalty: float = 0.0
    frequencies: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    def decode(self, outputs: Any) -> NDArray[Any]:
        features_BTH, lengths_B, weight_VH, bias_V = outputs
        return np.asarray(flat(features_BTH, lengths_B) @ weight_VH.T + bias_V)
