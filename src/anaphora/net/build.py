"""From a network's spec to its arrays, and to an object that runs.

A spec names the blocks; a backend (`train/blocks.py` or `runtime/blocks.py`) implements them. The blocks of a built
network are its attributes, and its arrays are named after them in both backends: `encoder.weight_ih_l0`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anaphora.engine.stack import suffixes
from anaphora.extras import load_name
from anaphora.net.blocks import Block, Recurrent, Spec
from anaphora.net.losses import NextToken

Arrays = Mapping[str, NDArray[np.float32]]


class Implementations(Protocol):
    """A module that implements all blocks with one library."""

    @property
    def BLOCKS(self) -> Mapping[type, Any]:  # noqa: N802 (a module's constant)
        """The class that computes each kind of block."""

    @property
    def TASK_BLOCKS(self) -> str:  # noqa: N802 (a module's constant)
        """The attribute by which a task's own block names its class: `torch_class` or `numpy_class`."""

    @property
    def Net(self) -> Any:  # noqa: N802 (a module's class)
        """The class of a network; its attributes will be the blocks."""


@dataclass(frozen=True)
class Backend:
    """A library's implementations, and the precision of the products in them (`engine.native.PRECISIONS`)."""

    module: Implementations
    precision: str = "float32"

    @property
    def Net(self) -> Any:  # noqa: N802 (a class)
        return self.module.Net

    def implementation(self, block: Block) -> Any:
        """What makes a block's object from the block and its weights."""
        kind = type(block)
        if kind not in self.module.BLOCKS:
            return load_name(getattr(block, self.module.TASK_BLOCKS))
        found = self.module.BLOCKS[kind]
        return partial(found, precision=self.precision) if kind in (Recurrent, NextToken) else found


def member(arrays: Arrays, index: int, members: int) -> Arrays:
    """The arrays of one network of an ensemble; a single network's names have no number before them."""
    prefix = f"{index}." if members > 1 else ""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def merge(members: Sequence[Arrays]) -> Arrays:
    """The arrays of all networks of an ensemble: `0.embedding.weight`, `1.embedding.weight`, ..."""
    if len(members) == 1:
        return members[0]
    return {f"{index}.{name}": array for index, arrays in enumerate(members) for name, array in arrays.items()}


def shapes(spec: Spec) -> dict[str, tuple[int, ...]]:
    """The shape of every array of one network."""
    return {
        f"{name}.{key}": parameter.shape
        for name, block in spec.items()
        for key, parameter in block.parameters().items()
    }


def layers(spec: Spec) -> list[list[str]]:
    """The names of all arrays from the top layer down: what follows the recurrent layers, each of these, what comes
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
    """The initial weights."""
    rng = np.random.default_rng(seed)
    return {
        f"{name}.{key}": parameter.draw(rng)
        for name, block in spec.items()
        for key, parameter in block.parameters().items()
    }


def build(recipe: Any, spec: Spec, backend: Backend, arrays: Arrays) -> Any:
    """The network as an object: `net(*inputs)` runs the recipe's `forward`, `net.<block>` is a block."""
    net = backend.Net(recipe.forward)
    for name, block in spec.items():
        weights = {key: arrays[f"{name}.{key}"] for key in block.parameters()}
        setattr(net, name, backend.implementation(block)(block, weights))
    return net
