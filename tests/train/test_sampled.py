"""Sampled softmax, against the whole one."""

import numpy as np
import pytest
import torch

from anaphora import LanguageModel
from anaphora.train import sampled_softmax as sampled
from anaphora.train import softmax

V, H, N = 50, 6, 40


def inputs() -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    x, w, b = torch.randn(N, H), torch.randn(V, H), torch.randn(V)
    frequencies = 1 / torch.arange(1.0, V + 1)
    return x, w.requires_grad_(), b, frequencies


def test_where_every_token_is_a_candidate_it_is_the_whole_softmax() -> None:
    x, w, b, frequencies = inputs()
    targets = torch.multinomial(frequencies, N, replacement=True)
    candidates = sampled.draw(targets, frequencies, 20_000, torch.Generator().manual_seed(1))
    assert len(candidates.ids_K) == V
    loss = sampled.cross_entropy(x, w, b, candidates, "float32")
    whole = softmax.cross_entropy(x, w, b, targets, "float32")
    assert torch.allclose(loss, whole, rtol=1e-5)
    (ours,), (theirs,) = torch.autograd.grad(loss, (w,)), torch.autograd.grad(whole, (w,))
    assert torch.allclose(ours.to_dense(), theirs, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("draws", [1, 10, 40])
def test_a_token_is_a_candidate_as_often_as_is_said(draws: int) -> None:
    _, _, _, frequencies = inputs()
    generator = torch.Generator().manual_seed(2)
    seen, told, runs = torch.zeros(V), torch.zeros(V), 4_000
    for _ in range(runs):
        targets = torch.multinomial(frequencies, N, replacement=True, generator=generator)
        candidates = sampled.draw(targets, frequencies, draws, generator)
        seen[candidates.ids_K] += 1
        told[candidates.ids_K] = candidates.chances_K.exp()
    deviation = (told * (1 - told) / runs).sqrt()
    assert bool(((seen / runs - told).abs() < 4.5 * deviation + 1e-6).all())


def test_the_candidates_sum_is_that_of_all_tokens_on_average() -> None:
    _, _, b, frequencies = inputs()
    generator = torch.Generator().manual_seed(3)
    sums = []
    for _ in range(4_000):
        targets = torch.multinomial(frequencies, N, replacement=True, generator=generator)
        candidates = sampled.draw(targets, frequencies, 10, generator)
        sums.append(float((b[candidates.ids_K] - candidates.chances_K).exp().sum()))
    assert abs(np.mean(sums) - float(b.exp().sum())) < 4 * np.std(sums) / len(sums) ** 0.5


def test_only_the_candidates_rows_have_a_gradient() -> None:
    x, w, b, frequencies = inputs()
    candidates = sampled.draw(torch.tensor([3] * N), frequencies, 5, torch.Generator().manual_seed(4))
    sampled.cross_entropy(x, w, b, candidates, "float32").backward()
    assert w.grad is not None
    assert w.grad.is_sparse
    assert sorted(set(w.grad._indices()[0].tolist())) == candidates.ids_K.tolist()
    assert len(candidates.ids_K) <= 6


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_learns_by_it_and_scores_all_tokens(tied: bool) -> None:
    text = "the cat sat on the mat . the dog sat on the log . " * 60
    options = {"level": "word", "tied": tied, "hidden_size": 16, "layers": 1, "dropout": 0.0, "validation": 0}
    model = LanguageModel(**options, sampled_softmax=3, steps=300, batch_size=4, learning_rate=0.02, seed=1).fit(text)
    assert model.perplexity(text) < 1.5
    likely = np.exp(
        [float(model.log_probabilities([f"the {word}"])[0].sum()) for word in ("cat", "dog", "mat", "log", "sat", "on")]
    )
    assert likely.sum() < 1
