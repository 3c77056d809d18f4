"""Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000), as in `torch.nn.LSTM`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anaphora.cells.cell import Cell, Gates, State, Weights, activate, activation_option, sigmoid, split


@dataclass(frozen=True)
class LSTM(Cell):
    """The equations.

    i = sigmoid(W_ii x_t + b_ii + W_hi h_(t-1) + b_hi)        what to write
    f = sigmoid(W_if x_t + b_if + W_hf h_(t-1) + b_hf)        what to keep
    g = tanh(W_ig x_t + b_ig + W_hg h_(t-1) + b_hg)           the candidate
    o = sigmoid(W_io x_t + b_io + W_ho h_(t-1) + b_ho)        what to show
    c_t = f * c_(t-1) + i * g
    h_t = o * tanh(c_t)

    With `activation="relu"` both tanh are relu. The forget gate's input bias starts at 1.
    """

    activation: str = activation_option()

    name: ClassVar[str] = "lstm"
    gates: ClassVar[tuple[str, ...]] = ("i", "f", "g", "o")
    state: ClassVar[tuple[str, ...]] = ("h", "c")
    first_biases: ClassVar[Mapping[str, float]] = {"f": 1.0}

    def step(self, xp: Any, x_BG: Any, state: State, weights: Weights) -> tuple[State, Gates]:
        h, c = state
        i, f, g, o = split(x_BG + h @ weights["weight_hh"].T + weights["bias_hh"], 4)
        i, f, o = sigmoid(xp, i), sigmoid(xp, f), sigmoid(xp, o)
        g = activate(xp, self.activation, g)
        c = f * c + i * g
        h = o * activate(xp, self.activation, c)
        return (h, c), {"i": i, "f": f, "g": g, "o": o}
