"""Torch's modules and ours with the same weights, and the sizes they are tried with: what the tests of `nn` share."""

import pytest
import torch
from torch.nn.utils.rnn import PackedSequence

import anaphora.nn

D, H, B, T = 5, 7, 4, 6
every_module = pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])


def pair(name, *args, precision=None, **options):
    """Torch's module and ours, with the same weights."""
    torch.manual_seed(1)
    theirs = getattr(torch.nn, name)(*(args or (D, H)), **options)
    ours = getattr(anaphora.nn, name)(*(args or (D, H)), precision=precision, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def flat(result):
    """Every tensor of what a module returns."""
    if isinstance(result, torch.Tensor):
        return [result]
    if isinstance(result, PackedSequence):
        return [result.data]
    return [tensor for part in result for tensor in flat(part)]


def states(name, layers, both, *rows, width=H, dtype=torch.float32):
    stacked = layers * (1 + both)
    h = torch.randn(stacked, *rows, width, dtype=dtype).requires_grad_()
    return (h, torch.randn(stacked, *rows, H, dtype=dtype).requires_grad_()) if name == "LSTM" else h
