"""A language model that reads backward, and a classifier whose networks begin as one for each direction."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from test_pretrained import QUICK, read_by, task_of
from toy import Toy, make_toy

from anaphora import LanguageModel, TextClassifier, load
from anaphora.cli.inspect import described
from anaphora.data.corpus import Corpus
from anaphora.errors import DataError, OptionError
from anaphora.events import Sample, Stage, Start, Step
from anaphora.networks.network import build, draw, member
from anaphora.report.language import page
from anaphora.runtime import blocks
from anaphora.tasks import language as language_task
from anaphora.tasks import member_task
from anaphora.text.codec import END_ID
from anaphora.train import blocks as train_blocks
from anaphora.train.ensemble import SEEDS_APART

SMALL: dict[str, Any] = {"embedding_size": 5, "hidden_size": 6, "layers": 2, "batch_size": 3, "window": 8, "steps": 25}
TEXTS = ["to be or not", "the question, ça va", "naïve", ""]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The folders of two language models of the same texts, one for each direction. Nobody writes to them."""
    folder = tmp_path_factory.mktemp("pair")
    for backward in (False, True):
        read_by("word", backward=backward).save(folder / str(backward))
    return str(folder / "False"), str(folder / "True")


@pytest.fixture
def begun(pair: tuple[str, str]) -> dict[str, Any]:
    return {"pretrained": pair[0], "pretrained_backward": pair[1]}


# The language model


@pytest.mark.parametrize("documents", [1, 3], ids=["one text", "several"])
def test_it_is_the_language_model_of_texts_turned_round(documents: int) -> None:
    texts = [text * 20 for text in TEXTS[:documents]]
    model = LanguageModel(backward=True, validation=0, **SMALL).fit(texts)
    other = LanguageModel(validation=0, **SMALL).fit([text[::-1] for text in texts])
    for name, array in other.bundle_.arrays.items():
        assert np.array_equal(array, model.bundle_.arrays[name]), name
    turned = [text[::-1] for text in TEXTS]
    for own, theirs in zip(model.score(TEXTS), other.score(turned), strict=True):
        np.testing.assert_array_equal(own, theirs[::-1])
    np.testing.assert_array_equal(model.embed(TEXTS), other.embed(turned))
    assert model.evaluate(TEXTS) == other.evaluate(turned)
    assert model.evaluate(TEXTS, dynamic=True)["dynamic"] == other.evaluate(turned, dynamic=True)["dynamic"]


@pytest.mark.parametrize("level", ["char", "word", "bpe"])
def test_the_painted_passage_stands_as_in_the_text(level: str) -> None:
    text = "".join(f"{number} größer als {number - 1}.\n" for number in range(400))
    model = LanguageModel(level=level, backward=True, validation=0, min_count=1, tied=False, **SMALL).fit(text)
    reading = model.examine(text)
    shown = "".join(piece for piece, *_ in reading.passage)
    assert 800 < len(shown) < 1_000
    assert text.endswith(shown)
    (scores,) = model.score([text])
    assert [-own for _, own, _ in reading.passage] == pytest.approx(scores[-len(reading.passage) :].tolist(), abs=1e-4)
    html = page(reading, model.bundle_.training, "validation")
    assert "read from the end" in html
    assert "What it writes" not in html


def test_of_several_documents_each_is_painted_in_its_order_and_in_its_place() -> None:
    texts = ["The first one.\n", "And the second.\n", "An end.\n"]
    model = LanguageModel(backward=True, min_count=2, validation=0, **SMALL).fit(texts)
    pieces = [piece for piece, *_ in model.examine(texts).passage]
    assert "[UNK]" in pieces
    shown = "".join("." if piece == "[UNK]" else piece for piece in pieces)
    assert [len(line) for line in shown.splitlines(keepends=True)] == list(map(len, texts))
    assert shown.endswith("e.\nAnd the se.ond.\nAn end.\n")


