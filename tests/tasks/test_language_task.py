"""The loss of a language model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from anaphora.net.build import Backend, build, draw
from anaphora.tasks.language.documents import Texts
from anaphora.tasks.language.task import Language, LanguageConfig
from anaphora.train import blocks


def test_the_penalty_of_changes_is_that_of_features_without_dropout() -> None:
    """In the mean over what is dropped (Merity et al. 2018: AR of the dropped features, TAR of the others)."""
    options = LanguageConfig(hidden_size=64, embedding_size=8, layers=1, dropout=0.5).resolved(1)
    plain = Language.learn(options, Texts(["hello world"]), closed=False)
    penal = replace(plain, options=replace(options, change_penalty=1.0))
    net = build(plain.recipe, plain.spec(), Backend(blocks, "float32"), draw(plain.spec(), 0))
    net.seed(0)
    net.train()
    y_BTH = torch.randn(1, 9, 64, generator=torch.Generator().manual_seed(0))
    nets = [make(task) for task in (penal, plain)]
    found = []
    for _ in range(400):
        features = net.dropout(y_BTH)
        found.append((penal.loss(net, features, batch) - plain.loss(net, features, batch)).item())
    assert np.mean(found) == pytest.approx(float((y_BTH[:, 1:] - y_BTH[:, :-1]).square().mean()), rel=0.05)
