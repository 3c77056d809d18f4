"""Functions on ragged batches that all engines share, over `xp` = numpy or torch."""

import sys
from typing import Any

import numpy as np

from anaphora.cells.cell import Cell, State, Weights


def namespace(array: Any) -> Any:
    """The module of an array, `numpy` or `torch`, without importing either."""
    return sys.modules[type(array).__module__.partition(".")[0]]


def zero_state(cell: Cell, weights: Weights, B: int) -> State:
    """The state before the first step: zeros `[B, width]` for each array of the cell's state."""
    like = next(iter(weights.values()))
    zeros = namespace(like).zeros
    return tuple(
        zeros((B, width), dtype=like.dtype, device=like.device) for width in cell.state_widths(cell.width(weights))
    )


def inside(x_BTD: Any, lengths_B: Any) -> Any:
    """`[B, T, 1]`, true at the steps before each row's end."""
    xp = namespace(x_BTD)
    t_T = xp.arange(x_BTD.shape[1], device=x_BTD.device)
    return t_T[None, :, None] < lengths_B[:, None, None]


def mask(x_BTD: Any, lengths_B: Any) -> Any:
    """`x_BTD` with zeros after each row's end, also in place of NaN."""
    xp = namespace(x_BTD)
    return xp.where(inside(x_BTD, lengths_B), x_BTD, xp.zeros_like(x_BTD))


def flat(x_BTD: Any, lengths_B: Any) -> Any:
    """The steps before the rows' ends, row after row: `[B, T, D]` -> `[N, D]`."""
    if bool((lengths_B == x_BTD.shape[1]).all()):
        return x_BTD.reshape(-1, x_BTD.shape[-1])
    return x_BTD[inside(x_BTD, lengths_B)[..., 0]]


def flip(x_BTD: Any, lengths_B: Any) -> Any:
    """Reverse each row within its length; what follows its end is unchanged."""
    xp = namespace(x_BTD)
    t_T = xp.arange(x_BTD.shape[1], device=x_BTD.device)
    mirrored_BT = lengths_B[:, None] - 1 - t_T
    return take(x_BTD, xp.where(mirrored_BT >= 0, mirrored_BT, t_T))


def take(x_BTD: Any, steps_BT: Any) -> Any:
    """`y[b, t] = x[b, places[b, t]]`."""
    if isinstance(x_BTD, np.ndarray):
        return np.take_along_axis(x_BTD, steps_BT[:, :, None], 1)
    return x_BTD.gather(1, steps_BT[:, :, None].expand(-1, -1, x_BTD.shape[2]))  # faster than indexing


def enter(states: State, enters_R: Any) -> State:
    """The states `[L, R, H]` that rows begin with: row r has that of the stream `enters_R[r]` of `states` `[L, S, H]`,
    or zeros if the index is negative.
    """
    xp, goes_on = namespace(enters_R), (enters_R >= 0)[None, :, None]
    stream_R = xp.clip(enters_R, 0, None)
    return tuple(xp.where(goes_on, s[:, stream_R], xp.zeros_like(s[:, stream_R])) for s in states)


def leave(states: State, ends: State, leaves_S: Any) -> State:
    """The streams' states `[L, S, H]` after a batch whose rows ended with `ends` `[L, R, H]`: stream s has that of the
    row `leaves_S[s]`, or its earlier one if the index is negative.
    """
    xp, moved = namespace(leaves_S), (leaves_S >= 0)[None, :, None]
    row_S = xp.clip(leaves_S, 0, None)
    return tuple(xp.where(moved, end[:, row_S], s) for s, end in zip(states, ends, strict=True))


def last(y_BTH: Any, lengths_B: Any) -> Any:
    """`[B, H]`: the last step of each row; zeros for an empty row."""
    xp = namespace(y_BTH)
    if y_BTH.shape[1] == 0:
        return xp.zeros_like(y_BTH.sum(1))
    steps_B1 = xp.clip(lengths_B[:, None] - 1, 0, None)
    return mask(take(y_BTH, steps_B1), lengths_B)[:, 0]
