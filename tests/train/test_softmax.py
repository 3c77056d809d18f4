"""The loss that never holds all scores, against torch's."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from anaphora.runtime import softmax as running
from anaphora.train import softmax
from anaphora.train.softmax import cross_entropy, flat, scores


def inputs(N: int = 37, H: int = 8, V: int = 29, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    x, w, b = (torch.randn(*shape, dtype=dtype) for shape in ((N, H), (V, H), (V,)))
    return x.requires_grad_(), w.requires_grad_(), b.requires_grad_(), torch.randint(0, V, (N,))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "CHUNK_NUMBERS", 100)
    monkeypatch.setattr(running, "CHUNK_NUMBERS", 100)


@pytest.mark.usefixtures("small_chunks")
def test_loss_and_gradients_are_those_of_torch() -> None:
    x, w, b, targets = inputs()
    expected = functional.cross_entropy(x @ w.T + b, targets)
    loss = cross_entropy(x, w, b, targets, False)
    assert torch.allclose(loss, expected)
    ours = torch.autograd.grad(3 * loss, (x, w, b))
    theirs = torch.autograd.grad(3 * expected, (x, w, b))
    for own, other in zip(ours, theirs, strict=True):
        assert torch.allclose(own, other)


@pytest.mark.usefixtures("small_chunks")
def test_rounded_to_bfloat16_they_are_near() -> None:
    x, w, b, targets = inputs(dtype=torch.float32)
    expected = functional.cross_entropy(x @ w.T + b, targets)
    loss = cross_entropy(x, w, b, targets, True)
    assert abs((loss - expected).item()) < 0.02
    ours, theirs = (torch.autograd.grad(of, (x, w, b)) for of in (loss, expected))
    for own, other in zip(ours, theirs, strict=True):
        assert float((own - other).abs().max() / other.abs().max()) < 0.03


@pytest.mark.usefixtures("small_chunks")
def test_scores_are_log_probabilities_and_hits_in_training_and_running() -> None:
    x, w, b, targets = inputs(dtype=torch.float32)
    with torch.no_grad():
        logits = x @ w.T + b
        expected = logits.log_softmax(1)[torch.arange(len(x)), targets]
        found = scores(x, w, b, targets, False)
    assert torch.allclose(found[:, 0], expected, atol=1e-5)
    assert torch.equal(found[:, 1] == 1, logits.argmax(1) == targets)
    ran = running.scores(x.detach().numpy(), w.detach().numpy(), b.detach().numpy(), targets.numpy())
    assert np.allclose(ran, found, atol=1e-5)


def test_flat_takes_the_places_of_rows_one_after_another() -> None:
    features = torch.arange(2 * 3 * 2.0).reshape(2, 3, 2)
    assert torch.equal(flat(features, torch.tensor([1, 3])), features[[0, 1, 1, 1], [0, 0, 1, 2]])
    assert torch.equal(flat(features, torch.tensor([3, 3])), features.reshape(6, 2))


def test_no_rows_cost_nothing() -> None:
    x, w, b, targets = inputs(N=0)
    assert cross_entropy(x, w, b, targets, False).item() == 0
