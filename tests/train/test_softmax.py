"""The loss that never holds all scores, against torch's."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from anaphora.engine import native
from anaphora.engine.ragged import flat
from anaphora.train import softmax
from anaphora.train.softmax import cross_entropy, scores


def inputs(N: int = 37, H: int = 8, V: int = 29, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    x, w, b = (torch.randn(*shape, dtype=dtype) for shape in ((N, H), (V, H), (V,)))
    return x.requires_grad_(), w.requires_grad_(), b.requires_grad_(), torch.randint(0, V, (N,))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax, "CHUNK_NUMBERS", 100)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])  # torch's products, and the kernels
@pytest.mark.parametrize("shape", [(37, 8, 29), (1, 1, 1), (64, 33, 2100), (1500, 5, 7000)])
def test_loss_and_gradients_are_those_of_torch(shape: tuple[int, int, int], dtype: torch.dtype) -> None:
    x, w, b, targets = inputs(*shape, dtype)
    exact = [tensor.detach().double().requires_grad_() for tensor in (x, w, b)]
    expected = functional.cross_entropy(exact[0] @ exact[1].T + exact[2], targets)
    loss = cross_entropy(x, w, b, targets, "float32")
    near = {"rtol": 1e-5, "atol": 1e-6} if dtype == torch.float32 else {}
    assert torch.allclose(loss.double(), expected, **near)
    ours = torch.autograd.grad(3 * loss, (x, w, b))
    theirs = torch.autograd.grad(3 * expected, exact)
    for own, other in zip(ours, theirs, strict=True):
        assert torch.allclose(own.double(), other, **near)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("by_torch", [False, True])
def test_rounded_to_bfloat16_they_are_near(by_torch: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if by_torch:
        monkeypatch.setattr(softmax, "_has_kernel", lambda x: False)
    x, w, b, targets = inputs(dtype=torch.float32)
    expected = functional.cross_entropy(x @ w.T + b, targets)
    loss = cross_entropy(x, w, b, targets, "bfloat16")
    assert loss.item() != expected.item()
    assert abs((loss - expected).item()) < 0.02
    ours, theirs = (torch.autograd.grad(of, (x, w, b)) for of in (loss, expected))
    for own, other in zip(ours, theirs, strict=True):
        assert float((own - other).abs().max() / other.abs().max()) < 0.03


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_scores_are_log_probabilities_and_hits_in_training_and_running(dtype: torch.dtype) -> None:
    x, w, b, targets = inputs(dtype=dtype)
    with torch.no_grad():
        logits = x @ w.T + b
        expected = logits.log_softmax(1)[torch.arange(len(x)), targets]
        found = scores(x, w, b, targets, "float32")
    assert torch.allclose(found[:, 0], expected, atol=1e-5)
    assert torch.equal(found[:, 1] == 1, logits.argmax(1) == targets)
    ran = native.cross_entropy(x.detach().numpy(), w.detach().numpy(), b.detach().numpy(), targets.numpy(), "float32")
    assert np.allclose(ran, found, atol=1e-5)


def test_scores_of_bytes_are_near() -> None:
    x, w, b, targets = (tensor.detach().numpy() for tensor in inputs(dtype=torch.float32))
    exact, near = (native.cross_entropy(x, w, b, targets, precision) for precision in ("float32", "int8"))
    assert 0 < np.abs(exact - near)[:, 0].max() < 0.2


def test_a_loss_is_differentiated_once() -> None:
    x, w, b, targets = inputs(dtype=torch.float32)
    loss = cross_entropy(x, w, b, targets, "float32")
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="differentiated once"):
        loss.backward()


@pytest.mark.parametrize("target", [-1, 29])
def test_a_target_that_is_no_token_is_refused(target: int) -> None:
    x, w, b, targets = inputs(dtype=torch.float32)
    targets[5] = target
    with pytest.raises(ValueError, match=rf"targets\[5\] is {target}"):
        cross_entropy(x, w, b, targets, "float32")


def test_numbers_that_are_none_are_not_hidden() -> None:
    x, w, b, targets = inputs(dtype=torch.float32)
    with torch.no_grad():
        x[3, 2] = torch.nan
    assert cross_entropy(x, w, b, targets, "float32").isnan()


def test_flat_takes_the_places_of_rows_one_after_another() -> None:
    features = torch.arange(2 * 3 * 2.0).reshape(2, 3, 2)
    assert torch.equal(flat(features, torch.tensor([1, 3])), features[[0, 1, 1, 1], [0, 0, 1, 2]])
    assert torch.equal(flat(features, torch.tensor([3, 3])), features.reshape(6, 2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_no_rows_cost_nothing(dtype: torch.dtype) -> None:
    x, w, b, targets = inputs(N=0, dtype=dtype)
    loss = cross_entropy(x, w, b, targets, "float32")
    loss.backward()
    assert loss.item() == 0
    assert not w.grad.any()  # type: ignore[union-attr]
