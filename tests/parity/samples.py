"""Random weights, lengths, sequences and states for any cell: the inputs of all parity tests."""

from dataclasses import dataclass, fields
from itertools import product

import numpy as np
import pytest
import torch

from anaphora.cells import CELLS
from anaphora.config import declared


def variants(cell):
    """Every combination of the choices of a cell's options, as dictionaries."""
    choices = {field.name: declared(cell, field.name)["choices"] for field in fields(cell)}
    names = [name for name in choices if choices[name]]
    return [dict(zip(names, values, strict=True)) for values in product(*(choices[name] for name in names))]


EVERY_CELL = [
    pytest.param(cell(**options), id="-".join([name, *options.values()]))
    for name, cell in CELLS.items()
    for options in variants(cell)
]


@dataclass(frozen=True)
class Sample:
    """The arguments of one call of `scan`, and `upstream`: the gradients of the outputs and the state."""

    weights: dict
    x: object
    lengths: object
    state: tuple
    upstream: tuple

    @property
    def inputs(self):
        return self.weights, self.x, self.lengths

    def numpy(self, dtype):
        return self._converted(lambda array: array.astype(dtype), self.lengths)

    def torch(self, dtype=torch.float64, learns=False):
        def leaf(array):
            return torch.tensor(array, dtype=dtype, requires_grad=learns)

        return self._converted(leaf, torch.tensor(self.lengths))

    def rows(self, chosen):
        """The same weights, with the chosen rows of the batch."""
        state, upstream = (tuple(array[chosen] for array in arrays) for arrays in (self.state, self.upstream))
        return Sample(self.weights, self.x[chosen], self.lengths[chosen], state, upstream)

    def _converted(self, convert, lengths_B):
        weights = {name: convert(array) for name, array in self.weights.items()}
        state, upstream = (tuple(map(convert, arrays)) for arrays in (self.state, self.upstream))
        return Sample(weights, convert(self.x), lengths_B, state, upstream)


def sample(cell, *, T, H=5, D=3, B=5, ragged=True, seed=0):
    """A call of `scan` in float64, with NaN where the contract says that nothing is read."""
    rng = np.random.default_rng(seed)
    lengths_B = ragged_lengths(rng, B, T) if ragged else np.full(B, T)
    x_BTD = rng.standard_normal((B, T, D))
    x_BTD[np.arange(T) >= lengths_B[:, None]] = np.nan
    state = tuple(0.5 * rng.standard_normal((B, H)) for _ in cell.state)
    upstream = (rng.standard_normal((B, T, H)), *(rng.standard_normal((B, H)) for _ in cell.state))
    return Sample(random_weights(rng, cell, D, H), x_BTD, lengths_B, state, upstream)


def random_weights(rng, cell, D, H):
    """All numbers of all gates and biases differ, so that tests find swapped gates and missing biases."""
    return {name: random_array(rng, parameter.shape, H) for name, parameter in cell.parameters(D, H).items()}


def random_array(rng, shape, H):
    return rng.uniform(-1, 1, shape) / np.sqrt(H)


def ragged_lengths(rng, B, T):
    """One row of length 1, one of T, one of 0, and others between, in no order."""
    return np.concatenate([[min(1, T), T, 0], rng.integers(0, T + 1, max(B - 3, 0))])[:B].astype(np.int64)


def backward(cell, scan, given, *, zero_state=False, **options):
    """Outputs, states and all gradients of `scan` under torch: `(values, {name: gradient})`."""
    y_BTH, end = scan(cell, *given.inputs, None if zero_state else given.state, **options)
    loss = sum((array * grad.detach()).sum() for array, grad in zip((y_BTH, *end), given.upstream, strict=False))
    leaves = given.weights | {"x": given.x}
    if not zero_state:
        leaves |= dict(zip(cell.state, given.state, strict=True))
    gradients = torch.autograd.grad(loss, list(leaves.values()))
    return (y_BTH.detach(), *(array.detach() for array in end)), dict(zip(leaves, gradients, strict=True))
