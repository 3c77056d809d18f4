"""Dynamic evaluation: learning from a text while it is scored."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from anaphora import LanguageModel
from anaphora.errors import OptionError
from anaphora.tasks.language import dynamic, ngram
from anaphora.tasks.language.corpus import Corpus
from anaphora.tasks.language.documents import Texts
from anaphora.tasks.language.dynamic import EPSILON, Hyperparameters, Optimizer, mean_squares, unwatched

SMALL: dict[str, Any] = {
    "hidden_size": 24,
    "embedding_size": 12,
    "layers": 2,
    "batch_size": 4,
    "window": 16,
    "learning_rate": 0.02,
    "dropout": 0.3,
    "activation_penalty": 2.0,
    "precision": "float32",
}
NAMES = ("Anna", "Otto", "Emma")
TEXT = "".join(f"{NAMES[i % 3]} sees {NAMES[i * i % 7 % 3]}.\n" for i in range(120))
STRANGER = "".join(f"Mango sees {NAMES[i % 3]}.\n" for i in range(60))
"""The training text has no Mango in it, but all her letters."""


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel(**SMALL, steps=100).fit(TEXT + "Mgo", "Anna sees Otto.\n")


def corpus_of(model: LanguageModel, *texts: str) -> Corpus:
    corpus: Corpus = model.bundle_.task.encode(Texts(list(texts)))
    return corpus


def training_of(model: LanguageModel) -> Corpus | None:
    return ngram.training_text(model.bundle_.baseline, model.bundle_.task.codec.size)


def token_scores(model: LanguageModel, corpus: Corpus, hyper: Hyperparameters | None = None, **more: Any) -> Any:
    more = {"training": training_of(model)} | more
    return dynamic.token_scores(model.bundle_.task, model.bundle_.arrays, corpus, hyperparameters=hyper, **more)


@pytest.mark.parametrize("window", [1, 7, 20, 10_000])
def test_without_a_learning_rate_the_scores_are_the_static_ones(model: LanguageModel, window: int) -> None:
    corpus = corpus_of(model, STRANGER[:150], "", "Otto.", TEXT[:99])
    still, read = token_scores(model, corpus, Hyperparameters(window, 0.0, 0.1)), model._runner.token_scores(corpus, 1)
    np.testing.assert_allclose(still[:, 0], read[:, 0], atol=1e-5)
    np.testing.assert_array_equal(still[:, 1], read[:, 1])
    assert abs(token_scores(model, corpus, Hyperparameters(7, 1e-3, 0.1))[:, 0] - read[:, 0]).max() > 0.01


def test_scores_know_nothing_of_what_comes_after_them(model: LanguageModel) -> None:
    hyper, text = Hyperparameters(10, 1e-3, 0.01), TEXT[:205]
    found = token_scores(model, corpus_of(model, text), hyper)
    for at in (50, 57, 199):  # at a window's border, and within
        other = token_scores(model, corpus_of(model, text[:at] + STRANGER[: 205 - at]), hyper)
        np.testing.assert_allclose(other[:at], found[:at], atol=1e-6)
        assert other[at, 0] != found[at, 0]


def test_what_recurs_in_a_text_is_learned(model: LanguageModel) -> None:
    scores = model.evaluate(STRANGER, dynamic=True)
    assert scores["dynamic"]["perplexity"] < 0.85 * scores["perplexity"]
    assert scores["dynamic"]["bits_per_character"] < scores["bits_per_character"]
    assert scores["dynamic"]["next_token_accuracy"] > scores["next_token_accuracy"]
    assert {*scores} - {"dynamic"} == {*model.evaluate(STRANGER)}


def test_the_scores_are_those_of_all_targets(model: LanguageModel) -> None:
    corpus = corpus_of(model, STRANGER)
    found, scores = token_scores(model, corpus), model.evaluate(STRANGER, dynamic=True)["dynamic"]
    assert found.shape == (len(STRANGER), 2)
    assert math.isclose(scores["perplexity"], math.exp(-found[:, 0].mean()), rel_tol=1e-5)
    assert math.isclose(scores["bits_per_character"], -found[:, 0].mean() / math.log(2), rel_tol=1e-5)
    assert math.isclose(scores["next_token_accuracy"], found[:, 1].mean(), rel_tol=1e-5)


def test_the_model_stays_as_it_is(model: LanguageModel) -> None:
    before = {name: array.copy() for name, array in model.bundle_.arrays.items()}
    scores = model.evaluate(STRANGER, dynamic=True)
    for name, array in model.bundle_.arrays.items():
        np.testing.assert_array_equal(array, before[name])
    assert model.evaluate(STRANGER, dynamic=True) == scores


def test_a_model_without_its_training_text_learns_from_what_it_reads(model: LanguageModel) -> None:
    corpus = corpus_of(model, STRANGER)
    still = model._runner.token_scores(corpus, 1)
    assert token_scores(model, corpus, training=None)[:, 0].mean() > still[:, 0].mean() + 0.1


def test_a_step_follows_the_equation() -> None:
    rng = np.random.default_rng(0)
    shapes, hyper = [(3, 4), (5,)], Hyperparameters(20, 0.3, 0.6)
    trained, squares, first, second = (
        [rng.standard_normal(shape).astype(np.float32) for shape in shapes] for _ in range(4)
    )
    squares = [square**2 for square in squares]
    squares[1][0] = 0.0  # a weight that nothing depended on
    weights = [torch.nn.Parameter(torch.from_numpy(array.copy())) for array in trained]
    optimizer = Optimizer(weights, [torch.from_numpy(square) for square in squares], hyper)
    for gradients in (first, second):
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = torch.from_numpy(gradient)
        optimizer.step()

    mean = np.concatenate([np.sqrt(square).ravel() for square in squares]).mean()
    assert (0.6 * np.sqrt(squares[0]) > mean).any()  # a pull that would lead too far
    for weight, theta_g, MS, g1, g2 in zip(weights, trained, squares, first, second, strict=True):
        pull = np.minimum(1, 0.6 * np.sqrt(MS) / mean)
        theta = theta_g - 0.3 * g1 / (np.sqrt(MS) + EPSILON)
        theta = theta - 0.3 * g2 / (np.sqrt(MS) + EPSILON) + pull * (theta_g - theta)
        np.testing.assert_allclose(weight.detach().numpy(), theta, rtol=1e-4)
        assert weight.grad is None


def test_mean_squares_are_those_of_the_batches_gradients(model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two batches, [END] An and na, by torch's own gradients of the log-probabilities."""
    monkeypatch.setattr(dynamic, "BATCH", 2)
    corpus = corpus_of(model, "Anna")
    net = build(model)
    weights = list(net.parameters())
    found = mean_squares(net, weights, corpus, 2, unwatched)

    ids = torch.from_numpy(corpus.ids.astype(np.int64))
    state = net.zeros(net.encoder.spec.state_shapes(1))
    expected = [torch.zeros_like(weight) for weight in weights]
    for first in (0, 2):
        (y_BTH, _, weight_VH, bias_V), state = net(ids[None, first : first + 2], torch.tensor([2]), state)
        logits = y_BTH[0] @ weight_VH.T + bias_V
        loss = torch.nn.functional.cross_entropy(logits, ids[first + 1 : first + 3])
        for total, gradient in zip(expected, torch.autograd.grad(loss, weights), strict=True):
            total += gradient**2 / 2
        state = net.detach(state)
    for own, other in zip(found, expected, strict=True):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-9)


