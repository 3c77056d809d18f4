"""Dynamic evaluation: a language model that learns from a text while it is scored on it.

Krause, Kahembwe, Murray & Renals (2018), "Dynamic evaluation of neural sequence models", arXiv 1709.07432. A window is
scored, and only then learned from, by one step of gradient descent: no score knows anything of what comes after it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from accelerate.accelerator import Accelerator
from numpy.typing import NDArray

from anaphora.net.build import Arrays, Backend, build
from anaphora.net.state import Streams
from anaphora.tasks.language.corpus import Corpus
from anaphora.tasks.language.task import Language
from anaphora.tasks.language.windows import Windows
from anaphora.train import blocks
from anaphora.train.device import to_device
from anaphora.train.loop import loss_of
from anaphora.train.net import Net
from anaphora.train.sparse_adam import coalesced


@dataclass(frozen=True)
class Hyperparameters:
    """How fast a model learns from the text that it is evaluated on."""

    window: int
    """Targets that are scored, and then learned from, at once. A step updates all weights whatever the window: shorter
    windows adapt sooner, and take longer in proportion."""
    rate: float
    """The learning rate, eta."""
    decay: float
    """How strongly the weights are pulled back to the trained ones, lambda."""


DEFAULTS = {
    "char": Hyperparameters(20, 1e-4, 0.002),
    "word": Hyperparameters(20, 1.5e-4, 0.002),
    "bpe": Hyperparameters(20, 1.5e-4, 0.002),
}
"""Defaults for each level. Windows of 5 tokens are at most 1 % better and take three times as long."""
EPSILON = 2e-5
BATCH = 500
"""Targets of a batch on which gradient statistics are collected."""
MAX_TARGETS = 100_000
"""Targets of the training text on which gradient statistics are collected."""
TYPICAL = 1e-3
"""The root of a weight's mean squared gradient when there is no training text to measure it on."""

Watch = Callable[[Sequence[Any], str], Iterable[Any]]


def unwatched(items: Sequence[Any], what: str) -> Iterable[Any]:
    return items


def token_scores(
    task: Language,
    arrays: Arrays,
    corpus: Corpus,
    training: Corpus | None = None,
    hyperparameters: Hyperparameters | None = None,
    precision: str = "float32",
    watch: Watch | None = None,
) -> NDArray[np.float32]:
    """Of every target in a corpus, in order, its log-probability, and 1 where no token had a higher one: `[N, 2]`.

    The corpus is one stream; the state is carried over its windows, and what was learned over its documents. The
    arrays stay as they are. `watch(items, what)` gives back the items that it is given, and may count them.
    """
    hyper, watch = hyperparameters or DEFAULTS[task.options.level], watch or unwatched
    device = Accelerator().device
    net: Net = build(task.recipe, task.spec(), Backend(blocks, precision), arrays).to(device).eval()
    weights = [weight for weight in net.parameters() if weight.requires_grad]
    optimizer = Optimizer(weights, mean_squares(net, weights, training, hyper.window, watch), hyper)
    windows, streams = Windows(corpus, 1, hyper.window), Streams(net)
    scores_N2 = np.zeros((corpus.targets, 2), np.float32)
    for some in watch(list(windows.in_order()), "windows"):
        batch = to_device(windows.batch(some), device)
        outputs = streams.outputs(batch)
        with torch.no_grad():
            scores_N2[some.first : some.past] = loss_of(net).target_scores(outputs, batch.targets)
        loss_of(net).loss(outputs, batch.targets).backward()
        optimizer.step()
    return scores_N2


def mean_squares(
    net: Net, weights: Sequence[torch.Tensor], training: Corpus | None, window: int, watch: Watch
) -> list[torch.Tensor]:
    """MS, by weight: its mean squared gradient over batches of the training text (equation 6).

    The batches hold BATCH targets, in streams that begin at as many places of the text.
    """
    if training is None or not training.targets:
        return [torch.full_like(weight, TYPICAL**2) for weight in weights]
    windows = Windows(training, max(1, min(BATCH // window, training.targets // window)), window)
    most = max(1, MAX_TARGETS // (windows.streams * window))
    streams, batches = Streams(net), list(islice(windows.in_order(), most))
    sums = [torch.zeros_like(weight) for weight in weights]
    for some in watch(batches, "batches of the training text"):
        batch = to_device(windows.batch(some), weights[0].device)
        loss_of(net).loss(streams.outputs(batch), batch.targets).backward()
        for total, gradient in zip(sums, pop_gradients(weights), strict=True):
            total.addcmul_(gradient, gradient)
    return [total.div_(len(batches)) for total in sums]


class Optimizer:
    """The steps of gradient descent, with the letters of the paper (equations 7 and 8), all products by weight:

    theta <- theta - eta grad / (sqrt(MS) + epsilon) + lambda R (theta_g - theta)        R = sqrt(MS) / mean(sqrt(MS))

    theta_g are the trained weights. The pull is at most 1, which restores them.
    """

    def __init__(
        self, weights: Sequence[torch.Tensor], squares: Sequence[torch.Tensor], hyper: Hyperparameters
    ) -> None:
        roots = [square.sqrt() for square in squares]
        mean = sum(float(root.sum()) for root in roots) / sum(root.numel() for root in roots)
        self._weights = weights
        self._trained = [weight.detach().clone() for weight in weights]
        self._pulls = [(root * (hyper.decay / (mean or 1.0))).clamp_(max=1.0) for root in roots]
        self._rates = [root.add_(EPSILON).reciprocal_().mul_(-hyper.rate) for root in roots]

    @torch.no_grad()
    def step(self) -> None:
        """Learn from the gradients that the weights have, in place: with 13 million weights a step is bound by memory,
        and an array made on the way would cost as much as the rule.
        """
        each = zip(self._weights, self._trained, self._pulls, self._rates, pop_gradients(self._weights), strict=True)
        for weight, trained, pull, rate, gradient in each:
            weight.lerp_(trained, pull).addcmul_(rate, gradient)


def pop_gradients(weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The weights' gradients, dense; the weights no longer hold them."""
    gradients = [gradient.to_dense() for gradient in coalesced(weights)]
    for weight in weights:
        weight.grad = None
    return gradients
