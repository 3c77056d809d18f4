"""Layers above one another and both directions, over any engine's `scan`."""

from collections.abc import Callable, Sequence
from typing import Any

from anaphora.cells.cell import Cell, State, Weights
from anaphora.engine.ragged import namespace

Scan = Callable[..., Any]


def suffixes(layers: int, bidirectional: bool) -> list[list[str]]:
    """The suffixes of the weights' names in each layer, as in torch: `_l0`, `_l0_reverse`, `_l1`, ..."""
    return [[f"_l{layer}", f"_l{layer}_reverse"][: 1 + bidirectional] for layer in range(layers)]


def directions(weights: Weights, layers: int, bidirectional: bool) -> list[list[Weights]]:
    """A stack's weights, named as in torch (`weight_ih_l0`, `weight_ih_l0_reverse`, ...), by layer and direction."""
    return [
        [{name.removesuffix(suffix): w for name, w in weights.items() if name.endswith(suffix)} for suffix in names]
        for names in suffixes(layers, bidirectional)
    ]


def run(
    scan: Scan,
    cell: Cell,
    weights: Sequence[Sequence[Any]],
    x_BTD: Any,
    lengths_B: Any,
    state: State | None = None,
    *,
    ends: bool = True,
    between: Callable[[Any], Any] = lambda y_BTH: y_BTH,
) -> tuple[Any, State]:
    """Run a stack over a ragged batch.

    `weights` holds what `scan` takes, by layer and direction. `state` is a tuple of `[layers * directions, B, width]`,
    and so is the returned one (with `ends=False`, it is empty). The outputs of both directions are concatenated:
    `[B, T, directions * H]`. `between` is applied to the output of every layer but the last.
    """
    states: list[State] = []
    for layer, both in enumerate(weights):
        if layer:
            x_BTD = between(x_BTD)
        outputs = []
        for direction, own in enumerate(both):
            start = None if state is None else tuple(s[len(states)] for s in state)
            y_BTH, end = scan(cell, own, x_BTD, lengths_B, start, reverse=direction == 1, ends=ends)
            outputs.append(y_BTH)
            states.append(end)
        x_BTD = namespace(x_BTD).concat(outputs, -1) if len(outputs) > 1 else outputs[0]
    return x_BTD, tuple(namespace(x_BTD).stack(list(arrays)) for arrays in zip(*states, strict=True))