def test_gradients_are_collected_on_so_much_of_the_training_text(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dynamic, "MAX_TARGETS", 1_500)
    counts: dict[str, int] = {}

    def watch(items: Any, what: str) -> Any:
        counts[what] = len(items)
        return items

    token_scores(model, corpus_of(model, "Anna sees Otto.\n"), Hyperparameters(5, 1e-4, 0.0), watch=watch)
    assert counts == {"batches of the training text": 3, "windows": 4}


def test_words_and_documents_are_learned_from_too() -> None:
    options = SMALL | {"level": "word", "min_count": 1, "tied": True, "embedding_size": 24}
    model = LanguageModel(**options, steps=60).fit([TEXT[at : at + 90] for at in range(0, 1800, 90)])
    corpus = corpus_of(model, *["Otto sees Anna."] * 40, "")
    still = model._runner.token_scores(corpus, 1)
    assert token_scores(model, corpus)[:, 0].mean() > still[:, 0].mean()


def test_a_model_of_whole_numbers_does_not_learn(model: LanguageModel) -> None:
    rounded = LanguageModel.from_bundle(model.bundle_, "int8")
    with pytest.raises(OptionError, match="cannot be trained"):
        rounded.evaluate(STRANGER, dynamic=True)


def build(model: LanguageModel) -> Any:
    task = model.bundle_.task
    return dynamic.build(
        task.recipe, task.spec(), dynamic.Backend(dynamic.blocks, "float32"), model.bundle_.arrays
    ).eval()
