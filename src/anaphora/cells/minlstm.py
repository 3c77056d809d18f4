"""An LSTM whose gates do not read the state, so that all steps are computed in parallel (Feng et al. 2024)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anaphora.cells.cell import Gates, LinearCell, State, Weights, candidate, candidate_option, sigmoid, split


@dataclass(frozen=True)
class MinLSTM(LinearCell):
    """The equations ("Were RNNs All We Needed?", arXiv 2410.01201).

    f_t = sigmoid(W_f x_t + b_f)            what to keep
    i_t = sigmoid(W_i x_t + b_i)            what to write
    h~_t = W_h x_t + b_h                    the candidate, traced as n
    f'_t = f_t / (f_t + i_t)                the gates divided by their sum, traced as f and i
    i'_t = i_t / (f_t + i_t)
    h_t = f'_t * h_(t-1) + i'_t * h~_t

    With `candidate="positive"`, h~_t = g(W_h x_t + b_h), where g(x) = x + 0.5 for x >= 0 and sigmoid(x) below
    (appendix B). b_f starts at 1, so that the cell starts by remembering.
    """

    candidate: str = candidate_option()

    name: ClassVar[str] = "minlstm"
    gates: ClassVar[tuple[str, ...]] = ("f", "i", "n")
    first_biases: ClassVar[Mapping[str, float]] = {"f": 1.0}

    def step(self, xp: Any, x_BG: Any, state: State, weights: Weights) -> tuple[State, Gates]:
        (h,) = state
        f, i, n = split(x_BG, 3)
        f = normalised_forget_gate(xp, f, i)
        i, n = 1 - f, candidate(xp, self.candidate, n)
        h = f * h + i * n
        return (h,), {"f": f, "i": i, "n": n}

    def coefficients(self, xp: Any, x_BTG: Any, weights: Weights) -> tuple[Any, Any]:
        f, i, n = split(x_BTG, 3)
        f = normalised_forget_gate(xp, f, i)
        return f, (1 - f) * candidate(xp, self.candidate, n)


def normalised_forget_gate(xp: Any, f: Any, i: Any) -> Any:
    """sigmoid(f) / (sigmoid(f) + sigmoid(i)), also where both are too small for a float."""
    return sigmoid(xp, log_sigmoid(xp, f) - log_sigmoid(xp, i))


def log_sigmoid(xp: Any, x: Any) -> Any:
    """log(sigmoid(x)), which overflows nowhere and whose gradient is right at 0, too."""
    size = xp.abs(x)
    return 0.5 * (x - size) - xp.log(1 + xp.exp(-size))
