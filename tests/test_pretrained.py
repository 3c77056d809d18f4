"""A classifier that begins as a language model: what it takes, how its layers learn, what it refuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_layers import HEAVY, modules_after
from toy import Toy, make_toy

from anaphora import LanguageModel, TextClassifier, load
from anaphora.errors import BundleError, DataError, OptionError
from anaphora.events import Step
from anaphora.net.build import Backend, build, draw, layers, member
from anaphora.tasks.classify.naive_bayes import log_count_ratios
from anaphora.tasks.classify.network import spec
from anaphora.tasks.classify.task import (
    DEFAULTS_PRETRAINED,
    DEFAULTS_PRETRAINED_FEW,
    DEFAULTS_PRETRAINED_MANY,
    FEW_ROWS,
    Classify,
    ClassifyConfig,
)
from anaphora.text.codec import END_ID
from anaphora.text.tokenize import UNKNOWN_ID
from anaphora.train import blocks
from anaphora.train.optim import make_optimizer, set_learning_rate

LEVELS = ("word", "char", "bpe")
QUICK: dict[str, Any] = {"batch_size": 2, "steps": 30, "validation": 0.0, "learning_rate": 0.05}
FROM_THE_TOP = (
    {"head.weight", "head.bias"},
    {f"encoder.{name}_l1" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
    {f"encoder.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
    {"embedding.weight"},
)


def read_by(level: str, **options: Any) -> LanguageModel:
    sizes = {"embedding_size": 6, "hidden_size": 8, "layers": 2, "batch_size": 4, "window": 16}
    options = {"vocab_size": 300, "min_count": 1, "steps": 20} | options
    return LanguageModel(level=level, **sizes, **options).fit(make_toy().texts)


@pytest.fixture(scope="session")
def readers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of language models, one for each level. Nobody writes to them."""
    folders = {level: tmp_path_factory.mktemp("readers") / level for level in LEVELS}
    for level, folder in folders.items():
        read_by(level).save(folder)
    return folders


@pytest.fixture
def reader(readers: dict[str, Path]) -> str:
    return str(readers["word"])


def task_of(reader: str, toy: Toy, **options: Any) -> Classify:
    """The task of a classifier that begins as a language model, as `fit` makes it."""
    asked, begun = TextClassifier(pretrained=reader, **options)._asked()
    return Classify.learn(asked.resolved(len(toy.texts)), *toy, **begun)


def net_of(task: Classify) -> Any:
    examples = task.encode(["the film", "good"], list(task.labels))
    net = build(task.recipe, task.spec(), Backend(blocks), task.start(draw(task.spec(), 0), examples))
    return net, examples


def stopped_after(step: int, toy: Toy, **options: Any) -> dict[str, Any]:
    """The arrays after so many steps."""
    model = TextClassifier(**options)
    events = model.fit_events(*toy)
    for event in events:
        if isinstance(event, Step) and event.step == step:
            events.close()
    return dict(model.bundle_.arrays)


# What it takes


@pytest.mark.parametrize("bayes", [0, 3])
def test_the_network_begins_as_the_language_model(bayes: int, reader: str, toy: Toy) -> None:
    begun = net_of(task_of(reader, toy, bayes_start=bayes))[0].arrays()
    read = load(reader).bundle_.arrays
    assert set(begun) == set().union(*FROM_THE_TOP)
    for name in set(begun) - FROM_THE_TOP[0]:
        more = bayes if name in ("embedding.weight", "encoder.weight_ih_l0") else 0
        assert np.array_equal(begun[name][..., more:], read[name]), name


def test_its_vectors_begin_with_what_counting_says_of_the_labels(reader: str, toy: Toy) -> None:
    task = task_of(reader, toy, bayes_start=1)
    training = task.encode(*toy)
    begun_V = task.start(draw(task.spec(), 0), training)["embedding.weight"][:, 0]
    ratios_V = log_count_ratios(training.rows, training.targets, len(begun_V), 2)[:, 0]
    ratios_V[UNKNOWN_ID] = 0
    assert np.ptp(ratios_V) > 0
    assert abs(np.corrcoef(begun_V, ratios_V)[0, 1]) == pytest.approx(1)


