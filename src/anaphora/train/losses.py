"""The loss blocks in torch: `loss(outputs, targets)` for the optimizer, `target_scores` for the validation metrics."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from anaphora.engine import native
from anaphora.engine.ragged import flat
from anaphora.net import losses
from anaphora.train import sampled_softmax
from anaphora.train.net import Block, Noise, to_numpy
from anaphora.train.softmax import cross_entropy, scores


class Loss(Block):
    """A loss: a subclass computes `loss`."""

    def loss(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        """The mean over all targets of a batch, a scalar."""
        raise NotImplementedError  # abstract, in a class that torch's metaclass keeps from being an ABC

    def decode(self, outputs: Any) -> NDArray[Any]:
        return self.spec.decode(to_numpy(outputs))

    def target_scores(self, outputs: Any, targets: torch.Tensor) -> NDArray[Any]:
        """What the task's metrics need to know of every target, `[N, ...]`: here, the decoded answers."""
        return self.decode(outputs)


class CrossEntropy(Loss):
    def loss(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        weights = self.spec.weights
        weights_K = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=outputs.device)
        return functional.cross_entropy(outputs, targets, weights_K, label_smoothing=self.spec.smoothing)


class SquaredError(Loss):
    def loss(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        return functional.mse_loss(outputs, targets)


class Quantiles(Loss):
    def loss(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        return self._of_rows(outputs, targets).mean()

    def target_scores(self, outputs: Any, targets: torch.Tensor) -> NDArray[Any]:
        """The loss of each row, `[B]`."""
        return to_numpy(self._of_rows(outputs, targets))

    def _of_rows(self, outputs: Any, targets_Bh: torch.Tensor) -> torch.Tensor:
        mean_Bh, quantiles_BhQ = outputs[0][:, :, 0], outputs[0][:, :, 1:]
        levels_Q = quantiles_BhQ.new_tensor(self.spec.levels)
        error_BhQ = targets_Bh[:, :, None] - quantiles_BhQ
        pinball_B = 2 * torch.maximum(levels_Q * error_BhQ, (levels_Q - 1) * error_BhQ).mean((1, 2))
        squared_B: torch.Tensor = (mean_Bh - targets_Bh).square().mean(1)
        return pinball_B + squared_B


class NextToken(Noise, Loss):
    def __init__(
        self, spec: losses.NextToken, weights: Mapping[str, NDArray[np.float32]], precision: str = "float32"
    ) -> None:
        super().__init__(spec, weights)
        self.precision = native.resolve(precision)
        self.frequencies_V = None if spec.frequencies is None else torch.from_numpy(spec.frequencies)

    def loss(self, outputs: Any, targets: torch.Tensor) -> torch.Tensor:
        """Mean cross-entropy; in training with penalties, and by sampled softmax where the spec has frequencies."""
        features_BTH, lengths_B, weight_VH, bias_V = outputs
        x_NH = flat(features_BTH, lengths_B)
        if not self.training:
            return cross_entropy(x_NH, weight_VH, bias_V, targets, self.precision)
        if self.frequencies_V is None:
            loss = cross_entropy(x_NH, weight_VH, bias_V, targets, self.precision)
        else:
            candidates = sampled_softmax.draw(targets, self.frequencies_V, self.spec.draws, self.generator)
            loss = sampled_softmax.cross_entropy(x_NH, weight_VH, bias_V, candidates, self.precision)
        return loss + self._penalty(features_BTH, lengths_B)

    def target_scores(self, outputs: Any, targets: torch.Tensor) -> NDArray[Any]:
        """Of each target its log-probability, and 1 where no token has a higher one: `[N, 2]`."""
        features_BTH, lengths_B, weight_VH, bias_V = outputs
        x_NH = flat(features_BTH, lengths_B)
        return to_numpy(scores(x_NH, weight_VH, bias_V, targets, self.precision))

    def _penalty(self, features_BTH: torch.Tensor, lengths_B: torch.Tensor) -> Any:
        penalty: Any = 0.0
        if self.spec.activation_penalty:
            penalty = penalty + self.spec.activation_penalty * flat(features_BTH, lengths_B).square().mean()
        if self.spec.change_penalty and bool((lengths_B > 1).any()):
            changes = features_BTH[:, 1:] - features_BTH[:, :-1]
            squares = flat(changes, (lengths_B - 1).clamp(min=0)).square()
            penalty = penalty + self.spec.change_penalty * squares.mean()
        return penalty
