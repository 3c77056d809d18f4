"""A GRU whose gates do not read the state, so that all steps are computed in parallel (Feng et al. 2024)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anaphora.cells.cell import Gates, LinearCell, State, Weights, candidate, candidate_option, sigmoid, split


@dataclass(frozen=True)
class MinGRU(LinearCell):
    """The equations ("Were RNNs All We Needed?", arXiv 2410.01201).

    z_t = sigmoid(W_z x_t + b_z)            update: how much to replace
    h~_t = W_h x_t + b_h                    the candidate, traced as n
    h_t = (1 - z_t) * h_(t-1) + z_t * h~_t

    With `candidate="positive"`, h~_t = g(W_h x_t + b_h), where g(x) = x + 0.5 for x >= 0 and sigmoid(x) below
    (appendix B). b_z starts at -1, so that the cell starts by remembering.
    """

    candidate: str = candidate_option()

    name: ClassVar[str] = "mingru"
    gates: ClassVar[tuple[str, ...]] = ("z", "n")
    first_biases: ClassVar[Mapping[str, float]] = {"z": -1.0}

    def step(self, xp: Any, x_BG: Any, state: State, weights: Weights) -> tuple[State, Gates]:
        (h,) = state
        z, n = split(x_BG, 2)
        z, n = sigmoid(xp, z), candidate(xp, self.candidate, n)
        h = (1 - z) * h + z * n
        return (h,), {"z": z, "n": n}

    def coefficients(self, xp: Any, x_BTG: Any, weights: Weights) -> tuple[Any, Any]:
        z, n = split(x_BTG, 2)
        z = sigmoid(xp, z)
        return 1 - z, z * candidate(xp, self.candidate, n)