@pytest.mark.parametrize("backward", [False, True])
def test_a_passage_of_unknown_tokens_is_no_longer_than_another(backward: bool) -> None:
    options: dict[str, Any] = {"level": "word", "vocab_size": 3, "tied": False, "min_count": 1, "validation": 0}
    text = "".join(f" word{number}" for number in range(2_000))
    passage = LanguageModel(backward=backward, **options, **SMALL).fit(text).examine(text).passage
    assert 900 < len("".join(piece for piece, *_ in passage)) < 920


def test_documents_end_where_they_end_and_not_where_the_tail_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three documents, the last of which goes on across the border: read backward it is the held-out part that does not
    come to an end, and the part to learn from that does.
    """
    seen: list[Corpus] = []
    write = language_task.corpus.write
    monkeypatch.setattr(language_task.corpus, "write", lambda *given: seen.append(write(*given)) or seen[-1])
    texts = ["first\n" * 100, "second\n" * 100, "third\n" * 400]
    for backward in (False, True):
        seen.clear()
        LanguageModel(backward=backward, **SMALL | {"steps": 1}).fit(texts)
        training, held = seen[:2]
        assert held.documents == 1
        assert (training.ids[-1] == END_ID, held.ids[-1] == END_ID) == (backward, not backward)
        assert training.count(END_ID) == 3 + 2 + backward  # one before each, and one after each that ends


def test_it_writes_nothing(tmp_path: Path) -> None:
    model = LanguageModel(backward=True, **SMALL)
    events = list(model.fit_events("to be or not to be, that is the question. " * 60))
    assert [event for event in events if isinstance(event, Sample)] == []
    for call in (model.generate, model.start):
        with pytest.raises(OptionError, match="reads backward, for pretrained_backward: it does not write"):
            call("to be")
    model.save(tmp_path / "model")
    assert "generate" not in (tmp_path / "model" / "README.md").read_text()
    for precision in ("float32", "int8"):
        (scores,) = load(tmp_path / "model", precision=precision).score(["to be"])
        np.testing.assert_allclose(scores, model.score(["to be"])[0], atol=0.0 if precision == "float32" else 0.2)


def test_a_stopped_training_of_it_goes_on(tmp_path: Path) -> None:
    options: dict[str, Any] = SMALL | {"backward": True}
    text = "to be or not to be, that is the question. " * 60
    unbroken, model = LanguageModel(**options).fit(text), LanguageModel(**options)
    events = model.fit_events(text, partial=tmp_path)
    next(event for event in events if isinstance(event, Step) and event.step == 7)
    events.close()
    list(model.fit_events(text, partial=tmp_path))
    for name, array in unbroken.bundle_.arrays.items():
        assert np.array_equal(array, model.bundle_.arrays[name]), name


# The classifier


def test_every_second_network_reads_backward_and_begins_as_the_one_that_does(begun: dict[str, Any], toy: Toy) -> None:
    task = task_of(begun["pretrained"], toy, pretrained_backward=begun["pretrained_backward"], ensemble=2)
    assert task.options.networks() == 4
    for place, folder in enumerate([*begun.values()] * 2):
        own = member_task(task, place)
        arrays = own.start(draw(own.spec(), place), task.encode(*toy))
        read = load(folder).bundle_.arrays
        assert own.options.backward == bool(place % 2)
        width = read["embedding.weight"].shape[1]
        assert np.array_equal(arrays["embedding.weight"][:, -width:], read["embedding.weight"])
        assert np.array_equal(arrays["encoder.weight_hh_l1"], read["encoder.weight_hh_l1"])


@pytest.mark.parametrize("kit", [blocks, train_blocks], ids=["runtime", "training"])
def test_what_it_makes_of_a_text_is_what_the_language_model_makes_of_it(
    kit: Any, pair: tuple[str, str], toy: Toy
) -> None:
    """The outputs of a network with `pool="mean"` are the mean of the language model's, but for that of [END]."""
    task = task_of(pair[1], toy, pool="mean", bayes_start=0)
    assert task.options.backward
    arrays = task.start(draw(task.spec(), 0), task.encode(*toy))
    net = build(task.recipe, task.spec(), kit, arrays)
    if kit is train_blocks:
        net.eval()
    reader = load(pair[1])
    for text in ("the film was good and sad", "good"):
        examples = task.encode([text])
        batch = examples.batch(np.arange(1)).inputs
        features = net(*batch if kit is blocks else map(train_blocks.torch.from_numpy, batch))[0]
        ids = np.array([[END_ID, *reader.bundle_.task.ids([text])[0][::-1]]])
        expected = reader._reader.net(ids, np.array([ids.shape[1]]))[0].mean(1)
        np.testing.assert_allclose(net.numpy(features), expected, atol=1e-6)


