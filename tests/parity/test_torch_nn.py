"""Stacks of layers and directions against `torch.nn`, with its own weights: outputs, states and gradients.

These tests show that the equations are torch's: the same gate order, the same two biases, the same reset gate.
"""

import pytest
import torch
from tolerances import TOLERANCES, assert_all_close, error
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from anaphora.cells.gru import GRU
from anaphora.cells.lstm import LSTM
from anaphora.cells.rnn import RNN
from anaphora.engine import reference, stack
from anaphora.engine import torch as torch_engine

MODULES = {
    RNN("tanh"): lambda *sizes, **options: torch.nn.RNN(*sizes, nonlinearity="tanh", **options),
    RNN("relu"): lambda *sizes, **options: torch.nn.RNN(*sizes, nonlinearity="relu", **options),
    LSTM("tanh"): torch.nn.LSTM,
    GRU(): torch.nn.GRU,
}
ENGINES = {
    "reference": (reference.scan, torch.float64),
    "torch": (torch_engine.scan, torch.float32),
}
D, H, T = 7, 11, 12
RAGGED = torch.tensor([5, 12, 1, 9])  # a PackedSequence has no empty rows
FULL = torch.tensor([12, 12, 12, 12])

pytestmark = [
    pytest.mark.parametrize("cell", MODULES, ids=str),
    pytest.mark.parametrize(("scan", "dtype"), ENGINES.values(), ids=ENGINES),
    pytest.mark.parametrize("lengths_B", [FULL, RAGGED], ids=["full", "ragged"]),
    pytest.mark.parametrize(("layers", "bidirectional"), [(1, False), (2, False), (1, True), (2, True)]),
]


class Pair:
    """The same network in torch, in float64, and in ours."""

    def __init__(self, cell, scan, dtype, lengths_B, layers, bidirectional):
        self.cell = cell
        self.scan, self.lengths_B = scan, lengths_B
        self.options = {"bidirectional": bidirectional}
        self.layers = layers
        torch.manual_seed(5)
        make = MODULES[cell]
        self.module = make(D, H, num_layers=layers, batch_first=True, dtype=torch.float64, **self.options)
        stacked = layers * (1 + bidirectional)
        draw = {"generator": torch.Generator().manual_seed(3), "dtype": torch.float64}
        self.theirs = dict(self.module.named_parameters())
        self.theirs["x"] = torch.randn(4, T, D, **draw).requires_grad_()
        for array in self.cell.state:
            self.theirs[array] = torch.randn(stacked, 4, H, **draw).requires_grad_()
        self.upstream = [torch.randn(4, T, H * (1 + bidirectional), **draw)]
        self.upstream += [torch.randn(stacked, 4, H, **draw) for _ in self.cell.state]
        self.ours = {name: leaf.detach().to(dtype).requires_grad_() for name, leaf in self.theirs.items()}

    def run_theirs(self):
        given = tuple(self.theirs[array] for array in self.cell.state)
        packed = pack_padded_sequence(self.theirs["x"], self.lengths_B, batch_first=True, enforce_sorted=False)
        y_BTH, end = self.module(packed, given if len(given) > 1 else given[0])
        y_BTH, _ = pad_packed_sequence(y_BTH, batch_first=True, total_length=T)
        return y_BTH, *(end if len(given) > 1 else (end,))

    def run_ours(self):
        given = tuple(self.ours[array] for array in self.cell.state)
        weights = {name: leaf for name, leaf in self.ours.items() if name.startswith(("weight", "bias"))}
        x_BTD = self.ours["x"]
        both = stack.directions(weights, self.layers, **self.options)
        y_BTH, end = stack.run(self.scan, self.cell, both, x_BTD, self.lengths_B, given)
        return y_BTH, *end

    def gradients(self, outputs, leaves):
        loss = sum((array * upstream).sum() for array, upstream in zip(outputs, self.upstream, strict=True))
        return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))


@pytest.fixture
def pair(cell, scan, dtype, lengths_B, layers, bidirectional):
    return Pair(cell, scan, dtype, lengths_B, layers, bidirectional)


def test_outputs_equal_torch_nn(pair, dtype):
    (ours, *_), (theirs, *_) = pair.run_ours(), pair.run_theirs()
    assert error(ours, theirs) <= TOLERANCES[str(dtype).removeprefix("torch.")]


def test_states_at_the_rows_ends_equal_torch_nn(pair):
    (_, *ours), (_, *theirs) = pair.run_ours(), pair.run_theirs()
    assert_all_close(ours, theirs)


def test_gradients_equal_torch_nn(pair):
    ours = pair.gradients(pair.run_ours(), pair.ours)
    theirs = pair.gradients(pair.run_theirs(), pair.theirs)
    assert_all_close(ours, theirs)
