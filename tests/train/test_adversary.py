"""Adversarial training, against its equations."""

from typing import Any

import numpy as np
import pytest
import torch

from anaphora import TextClassifier
from anaphora.net.build import In, build, draw
from anaphora.tasks.classify.task import Classify, ClassifyConfig
from anaphora.train import blocks, loop
from anaphora.train.adversary import gradients, worst
from anaphora.train.blocks import Adversary
from anaphora.train.device import to_device

TEXTS = ["a fine film", "what a dull and long film it was", "fine", "dull"] * 3
LABELS = ["good", "bad", "good", "bad"] * 3


def objective_of(**options: Any) -> tuple[Any, Any]:
    """An objective, and a batch of texts of unequal length."""
    own = {"hidden_size": 5, "embedding_size": 4, "min_count": 1, "bayes_start": 0} | options
    task = Classify.learn(ClassifyConfig(**own).resolved(12), TEXTS, LABELS)
    net = build(task.recipe, task.spec(), In(blocks, "float32"), draw(task.spec(), 0))
    net.seed(0)
    examples = task.encode(TEXTS, LABELS)
    batch = to_device(examples.batch(np.arange(12)), torch.device("cpu"))
    return loop.Objective(task, net).train(), batch


def test_the_push_is_as_long_as_is_said_and_leaves_padding_alone() -> None:
    objective, batch = objective_of(adversarial=0.7, locked_dropout=0.0)
    net = objective.net
    objective(batch).backward()
    x_BTD = net.adversary.read.detach()
    push_BTD = worst(net.adversary, batch.inputs[1])
    for x_TD, push_TD, length in zip(x_BTD, push_BTD, batch.inputs[1].tolist(), strict=True):
        assert float(push_TD.norm()) == pytest.approx(0.7 * float(x_TD[:length].norm(dim=1).mean()), rel=1e-4)
        assert not push_TD[length:].any()


def test_the_push_raises_the_loss_more_than_others_of_its_length() -> None:
    objective, batch = objective_of(adversarial=0.5, dropout=0.0, locked_dropout=0.0, word_dropout=0.0)
    adversary: Adversary = objective.net.adversary
    loss = objective(batch)
    loss.backward()
    push = worst(adversary, batch.inputs[1])
    found = []
    for other in (push, -push, *(torch.randn_like(push) for _ in range(20))):
        adversary.push = other * (push.flatten(1).norm(dim=1) / other.flatten(1).norm(dim=1))[:, None, None]
        found.append(float(objective(batch).detach()))
    assert found[0] == max(found)
    assert found[1] < float(loss.detach()) < found[0]


def test_the_gradients_are_the_mean_of_both_passes_with_the_same_numbers_dropped() -> None:
    objective, batch = objective_of(adversarial=0.5)
    net = objective.net
    gradients(objective, batch, torch.Tensor.backward)
    found = {name: weight.grad.clone() for name, weight in net.named_parameters()}
    net.zero_grad()
    net.seed(0)
    objective(batch).backward()
    first = {name: weight.grad.clone() for name, weight in net.named_parameters()}
    net.adversary.push = worst(net.adversary, batch.inputs[1])
    net.zero_grad()
    net.seed(0)
    objective(batch).backward()
    for name, weight in net.named_parameters():
        torch.testing.assert_close(found[name], (first[name] + weight.grad) / 2)


def test_without_it_the_gradients_are_the_plain_ones() -> None:
    objective, batch = objective_of()
    gradients(objective, batch, torch.Tensor.backward)
    found = [weight.grad.to_dense().clone() for weight in objective.net.parameters()]
    objective.net.zero_grad()
    objective.net.seed(0)
    objective(batch).backward()
    for own, weight in zip(found, objective.net.parameters(), strict=True):
        assert torch.equal(own, weight.grad.to_dense())


def test_frozen_vectors_are_moved_too() -> None:
    objective, batch = objective_of(adversarial=0.5)
    objective.net.embedding.requires_grad_(False)
    loss = gradients(objective, batch, torch.Tensor.backward)
    assert torch.isfinite(loss)
    assert objective.net.embedding.weight.grad is None
    assert objective.net.head.weight.grad is not None


def test_a_classifier_learns_by_it_and_answers_as_any_other(tiny: dict[str, Any]) -> None:
    model = TextClassifier(**tiny | {"adversarial": 0.3, "min_count": 1}).fit(TEXTS, LABELS)
    assert model.score(TEXTS, LABELS) == 1
