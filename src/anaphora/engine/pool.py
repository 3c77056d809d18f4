"""A ragged sequence of outputs -> one vector a row, over `xp` = numpy or torch."""

from collections.abc import Mapping
from typing import Any

from anaphora.engine.ragged import inside, last, mask, namespace

EACH = "each"
"""The kind that keeps the output of every step."""


def pool(kind: str, y_BTH: Any, lengths_B: Any, weights: Mapping[str, Any], bidirectional: bool = False) -> Any:
    """`[B, T, D]` -> `[B, D]` (`mean+max`: `[B, 2 D]`, `last+mean+max`: `[B, 3 D]`), zeros for an empty row; `each`
    pools nothing: `[B, T, D]`, zeros after each row's end.

    The kinds are those of `net.blocks.Pool`. Steps after a row's end must be zeros, as every engine leaves them.
    """
    xp = namespace(y_BTH)
    if kind == EACH:
        return mask(y_BTH, lengths_B)
    if y_BTH.shape[1] == 0:
        return xp.concat([y_BTH.sum(1)] * len(kind.split("+")), -1)
    begun_B1 = lengths_B[:, None] > 0
    if kind == "attention":
        score_BT = xp.tanh(y_BTH @ weights["weight"].T + weights["bias"]) @ weights["query"]
        weight_BT1 = _softmax(xp, score_BT[:, :, None], inside(y_BTH, lengths_B))
        return xp.where(begun_B1, (weight_BT1 * y_BTH).sum(1), xp.zeros_like(y_BTH[:, 0]))
    parts = []
    if "last" in kind:
        half = y_BTH.shape[2] // 2 if bidirectional else y_BTH.shape[2]
        # The reverse direction has seen the whole row at the first step.
        parts += [last(y_BTH[:, :, :half], lengths_B), y_BTH[:, 0, half:]]
    if "mean" in kind:
        count_B1 = xp.clip(lengths_B[:, None], 1, None)
        parts.append(y_BTH.sum(1) / xp.asarray(count_B1, dtype=y_BTH.dtype))
    if "max" in kind:
        low = xp.full_like(y_BTH, -xp.inf)
        highest = xp.amax(xp.where(inside(y_BTH, lengths_B), y_BTH, low), 1)
        parts.append(xp.where(begun_B1, highest, xp.zeros_like(highest)))
    return xp.concat(parts, -1)


def _softmax(xp: Any, score_BT1: Any, inside_BT1: Any) -> Any:
    """Softmax over the steps of each row; an empty row gets finite numbers that the caller does not use."""
    score_BT1 = xp.where(inside_BT1, score_BT1, xp.full_like(score_BT1, -1e30))
    e_BT1 = xp.exp(score_BT1 - xp.amax(score_BT1, 1)[:, None])
    return e_BT1 / e_BT1.sum(1)[:, None]
