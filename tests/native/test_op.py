"""The operator under torch: its fake and its gradient are consistent, and it follows torch's number of threads."""

import pytest
import torch

from anaphora.engine import op

B, T, D, H = 3, 4, 5, 6


def inputs(cell, *, ragged=False, packed=False, keep=True):
    gates = {"rnn_tanh": 1, "rnn_relu": 1, "lstm": 4, "gru": 3}[cell] * H
    torch.manual_seed(0)
    sizes = torch.tensor([3, 2, 2, 1]) if packed else None
    x = torch.randn(8, D) if packed else torch.randn(B, T, D)
    tensors = [x, *(torch.randn(shape) / 3 for shape in ((gates, D), (gates, H), (gates,), (gates,), (B, H)))]
    x, *weights, h0 = (tensor.requires_grad_(keep) for tensor in tensors)
    c0 = torch.randn(B, H).requires_grad_(keep) if cell == "lstm" else None
    return x, torch.tensor([2, 4, 0]) if ragged else None, sizes, *weights, h0, c0, cell, ragged, False, "float32", keep


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cell", ["rnn_tanh", "lstm", "gru"])
@pytest.mark.parametrize("options", [{}, {"ragged": True}, {"packed": True}, {"keep": False}], ids=str)
def test_torch_finds_the_operator_consistent(cell, options):
    torch.library.opcheck(op.scan_op, inputs(cell, **options))


@pytest.mark.parametrize("threads", [1, 2])
def test_torchs_number_of_threads_is_used_and_ours_goes_before(monkeypatch, threads):
    monkeypatch.delenv("ANAPHORA_THREADS", raising=False)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert op.threads() == threads
        monkeypatch.setenv("ANAPHORA_THREADS", "7")
        assert op.threads() == 7
    finally:
        torch.set_num_threads(before)
