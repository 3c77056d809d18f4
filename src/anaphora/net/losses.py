"""Losses as blocks: what training minimises, and how the network's outputs become answers.

A loss block has no place in `forward`; training calls its `loss` with the outputs of `forward`, and both training and
runtime call `decode`. `decode` is written once, here, in NumPy. A ragged loss takes `(outputs [B, T, ...], lengths [B])`
and has one entry for every step before a row's end, row after row.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.engine.ragged import flat
from anaphora.net.blocks import Parameters


@dataclass(frozen=True)
class Loss:
    """What all losses have in common: no parameters, and `entries`."""

    ragged: bool = False

    def parameters(self) -> Parameters:
        return {}

    def entries(self, outputs: Any) -> Any:
        """One entry for every target: the rows of `outputs`, or the steps of a ragged batch, `[N, ...]`."""
        return flat(*outputs) if self.ragged else outputs

    def decode(self, outputs: Any) -> NDArray[Any]:
        """NumPy outputs -> answers, one entry for every target."""
        return np.asarray(self.entries(outputs))


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Softmax cross-entropy of logits `[..., K]`; decodes to probabilities.

    `smoothing` is the share of a target's probability that is spread over all classes (Szegedy et al. 2016). `weights`
    `[K]` weight the targets by their class; the loss is the weighted mean.
    """

    smoothing: float = 0.0
    weights: tuple[float, ...] | None = None

    def decode(self, outputs: Any) -> NDArray[Any]:
        logits_NK = self.entries(outputs)
        e_NK = np.exp(logits_NK - logits_NK.max(axis=-1, keepdims=True))
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
    are token ids, row after row. In training, `draws` tokens sampled by `frequencies` `[V]` may stand for all the others
    (`train/sampled_softmax.py`), and penalties on the mean square of the features (`activation_penalty`) and of their
    changes from step to step (`change_penalty`) are added (Merity et al. 2018, section 4.3: AR and TAR).
    """

    ragged: bool = True
    draws: int = 0
    activation_penalty: float = 0.0
    change_penalty: float = 0.0
    frequencies: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)

    def decode(self, outputs: Any) -> NDArray[Any]:
        features_BTH, lengths_B, weight_VH, bias_V = outputs
        return np.asarray(flat(features_BTH, lengths_B) @ weight_VH.T + bias_V)