def test_both_answer_together_and_alone_as_they_are(begun: dict[str, Any], toy: Toy, tmp_path: Path) -> None:
    events = list((model := TextClassifier(**begun, **QUICK)).fit_events(*toy))
    assert [event.what for event in events if isinstance(event, Stage)][-2:] == ["network 1 of 2", "network 2 of 2"]
    task = model.bundle_.task
    examples = task.encode(toy.texts)
    answers = []
    for place in range(2):
        own = member_task(task, place)
        net = build(task.recipe, own.spec(), blocks, member(model.bundle_.arrays, place, 2))
        answers.append(own.decode(net, net(*examples.batch(np.arange(len(toy.texts))).inputs)[0]))
    assert not np.allclose(*answers)
    np.testing.assert_allclose(model.predict_proba(toy.texts), np.mean(answers, 0), atol=1e-6)
    assert {"pretrained_sha256", "pretrained_backward_sha256"} <= set(model.bundle_.training)
    model.save(tmp_path / "model")
    assert "networks: 2, which answer together" in (tmp_path / "model" / "README.md").read_text()
    again = load(tmp_path / "model")
    for copy in (again, pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(copy.predict_proba(toy.texts), model.predict_proba(toy.texts))
    in_int8 = load(tmp_path / "model", precision="int8").predict_proba(toy.texts)
    np.testing.assert_allclose(in_int8, model.predict_proba(toy.texts), atol=0.05)
    assert clone(model).get_params() == model.get_params()
    facts = described(again.bundle_)
    assert (facts["networks"], facts["parameters"]) == (2, sum(a.size for a in model.bundle_.arrays.values()))
    assert again.bundle_.task.options.pretrained_backward == begun["pretrained_backward"]


def test_the_two_networks_are_those_that_two_trainings_would_make(
    begun: dict[str, Any], pair: tuple[str, str], toy: Toy
) -> None:
    options = QUICK | {"bayes_start": 0}  # whose random directions are the task's, and so one for both
    both = TextClassifier(**begun, **options).fit(*toy).bundle_.arrays
    for place, folder in enumerate(pair):
        alone = TextClassifier(pretrained=folder, seed=SEEDS_APART * place, **options).fit(*toy)
        for name, array in alone.bundle_.arrays.items():
            assert np.array_equal(array, member(both, place, 2)[name]), name


def test_it_learns_the_toy_set(begun: dict[str, Any], toy: Toy) -> None:
    plain = {"dropout": 0.0, "locked_dropout": 0.0, "word_dropout": 0.0}
    assert TextClassifier(**begun, learning_rate=0.05, **plain).fit(*toy).score(*toy) > 0.9


@pytest.mark.parametrize(("network", "members"), [(1, 1), (2, 2)])
def test_stopped_within_a_network_it_answers_by_those_there_are_and_goes_on(
    network: int, members: int, begun: dict[str, Any], toy: Toy, tmp_path: Path
) -> None:
    model = TextClassifier(**begun, **QUICK)
    events = model.fit_events(*toy, partial=tmp_path)
    for _ in range(network):
        next(event for event in events if isinstance(event, Start))
    next(event for event in events if isinstance(event, Step) and event.step == 5)
    events.close()
    assert model.bundle_.members == members
    model.predict(toy.texts)
    unbroken, resumed = TextClassifier(**begun, **QUICK).fit(*toy), TextClassifier(**begun, **QUICK)
    list(resumed.fit_events(*toy, partial=tmp_path))
    for name, array in unbroken.bundle_.arrays.items():
        assert np.array_equal(array, resumed.bundle_.arrays[name]), name


@pytest.mark.parametrize(
    "more", [{"adversarial": 0.3}, {"minutes": 0.02}, {"ensemble": 2}], ids=["adv", "time", "four"]
)
def test_it_is_trained_with_whatever_else_there_is(more: dict[str, Any], begun: dict[str, Any], toy: Toy) -> None:
    options = {"batch_size": 8, "validation": 0.0, **({} if "minutes" in more else {"steps": 3}), **more}
    model = TextClassifier(**begun, **options).fit(*toy)
    assert model.bundle_.members == 2 * more.get("ensemble", 1)
    assert model.predict_proba(toy.texts).shape == (len(toy.texts), 2)


def test_it_is_not_taken_up_with_another_backward_reader(begun: dict[str, Any], toy: Toy, tmp_path: Path) -> None:
    folder = tmp_path / "backward"
    read_by("word", backward=True, seed=1, validation=0).save(folder)
    model = TextClassifier(**begun | {"pretrained_backward": str(folder)}, **QUICK)
    with pytest.raises(OptionError, match="different tokens"):
        model.check_options()
    read_by("word", backward=True).save(folder, force=True)
    (tmp_path / "partial").mkdir()
    options = begun | {"pretrained_backward": str(folder)} | QUICK
    events = TextClassifier(**options).fit_events(*toy, partial=tmp_path / "partial")
    next(event for event in events if isinstance(event, Step))
    events.close()
    read_by("word", backward=True, steps=21).save(folder, force=True)
    with pytest.raises(DataError, match="pretrained_backward_sha256"):
        list(TextClassifier(**options).fit_events(*toy, partial=tmp_path / "partial"))


def test_without_a_language_model_a_text_can_be_read_backward(toy: Toy) -> None:
    """A network of one direction that reads backward is the one that reads the words turned round."""
    options: dict[str, Any] = QUICK | {"bidirectional": False, "min_count": 1, "hidden_size": 8}
    model = TextClassifier(backward=True, **options).fit(*toy)
    turned = [" ".join(text.split()[::-1]) for text in toy.texts]
    other = TextClassifier(**options).fit(turned, toy.labels)
    np.testing.assert_allclose(model.predict_proba(toy.texts), other.predict_proba(turned), atol=1e-5)
    assert not np.allclose(model.predict_proba(toy.texts), model.predict_proba(turned))


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two that read backward: one smaller, and one of other texts. Nobody writes to them."""
    folder = tmp_path_factory.mktemp("odd")
    small = read_by("word", backward=True, hidden_size=7, embedding_size=7)
    small.save(folder / "small")
    other = LanguageModel(**read_by("word", backward=True).get_params())
    other.fit(make_toy().texts[:40]).save(folder / "words")
    return folder


@pytest.mark.parametrize(
    ("forward", "backward", "match"),
    [
        ("none", "True", "pretrained_backward='.*' wants a language model to begin as"),
        ("True", "True", "read backward and backward: the first is to read forward"),
        ("False", "False", "read forward and forward: .* the second was trained with backward=True"),
        ("True", "False", "read backward and forward: "),
        ("False", "small", "to agree, but have embedding_size=6 and embedding_size=7"),
        ("False", "words", "have learned different tokens"),
    ],
    ids=["alone", "twice backward", "twice forward", "exchanged", "sizes", "tokens"],
)
def test_what_does_not_go_together_is_refused(
    forward: str, backward: str, match: str, pair: tuple[str, str], odd: Path
) -> None:
    place = {
        "none": "none",
        "False": pair[0],
        "True": pair[1],
        "small": str(odd / "small"),
        "words": str(odd / "words"),
    }
    with pytest.raises(OptionError, match=match):
        TextClassifier(pretrained=place[forward], pretrained_backward=place[backward]).check_options()


def test_in_both_directions_nothing_is_read_backward(toy: Toy) -> None:
    with pytest.raises(OptionError, match="bidirectional=True from both: add bidirectional=False"):
        TextClassifier(backward=True).fit(*toy)
