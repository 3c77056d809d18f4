"""Gradients of some rows: what learns from them, and what clips them, does as with all rows."""

from copy import deepcopy

import pytest
import torch
from torch.nn import functional

from anaphora import TextClassifier
from anaphora.net.build import draw
from anaphora.task import TrainingOptions
from anaphora.tasks.classify.task import ClassifyConfig
from anaphora.tasks.language.task import LanguageConfig
from anaphora.train.optim import clip, make_optimizer
from anaphora.train.sparse_adam import SparseAdamW

READ = [torch.tensor([1, 3, 3]), torch.tensor([3, 0]), torch.tensor([4, 1])]


class Table(torch.nn.Module):
    def __init__(self, sparse):
        super().__init__()
        torch.manual_seed(0)
        self.weight = torch.nn.Parameter(torch.randn(6, 4))
        self.other = torch.nn.Parameter(torch.randn(4, 2))
        self.sparse = sparse

    def forward(self, ids):
        return (functional.embedding(ids, self.weight, sparse=self.sparse) @ self.other).square().sum()


def learned(sparse, optimizer, ids_of_steps):
    net = Table(sparse)
    options = TrainingOptions(optimizer=optimizer, learning_rate=0.1, weight_decay=0.1, epochs=1, batch_size=1)
    steps = make_optimizer(net, options)
    for ids in ids_of_steps:
        net(ids).backward()
        clip(net.parameters(), 1.0)
        steps.step()
        steps.zero_grad()
    return net


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "asgd"])
def test_others_learn_as_from_all_rows(optimizer):
    own, other = (learned(sparse, optimizer, READ) for sparse in (True, False))
    assert torch.allclose(own.weight, other.weight)
    assert torch.allclose(own.other, other.other)


def test_adamw_learns_as_from_all_rows_where_all_are_read():
    every = [torch.tensor([0, 1, 2, 3, 4, 5, 2]), torch.arange(6), torch.tensor([5, 4, 3, 2, 1, 0, 0])]
    own, other = (learned(sparse, "adamw", every) for sparse in (True, False))
    assert torch.allclose(own.weight, other.weight, atol=1e-6)
    assert torch.allclose(own.other, other.other, atol=1e-6)


def test_adamw_leaves_rows_that_were_not_read():
    before, after = Table(True).weight, learned(True, "adamw", READ).weight
    moved = (before != after).any(1)
    assert moved.tolist() == [True, True, False, True, True, False]


def test_a_row_learns_as_if_the_steps_that_read_it_were_all():
    before, after = Table(True).weight.detach(), torch.nn.Parameter(Table(True).weight.detach().clone())
    ours = SparseAdamW([after], lr=0.1, betas=(0.9, 0.99), weight_decay=0.1)
    for ids in READ:
        functional.embedding(ids, after, sparse=True).square().sum().backward()
        ours.step()
        ours.zero_grad()
    for row in range(6):
        alone = torch.nn.Parameter(before[row].clone())
        theirs = torch.optim.AdamW([alone], lr=0.1, betas=(0.9, 0.99), weight_decay=0.1)
        for ids in READ:
            if times := int((ids == row).sum()):
                (times * alone.square().sum()).backward()
                theirs.step()
                theirs.zero_grad()
        assert torch.allclose(after[row], alone, atol=1e-6)


def test_where_all_steps_count_rows_learn_as_by_sparse_adam():
    """Of which the weight decay stands beside: it takes the same share of a row that a step has read."""
    ours, theirs = (torch.nn.Parameter(Table(True).weight.detach().clone()) for _ in range(2))
    steps = SparseAdamW([ours], per_row_bias_correction=False, lr=0.1, betas=(0.9, 0.99), weight_decay=0.1)
    others = torch.optim.SparseAdam([theirs], lr=0.1, betas=(0.9, 0.99))
    for ids in READ:
        for parameter, optimizer in ((ours, steps), (theirs, others)):
            (functional.embedding(ids, parameter, sparse=True) * torch.arange(4.0)).sum().backward()
            if optimizer is others:
                with torch.no_grad():
                    theirs[ids.unique()] *= 1 - 0.1 * 0.1
            optimizer.step()
            optimizer.zero_grad()
    assert torch.allclose(ours, theirs, atol=1e-6)


def test_rows_of_a_language_model_learn_faster_where_they_are_rare():
    """A classifier's do not (docs/decisions.md)."""
    for config, alone in ((LanguageConfig(), False), (ClassifyConfig(), True)):
        assert make_optimizer(Table(True), config.resolved(100)).alone == alone


@pytest.mark.parametrize("alone", [False, True])
def test_the_state_survives(alone):
    nets = Table(True), Table(True)
    steps = [SparseAdamW(net.parameters(), per_row_bias_correction=alone, lr=0.1) for net in nets]
    nets[0](READ[0]).backward()
    steps[0].step()
    nets[1].load_state_dict(nets[0].state_dict())
    steps[1].load_state_dict(deepcopy(steps[0].state_dict()))
    for net, own in zip(nets, steps, strict=True):
        own.zero_grad()
        net(READ[2]).backward()
        own.step()
    assert torch.equal(nets[0].weight, nets[1].weight)


@pytest.mark.parametrize("most", [0.5, 1e9])
def test_gradients_are_clipped_as_by_torch(most):
    own, other = Table(True), Table(False)
    for net in (own, other):
        net(READ[0]).backward()
    norm = clip(own.parameters(), most)
    assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_(other.parameters(), most)))
    assert torch.allclose(own.weight.grad.to_dense(), other.weight.grad)
    assert torch.allclose(own.other.grad, other.other.grad)


def test_a_step_of_a_classifier_leaves_the_vectors_of_words_that_it_did_not_read():
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    model = TextClassifier(steps=1, batch_size=4, min_count=1, validation=0, word_dropout=0, bayes_start=0)
    model.fit(words, ["odd", "even"] * 4)
    before = draw(model.bundle_.task.spec(), model.seed)["embedding.weight"]
    assert (model.bundle_.arrays["embedding.weight"] != before).any(1).sum() == 4
