"""The gated recurrent unit as torch and cuDNN compute it: the reset gate acts after the product."""

from dataclasses import dataclass
from typing import Any, ClassVar

from anaphora.cells.cell import Cell, Gates, State, Weights, sigmoid, split


@dataclass(frozen=True)
class GRU(Cell):
    """The equations.

    r = sigmoid(W_ir x_t + b_ir + W_hr h_(t-1) + b_hr)           reset
    z = sigmoid(W_iz x_t + b_iz + W_hz h_(t-1) + b_hz)           update: how much to keep
    n = tanh(W_in x_t + b_in + r * (W_hn h_(t-1) + b_hn))        the candidate
    h_t = (1 - z) * n + z * h_(t-1)

    `gru_textbook` differs in two ways: its reset gate acts on h before the product, and its z is one minus this z.
    """

    name: ClassVar[str] = "gru"
    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    state: ClassVar[tuple[str, ...]] = ("h",)

    def step(self, xp: Any, x_BG: Any, state: State, weights: Weights) -> tuple[State, Gates]:
        (h,) = state
        x_r, x_z, x_n = split(x_BG, 3)
        h_r, h_z, h_n = split(h @ weights["weight_hh"].T + weights["bias_hh"], 3)
        r = sigmoid(xp, x_r + h_r)
        z = sigmoid(xp, x_z + h_z)
        n = xp.tanh(x_n + r * h_n)
        h = (1 - z) * n + z * h
        return (h,), {"r": r, "z": z, "n": n}
