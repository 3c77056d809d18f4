"""The gated recurrent unit as most tutorials write it (Cho et al. 2014): the reset gate acts before the product."""

from dataclasses import dataclass
from typing import Any, ClassVar

from anaphora.cells.cell import Cell, Gates, State, Weights, sigmoid, split


@dataclass(frozen=True)
class GRUTextbook(Cell):
    """The equations.

    r = sigmoid(W_ir x_t + b_ir + W_hr h_(t-1) + b_hr)           reset
    z = sigmoid(W_iz x_t + b_iz + W_hz h_(t-1) + b_hz)           update: how much to replace
    n = tanh(W_in x_t + b_in + W_hn (r * h_(t-1)) + b_hn)        the candidate
    h_t = (1 - z) * h_(t-1) + z * n

    Two differences from `gru` (torch's and cuDNN's): r acts on h before the product with W_hn, and z is how much to
    replace, while torch's z is how much to keep: one minus this z.
    """

    name: ClassVar[str] = "gru_textbook"
    gates: ClassVar[tuple[str, ...]] = ("r", "z", "n")
    state: ClassVar[tuple[str, ...]] = ("h",)

    def step(self, xp: Any, x_BG: Any, state: State, weights: Weights) -> tuple[State, Gates]:
        (h,) = state
        H = h.shape[1]
        W_hh, b_hh = weights["weight_hh"], weights["bias_hh"]
        x_r, x_z, x_n = split(x_BG, 3)
        h_r, h_z = split(h @ W_hh[: 2 * H].T + b_hh[: 2 * H], 2)
        r = sigmoid(xp, x_r + h_r)
        z = sigmoid(xp, x_z + h_z)
        n = xp.tanh(x_n + (r * h) @ W_hh[2 * H :].T + b_hh[2 * H :])
        h = (1 - z) * h + z * n
        return (h,), {"r": r, "z": z, "n": n}
