"""The simple recurrent network (Elman 1990), as in `torch.nn.RNN`."""

from dataclasses import dataclass
from typing import Any, ClassVar

from anaphora.cells.cell import Cell, Gates, State, Weights, activate, activation_option


@dataclass(frozen=True)
class RNN(Cell):
    """The equation.

    h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)        or relu instead of tanh
    """

    activation: str = activation_option()

    name: ClassVar[str] = "rnn"
    gates: ClassVar[tuple[str, ...]] = ("h",)
    state: ClassVar[tuple[str, ...]] = ("h",)

    def step(self, xp: Any, x_BG: Any, state: State, weights: Weights) -> tuple[State, Gates]:
        (h,) = state
        h = activate(xp, self.activation, x_BG + h @ weights["weight_hh"].T + weights["bias_hh"])
        return (h,), {"h": h}
