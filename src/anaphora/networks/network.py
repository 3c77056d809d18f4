"""From a network's spec to its arrays, and to an object that runs.

A spec names the blocks; a kit (`train/blocks.py` or `runtime/blocks.py`) says how each is computed. The parts of a
built network are its attributes, and its arrays are named after them in every library: `encoder.weight_ih_l0`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anaphora.engine.stack import suffixes
from anaphora.networks.blocks import Head, Recurrent, Spec

Arrays = Mapping[str, NDArray[np.float32]]


class Kit(Protocol):
    """One library's implementation of all blocks."""

    @property
    def BLOCKS(self) -> Mapping[type, Any]:  # noqa: N802 (a module's constant)
        """The class that computes each kind of block."""

    @property
    def Net(self) -> Any:  # noqa: N802 (a module's class)
        """The class of a network; its attributes will be the blocks."""


@dataclass(frozen=True)
class In:
    """A kit whose recurrent layers and heads compute in a precision (`engine.native.PRECISIONS`)."""

    kit: Kit
    precision: str

    @property
    def Net(self) -> Any:  # noqa: N802 (as in a kit)
        return self.kit.Net

    @property
    def BLOCKS(self) -> Mapping[type, Any]:  # noqa: N802 (as in a kit)
        blocks = self.kit.BLOCKS
        return {**blocks, **{kind: partial(blocks[kind], precision=self.precision) for kind in (Recurrent, Head)}}


def member(arrays: Arrays, place: int, members: int) -> Arrays:
    """The arrays of one network of several; alone, a network's arrays have no number before their names."""
    prefix = f"{place}." if members > 1 else ""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def together(members: Sequence[Arrays]) -> Arrays:
    """The arrays of several networks in one: `0.embedding.weight`, `1.embedding.weight`, ..."""
    if len(members) == 1:
        return members[0]
    return {f"{place}.{name}": array for place, arrays in enumerate(members) for name, array in arrays.items()}


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """The shape of every array of one network."""
    return {
        f"{name}.{key}": parameter.shape
        for name, block in spec.items()
        for key, parameter in block.parameters().items()
    }


def layers(spec: Spec) -> list[list[str]]:
    """The names of all arrays, from the top down: of what follows the recurrent layers, of each of these, of what comes
    before them.
    """
    below: list[str] = []
    recurrent: list[list[str]] = []
    above: list[str] = []
    for name, block in spec.items():
        keys = [f"{name}.{key}" for key in block.parameters()]
        if isinstance(block, Recurrent):
            for both in reversed(suffixes(block.layers, block.bidirectional)):
                recurrent.append([key for key in keys if key.endswith(tuple(both))])
        else:
            (above if recurrent else below).extend(keys)
    return [part for part in (above, *recurrent, below) if part]


def draw(spec: Spec, seed: int) -> dict[str, NDArray[np.float32]]:
    """The first values of every array."""
    rng = np.random.default_rng(seed)
    return {
        f"{name}.{key}": parameter.draw(rng)
        for name, block in spec.items()
        for key, parameter in block.parameters().items()
    }


def build(recipe: Any, spec: Spec, kit: Kit, arrays: Arrays) -> Any:
    """The network as an object: `net(*inputs)` runs the recipe's `forward`, `net.<block>` is a block."""
    net = kit.Net(recipe.forward)
    for name, block in spec.items():
        own = {key: arrays[f"{name}.{key}"] for key in block.parameters()}
        setattr(net, name, kit.BLOCKS[type(block)](block, own))
    return net