@pytest.mark.parametrize("level", LEVELS)
def test_it_reads_the_tokens_of_the_language_model_after_the_mark_of_a_beginning(
    level: str, readers: dict[str, Path], toy: Toy
) -> None:
    texts = ["the Film was\n good , unseen [END]", "", "good"]
    found = task_of(str(readers[level]), toy).encode(texts).rows
    theirs = load(readers[level]).bundle_.task.ids(texts)
    assert [row.tolist() for row in found] == [[END_ID, *ids] for ids in theirs]


@pytest.mark.parametrize(
    ("keep", "expected"), [("head", [0, 1, 2]), ("tail", [3, 4, 5]), ("both", [0, 1, 5])], ids=["head", "tail", "both"]
)
def test_of_a_long_text_as_many_tokens_are_read_as_the_limit_says(
    keep: str, expected: list[int], reader: str, toy: Toy
) -> None:
    task = task_of(reader, toy, max_length=3, keep=keep)
    (ids,) = load(reader).bundle_.task.ids(["the film was good and the"])
    (row,) = task.encode(["the film was good and the"]).rows
    assert row.tolist() == [END_ID, *ids[expected]]


def test_cleaning_and_sizes_are_those_of_the_language_model(toy: Toy, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("the was")
    theirs = {"cell": "gru", "lowercase": True, "strip_digits": True, "stopwords": str(words), "layers": 1}
    sizes = {"embedding_size": 5, "hidden_size": 7, "batch_size": 4, "window": 16, "min_count": 1}
    LanguageModel(level="word", steps=2, **theirs, **sizes).fit(toy.texts).save(tmp_path / "reader")
    words.unlink()  # the language model knows its words itself
    task = task_of(str(tmp_path / "reader"), toy)
    own = task.options.to_dict()
    assert {name: own[name] for name in theirs} == theirs
    assert [own["embedding_size"] - own["bayes_start"], own["hidden_size"], own["bidirectional"]] == [5, 7, False]
    cleaned, plain = task.encode(["The FILM 1 was good", "film good"]).rows
    assert cleaned.tolist() == plain.tolist()


@pytest.mark.parametrize(("rows", "suits"), [(80, DEFAULTS_PRETRAINED_FEW), (FEW_ROWS, DEFAULTS_PRETRAINED_MANY)])
def test_options_left_out_are_what_suits_it(rows: int, suits: dict[str, Any], reader: str) -> None:
    def resolved(**options: Any) -> dict[str, Any]:
        return ClassifyConfig(pretrained=reader, **options).resolved(rows).to_dict()

    suited = {name: value for name, value in (DEFAULTS_PRETRAINED | suits).items() if name != "epochs"}
    assert suited.items() <= resolved().items()
    chosen = {"pool": "mean+max", "learning_rate": 0.003, "dropout": 0.1, "max_length": 7}
    assert chosen.items() <= resolved(**chosen).items()


def test_the_language_models_own_values_may_be_repeated(reader: str, toy: Toy) -> None:
    same = {"level": "word", "layers": 2, "hidden_size": 8, "lowercase": False, "bidirectional": False, "min_count": 1}
    assert task_of(reader, toy, **same).options == task_of(reader, toy).options


# How its layers learn


def test_layers_are_counted_from_the_labels_down() -> None:
    options = {"layers": 2, "hidden_size": 3, "embedding_size": 2, "pool": "attention", "dense": (4,), "dropout": 0.1}
    config = ClassifyConfig(**options).resolved(80)
    head, high, low, tokens = layers(spec(config, vocabulary=5, unknown=0, classes=2))
    assert {name.partition(".")[0] for name in head} == {"pool", "hidden", "head"}
    assert len(high) == len(low) == 8  # both directions
    assert {name.removesuffix("_reverse")[-3:] for name in high} == {"_l1"}
    assert {name.removesuffix("_reverse")[-3:] for name in low} == {"_l0"}
    assert tokens == ["embedding.weight"]


def test_without_unfreezing_all_layers_learn_from_the_first_step(reader: str, toy: Toy) -> None:
    after = stopped_after(1, toy, pretrained=reader, **QUICK)
    begun = net_of(task_of(reader, toy))[0].arrays()
    assert [name for name in after if np.array_equal(begun[name], after[name])] == []


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_each_layer_learns_slower_than_the_one_above_it(optimizer: str, reader: str, toy: Toy) -> None:
    task = task_of(reader, toy, layer_rate=2.0, optimizer=optimizer)
    net, _ = net_of(task)
    optimizer_ = make_optimizer(net, task.options)
    set_learning_rate(optimizer_, 0.8)
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    rates = {names[id(own)]: group["lr"] for group in optimizer_.param_groups for own in group["params"]}
    expected = (0.8, 0.4, 0.2, 0.1)
    assert rates == {name: rate for layer, rate in zip(FROM_THE_TOP, expected, strict=True) for name in layer}


def test_with_a_layer_rate_of_one_all_learn_alike(reader: str, toy: Toy) -> None:
    task = task_of(reader, toy, layer_rate=1)
    optimizer = make_optimizer(net_of(task)[0], task.options)
    set_learning_rate(optimizer, 0.8)
    assert {group["lr"] for group in optimizer.param_groups} == {0.8}


def test_a_training_is_not_taken_up_with_another_language_model(reader: str, toy: Toy, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(reader, folder)
    (tmp_path / "partial").mkdir()
    options = QUICK | {"pretrained": str(folder)}
    events = TextClassifier(**options).fit_events(*toy, partial=tmp_path / "partial")
    next(event for event in events if isinstance(event, Step))
    events.close()
    read_by("word", seed=1).save(folder, force=True)
    with pytest.raises(DataError, match="pretrained_sha256"):
        list(TextClassifier(**options).fit_events(*toy, partial=tmp_path / "partial"))


def test_every_network_of_an_ensemble_begins_as_the_language_model(reader: str, toy: Toy) -> None:
    arrays = (
        TextClassifier(pretrained=reader, **QUICK | {"steps": 1, "ensemble": 2, "bayes_start": 0})
        .fit(*toy)
        .bundle_.arrays
    )
    one, two = (member(arrays, place, 2) for place in range(2))
    assert {name for name in one if not np.array_equal(one[name], two[name])} == FROM_THE_TOP[0]


def test_it_is_fitted_into_a_time(reader: str, toy: Toy) -> None:
    model = TextClassifier(pretrained=reader, batch_size=8, minutes=0.02).fit(*toy)
    begun = net_of(task_of(reader, toy))[0].arrays()
    assert model.bundle_.training["steps"] >= 1  # a slow machine makes few, and thaws little
    assert not np.array_equal(begun["head.bias"], model.bundle_.arrays["head.bias"])


# The saved model


@pytest.mark.parametrize("level", LEVELS)
def test_a_saved_classifier_is_whole_without_the_language_model(
    level: str, readers: dict[str, Path], toy: Toy, tmp_path: Path
) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(readers[level], folder)
    model = TextClassifier(pretrained=str(folder), **QUICK).fit(*toy)
    model.save(tmp_path / "model")
    shutil.rmtree(folder)
    again = load(tmp_path / "model")
    texts = [*toy.texts, "", "unseen [END] words", "\n\n"]
    assert np.array_equal(again.predict_proba(texts), model.predict_proba(texts))
    assert again.get_params() == model.bundle_.task.options.to_dict()
    program = "import sys, anaphora; anaphora.load(sys.argv[1]).predict(['x'])"
    assert not modules_after(program, tmp_path / "model") & HEAVY


def test_it_learns_the_toy_set(reader: str, toy: Toy) -> None:
    plain = {"dropout": 0.0, "locked_dropout": 0.0, "word_dropout": 0.0}
    model = TextClassifier(pretrained=reader, learning_rate=0.05, **plain).fit(*toy)
    assert model.score(*toy) > 0.9


def test_words_that_no_label_was_given_for_are_known_by_their_company(tmp_path: Path) -> None:
    """The rows with labels have 4 of the 20 words of each topic, those to be judged the other 16."""
    rng = np.random.default_rng(0)
    topics = ("sea", "sky")

    def texts(rows: int, words: range) -> list[str]:
        return [" ".join(f"{topics[row % 2]}{word}" for word in rng.choice(words, 8)) for row in range(rows)]

    sizes = {"hidden_size": 16, "embedding_size": 16, "layers": 1, "min_count": 1, "batch_size": 8, "window": 20}
    plain = {"dropout": 0.0, "layer_dropout": 0.0, "locked_dropout": 0.0, "learning_rate": 0.02}
    LanguageModel(level="word", steps=250, **sizes, **plain).fit(texts(400, range(20))).save(tmp_path / "reader")
    few, others = texts(16, range(4)), texts(100, range(4, 20))
    options: dict[str, Any] = {"batch_size": 4, "steps": 100, "min_count": 1}
    begun = TextClassifier(pretrained=str(tmp_path / "reader"), **options).fit(few, topics * 8)
    alone = TextClassifier(hidden_size=16, embedding_size=16, **options).fit(few, topics * 8)
    assert alone.score(others, topics * 50) < 0.7
    assert begun.score(others, topics * 50) > 0.9


# What it refuses


@pytest.mark.parametrize(
    ("wrong", "theirs"),
    [
        ({"cell": "gru"}, "cell='lstm'"),
        ({"layers": 3}, "layers=2"),
        ({"hidden_size": 9}, "hidden_size=8"),
        ({"embedding_size": 9}, "embedding_size=6"),
        ({"level": "bpe"}, "level='word'"),
        ({"vocab_size": 299}, "vocab_size=300"),
        ({"stem": True}, "stem=False"),
        ({"stopwords": "english"}, "stopwords='none'"),
        ({"encode": "hash"}, "encode='vocabulary'"),
        ({"vectors": "glove.txt"}, "vectors='none'"),
        ({"freeze_vectors": True}, "freeze_vectors=False"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_other_values_than_the_language_models_are_refused(wrong: dict[str, Any], theirs: str, reader: str) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(OptionError, match=rf"{name}={value!r}, but .* has {theirs}: leave out {name}, or pretrained"):
        TextClassifier(pretrained=reader, **wrong).check_options()


@pytest.mark.parametrize("wrong", [{"layer_rate": 2.0}], ids=["layer_rate"])
def test_without_a_language_model_there_is_nothing_to_unfreeze(wrong: dict[str, Any], toy: Toy) -> None:
    with pytest.raises(OptionError, match=r"=(True|2\.0) wants a language model to begin as"):
        TextClassifier(**wrong).fit(*toy)


def test_folders_that_hold_no_language_model_are_refused(reader: str, saved: Path, tmp_path: Path) -> None:
    def refused(folder: Path, error: type[Exception], match: str) -> None:
        with pytest.raises(error, match=match):
            TextClassifier(pretrained=str(folder)).check_options()

    refused(saved, OptionError, "model is a model for the task 'classify': pretrained is for those of")
    refused(tmp_path / "nowhere", BundleError, "nowhere is not a model folder: there is no such folder")
    refused(tmp_path, BundleError, "is not a whole model")
    damaged = tmp_path / "damaged"
    shutil.copytree(reader, damaged)
    config = json.loads((damaged / "config.json").read_text())
    (damaged / "config.json").write_text(json.dumps(config | {"options": config["options"] | {"layers": 1}}))
    refused(damaged, BundleError, "damaged")


def test_a_saved_classifier_whose_tokenizer_is_another_one_is_damaged(reader: str, saved: Path, toy: Toy) -> None:
    task = task_of(reader, toy)
    tokenizer = load(saved).bundle_.task.files()["tokenizer.json"].decode()
    with pytest.raises(ValueError, match=r"the tokenizer has no \[END\]"):
        Classify.restore(task.options.to_dict(), task.learned(), tokenizer)
