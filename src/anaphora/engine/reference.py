"""The plain loop over a cell's equation. It runs under NumPy and torch, and every fast path is tested against it.

Rows are sorted by length and leave the batch as they end, so nothing past an end is computed.
"""

from typing import Any

import numpy as np

from anaphora.cells.cell import Cell, State, Weights
from anaphora.engine.ragged import flip, mask, namespace, zero_state


def scan(
    cell: Cell,
    weights: Weights,
    x_BTD: Any,
    lengths_B: Any,
    state: State | None = None,
    reverse: bool = False,
    trace: bool = False,
    ends: bool = True,
) -> Any:
    """Run `cell` over a ragged batch; `anaphora.engine` states the contract."""
    xp = namespace(x_BTD)
    B, T = x_BTD.shape[:2]
    lengths = np.array(lengths_B.tolist(), dtype=int)
    longest_first = np.argsort(-lengths, kind="stable")
    given_order = np.argsort(longest_first)

    x_BTD = mask(x_BTD, lengths_B)
    x_BTD = flip(x_BTD, lengths_B) if reverse else x_BTD
    x_BTG = cell.project(xp, x_BTD[longest_first], weights)
    start = zero_state(cell, weights, B) if state is None else state
    now = tuple(s[longest_first] for s in start)

    outputs: list[Any] = []
    gates: dict[str, list[Any]] = {name: [] for name in cell.gates}
    for t in range(T):
        alive = int((lengths > t).sum())
        active, traced = cell.step(xp, x_BTG[:alive, t], tuple(s[:alive] for s in now), weights)
        now = tuple(xp.concat([new, old[alive:]]) for new, old in zip(active, now, strict=True))
        ended = xp.zeros_like(now[0][alive:])
        outputs.append(xp.concat([active[0], ended]))
        if trace:
            for name, gate in traced.items():
                gates[name].append(xp.concat([gate, ended]))

    def assemble(steps: list[Any]) -> Any:
        y_BTH = xp.stack(steps, 1)[given_order] if steps else now[0][:, None][:, :0]
        return flip(y_BTH, lengths_B) if reverse else y_BTH

    y_BTH = assemble(outputs)
    end = tuple(s[given_order] for s in now) if ends else ()
    return (y_BTH, end, {name: assemble(steps) for name, steps in gates.items()}) if trace else (y_BTH, end)
