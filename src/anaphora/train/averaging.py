"""Averaged SGD that begins when the validation score no longer improves (Merity et al. 2018, algorithm 1: NT-ASGD)."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

WAIT = 5
"""Checks without a better score than all before them, after which averaging begins."""


class Average:
    """The mean of a network's weights over the steps since it began; nothing before."""

    def __init__(self, net: nn.Module, active: bool) -> None:
        self._weights = [parameter for parameter in net.parameters() if parameter.requires_grad]
        self._active = active
        self.steps = 0
        self.means: list[torch.Tensor] = []

    @property
    def waits(self) -> bool:
        """Whether it is still to begin."""
        return self._active and not self.means

    def begin(self) -> None:
        self.means = [weight.detach().clone() for weight in self._weights]

    def step(self) -> None:
        """An optimizer step was made."""
        if self.means:
            self.steps += 1
            torch._foreach_lerp_(self.means, [weight.detach() for weight in self._weights], 1 / self.steps)

    def check(self, scores: Sequence[float | None]) -> None:
        """Begin, if the last of the checks' scores is not better than the best of those more than WAIT before."""
        before = [score for score in scores[: -WAIT - 1] if score is not None]
        last = scores[-1] if scores else None
        if self.waits and before and last is not None and last < max(before):
            self.begin()

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network has the means for its weights within the block."""
        if not self.steps:
            yield
            return
        weights = [weight.detach() for weight in self._weights]  # they share the weights' memory
        own = [weight.clone() for weight in weights]
        torch._foreach_copy_(weights, self.means)
        try:
            yield
        finally:
            torch._foreach_copy_(weights, own)
