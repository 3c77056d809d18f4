"""`lengths=` of `anaphora.nn`: each row gives what it would alone, nothing after its end counts, others are refused."""

import pytest
import torch
from nn_pairs import B, D, H, T, every_module, flat, pair, states
from torch.nn.utils.rnn import pack_sequence

import anaphora.nn


@every_module
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_lengths_are_what_each_row_alone_would_give(name, first, both, dtype):
    _, ours = pair(name, num_layers=2, batch_first=first, bidirectional=both, dtype=dtype)
    x_BTD, lengths = torch.randn(B, T, D, dtype=dtype), torch.tensor([3, 6, 0, 1])
    hx = states(name, 2, both, B, dtype=dtype)
    places = torch.arange(T)[:, None]
    poisoned = torch.stack([row.where(places < n, torch.nan) for row, n in zip(x_BTD, lengths, strict=True)])
    y, end = ours(poisoned if first else poisoned.transpose(0, 1), hx, lengths=lengths)
    y = y if first else y.transpose(0, 1)
    given, end = flat([hx]), flat([end])
    for b, n in enumerate(lengths.tolist()):
        own = tuple(s[:, b : b + 1] for s in given)
        assert (y[b, n:] == 0).all()
        if n == 0:
            expected_end = list(own)
        else:
            row = x_BTD[b : b + 1, :n] if first else x_BTD[b : b + 1, :n].transpose(0, 1)
            expected, expected_end = ours(row, own if name == "LSTM" else own[0])
            torch.testing.assert_close(y[b, :n], (expected if first else expected.transpose(0, 1))[0])
        for actual, one in zip(end, flat([expected_end]), strict=True):
            torch.testing.assert_close(actual[:, b], one[:, 0])


@every_module
@pytest.mark.parametrize(
    "lengths",
    [[1, 2, 3], [1, 2, 3, T + 1], [-1, 2, 3, 4], torch.tensor([1, 2, 3, 4], dtype=torch.int32)],
    ids=["too few", "too long", "negative", "int32"],
)
def test_wrong_lengths_are_refused(name, lengths):
    _, ours = pair(name)
    with pytest.raises(ValueError, match="lengths are"):
        ours(torch.zeros(T, B, D), lengths=torch.as_tensor(lengths))


def test_lengths_beside_a_packed_sequence_are_refused():
    with pytest.raises(ValueError, match="PackedSequence"):
        anaphora.nn.GRU(D, H)(pack_sequence([torch.zeros(3, D)]), lengths=torch.tensor([3]))


@every_module
@pytest.mark.parametrize("shape", [(T, 0, D), (0, B, D)])
def test_lengths_of_an_empty_batch(name, shape):
    _, ours = pair(name)
    y, _ = ours(torch.zeros(shape), lengths=torch.zeros(shape[1], dtype=torch.int64))
    assert y.shape == (*shape[:2], H)
