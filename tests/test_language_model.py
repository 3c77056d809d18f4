"""A language model from text to text: fitting, reading, writing."""

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anaphora import LanguageModel, load
from anaphora.errors import DataError, OptionError
from anaphora.events import Epoch, Step
from anaphora.tasks.language import ngram
from anaphora.tasks.language.documents import Texts
from anaphora.tasks.language.estimator import TOKEN_IDS, as_documents
from anaphora.tasks.language.generate import Generation, ReferenceEngine
from anaphora.tasks.language.scorer import Scorer
from anaphora.text.codec import END_ID

HELLO = "hello world\n" * 40
SMALL: dict[str, Any] = {
    "hidden_size": 24,
    "embedding_size": 12,
    "layers": 1,
    "batch_size": 4,
    "window": 16,
    "learning_rate": 0.02,
    "dropout": 0.0,
    "layer_dropout": 0.0,
    "locked_dropout": 0.0,
    "precision": "float32",
}
DOCUMENTS = [
    f"the {colour} {animal} sat." for colour in ("red", "blue", "old") for animal in ("cat", "dog", "hen")
] * 12


@pytest.fixture(scope="module")
def hello() -> LanguageModel:
    return LanguageModel(**SMALL, steps=120).fit(HELLO)


@pytest.fixture(scope="module")
def animals() -> LanguageModel:
    return LanguageModel(**SMALL | {"level": "word", "min_count": 1}, steps=150).fit(DOCUMENTS)


def test_it_learns_hello_world_and_writes_it_back_from_h(hello: LanguageModel) -> None:
    assert hello.generate("h", 23, temperature=0) == "ello world\nhello world\n"
    assert hello.perplexity(HELLO) < 1.2


def test_it_learns_where_documents_end(animals: LanguageModel) -> None:
    assert animals.bundle_.task.closed
    text = animals.generate("", 50, temperature=0.5)
    assert text.endswith(" sat.")
    assert text in DOCUMENTS


def test_scores_are_log_probabilities_of_each_token(hello: LanguageModel) -> None:
    texts = ["hello world\n", "hxllo", ""]
    scores = hello.log_probabilities(texts)
    assert hello.log_probabilities([]) == []
    assert [len(row) for row in scores] == [12, 5, 0]
    assert all((row <= 0).all() for row in scores)
    assert scores[1][1] < scores[0][1] - 2  # x after h
    whole = hello.evaluate(texts[0], streams=1)
    assert math.isclose(whole["loss"], -scores[0].mean(), rel_tol=1e-5)
    assert math.isclose(whole["perplexity"], math.exp(-scores[0].mean()), rel_tol=1e-5)
    assert math.isclose(whole["bits_per_character"], -scores[0].mean() / math.log(2), rel_tol=1e-5)


def test_a_texts_score_does_not_depend_on_the_texts_beside_it(hello: LanguageModel) -> None:
    texts = ["hello", "", "world hello\n" * 200, "o"]
    for text, row in zip(texts, hello.log_probabilities(texts), strict=True):
        np.testing.assert_allclose(row, hello.log_probabilities([text])[0], atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "gru_textbook"])
def test_the_state_is_carried_over_windows_of_any_length(cell: str) -> None:
    model = LanguageModel(**SMALL | {"layers": 2, "cell": cell}, steps=3).fit(HELLO)
    scorer: Scorer = model._runner
    corpus = scorer.task.encode(Texts([HELLO[:200], "", "world", HELLO[:77]]))
    whole = scorer.token_scores(corpus, 1, 10_000)
    for window in (1, 7, 100):
        np.testing.assert_allclose(scorer.token_scores(corpus, 1, window), whole, atol=1e-5)
    by_document = [
        scorer.token_scores(scorer.task.encode(Texts([t]), closed=False), 1) for t in (HELLO[:200], "", "world")
    ]
    np.testing.assert_allclose(np.concatenate(by_document), whole[: sum(map(len, by_document))], atol=1e-5)


def test_streams_differ_only_after_their_beginnings(hello: LanguageModel) -> None:
    scorer: Scorer = hello._runner
    corpus = scorer.task.encode(Texts([HELLO]))
    one, two = scorer.token_scores(corpus, 1), scorer.token_scores(corpus, 2)
    half = corpus.targets // 2
    np.testing.assert_allclose(one[:half], two[:half], atol=1e-5)
    assert abs(one[half, 0] - two[half, 0]) > 1e-3  # the second stream begins without a state
    np.testing.assert_allclose(one[-5:], two[-5:], atol=0.1)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "gru_textbook"])
@pytest.mark.parametrize("level", ["char", "word"])
def test_writing_is_the_same_in_one_call_in_chunks_step_by_step_and_by_the_plain_loop(cell: str, level: str) -> None:
    options = SMALL | {"layers": 2, "cell": cell, "level": level, "min_count": 1}
    model = LanguageModel(**options, steps=5).fit(DOCUMENTS)
    scorer: Scorer = model._runner
    how = {"temperature": 1.3, "top_k": 9, "top_p": 0.95, "repetition_penalty": 1.1, "seed": 5}

    def written(*lengths: int, plain: bool = False) -> list[str]:
        state = model.start("the", samples=3)
        if plain:
            engine = ReferenceEngine(scorer.net, 3, scorer.task.codec.size)
            state = Generation(scorer, engine, 3)
            state.read("the")
        parts = [state.write(length, **how) for length in lengths]
        return ["".join(row) for row in zip(*parts, strict=True)]

    whole = written(40)
    assert len({*whole}) == 3
    assert whole == written(13, 20, 7) == written(*[1] * 40) == written(40, plain=True)
    assert whole[0] == model.generate("the", 40, **how) == "".join(model.stream("the", 40, **how))


def test_characters_of_several_byte_pairs_survive_the_end_of_a_call() -> None:
    model = LanguageModel(**SMALL | {"level": "bpe", "vocab_size": 300}, steps=3).fit("naïve 日本語 😀\n" * 50)
    how = {"temperature": 1.5, "seed": 3}
    state, other = model.start(), model.start()
    (whole,) = state.write(60, **how)
    assert "".join(other.write(1, **how)[0] for _ in range(60)) == whole
    forked = other.copy()
    assert forked.write(20, **how) == state.write(20, **how) == other.write(20, **how)


def test_a_document_that_ended_can_be_gone_on_with(animals: LanguageModel) -> None:
    state = animals.start()
    (first,) = state.write(50, temperature=0.5)
    assert state.write(5) == [""]
    state.read("the old")
    assert any(state.copy().write(10, temperature=50, seed=seed)[0] for seed in range(9))
    assert first.endswith(" sat.")


def test_a_state_can_be_kept_and_forked(hello: LanguageModel) -> None:
    state = hello.start("hell")
    kept = state.copy()
    (first,) = state.write(30, temperature=1, seed=1)
    other = kept.copy()
    assert kept.write(30, temperature=1, seed=1) == [first]
    other.read("o w")
    assert other.write(3, temperature=0) == ["orl"]
    assert hello.start("hello w").write(3, temperature=0) == ["orl"]


@pytest.mark.parametrize("cell", ["lstm", "gru_textbook"])
def test_a_fork_of_several_samples_goes_on_in_each(cell: str) -> None:
    model = LanguageModel(**SMALL | {"cell": cell}, steps=5).fit(HELLO)
    state = model.start("h", samples=2)
    state.write(5, repetition_penalty=1.5, seed=3)
    other = state.copy()
    assert other.write(20, repetition_penalty=1.5, seed=3) == state.write(20, repetition_penalty=1.5, seed=3)


def test_writing_ends_before_the_stop_text_and_the_state_stands_after_it(hello: LanguageModel) -> None:
    state = hello.start("h")
    assert state.write(50, stop="wor", temperature=0) == ["ello "]
    assert state.write(3, temperature=0) == ["ld\n"]
    assert hello.generate("h", 11, stop="never", temperature=0) == "ello world\n"
    assert hello.generate("h", 3, stop="lox", temperature=0) == "ell"  # what waited for the rest of the stop text


@pytest.mark.parametrize("cell", ["lstm", "gru_textbook"])
def test_each_of_several_samples_stands_behind_its_own_stop_text(cell: str) -> None:
    model = LanguageModel(**SMALL | {"cell": cell, "layers": 2}, steps=20).fit(HELLO)
    state = model.start("h", samples=4)
    texts = state.write(60, stop="o", temperature=2, seed=1)
    assert len({*map(len, texts)}) > 1
    ends = state.write(5, temperature=0)
    for text, end in zip(texts, ends, strict=True):
        if len(text) < 60:
            alone = model.start("h" + text + "o")
            assert alone.write(5, temperature=0) == [end]
    assert sum(len(text) < 60 for text in texts) > 2


def test_documents_of_several_samples_end_each_by_itself(animals: LanguageModel) -> None:
    together = animals.start(samples=5)
    texts = together.write(60, temperature=1.2, seed=4)
    assert all(text.endswith(".") for text in texts)
    assert len({*map(len, texts)}) > 1
    assert together.write(5) == [""] * 5
    together.read("the old")
    alone = animals.start()
    alone.read(texts[3])
    alone._engine.read(np.array([END_ID]))
    alone.read("the old")
    assert together.write(6, temperature=0)[3] == alone.write(6, temperature=0)[0]


@pytest.mark.parametrize("cell", ["lstm", "gru_textbook"])
def test_a_state_of_writing_survives_in_a_file(cell: str, tmp_path: Path) -> None:
    options = SMALL | {"level": "bpe", "vocab_size": 300, "cell": cell, "layers": 2}
    model = LanguageModel(**options, steps=3).fit(["naïve 日本語 😀", "日本"] * 50)
    how = {"temperature": 1.5, "seed": 3, "repetition_penalty": 1.2}
    for length in (1, 2, 3, 40):  # the middle of a character among them
        state = model.start("na", samples=3)
        state.write(length, **how)
        state.save(tmp_path / "state")
        assert model.resume(tmp_path / "state").write(30, **how) == state.write(30, **how)


def test_a_state_of_another_model_is_refused(hello: LanguageModel, animals: LanguageModel, tmp_path: Path) -> None:
    hello.start("h").save(tmp_path / "state")
    with pytest.raises(DataError, match="state of another model"):
        animals.resume(tmp_path / "state")
    (tmp_path / "state").write_bytes(b"nothing")
    with pytest.raises(DataError, match="is not a saved generation state"):
        hello.resume(tmp_path / "state")


def test_unknown_tokens_and_ends_that_were_not_learned_are_never_written(hello: LanguageModel) -> None:
    assert hello.unknown("hxy") == ["x", "y"]
    text = hello.generate("zzz", 500, temperature=50.0)
    assert len(text) == 500
    assert {*text} <= {*HELLO}


def test_a_loaded_model_is_the_same_and_needs_no_training_libraries(hello: LanguageModel, tmp_path: Path) -> None:
    hello.save(tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "model.generate(" in card
    assert "`baseline/` holds the tokens of the training text" in card
    again = load(tmp_path / "model")
    assert isinstance(again, LanguageModel)
    assert again.evaluate("hello") == hello.evaluate("hello")
    assert again.generate("h", 40, seed=7) == hello.generate("h", 40, seed=7)
    np.testing.assert_array_equal(again.embed(["hello", ""]), hello.embed(["hello", ""]))
    assert pickle.loads(pickle.dumps(hello)).generate("h", 40, seed=7) == hello.generate("h", 40, seed=7)


def test_embeddings_are_the_mean_of_the_outputs(hello: LanguageModel) -> None:
    found = hello.embed(["hello", "", "he"])
    assert found.shape == (3, SMALL["hidden_size"])
    assert not found[1].any()
    ids = hello._runner.task.encode(Texts(["he"])).ids.astype(np.int64)[None]  # [END] h e
    (features, *_), _ = hello._runner.net(ids, np.array([3]))
    np.testing.assert_allclose(found[2], features[0, 1:].mean(0), atol=1e-6)
    one, other = hello.embed(["h", "e"])
    assert np.abs(one - other).max() > 1e-3


def test_the_n_gram_model_stands_beside_it(hello: LanguageModel) -> None:
    scores = hello.evaluate(HELLO)
    ngram, unigram = (scores["baselines"][name] for name in ("ngram", "unigram"))
    assert ngram["perplexity"] < unigram["perplexity"]
    assert ngram["next_token_accuracy"] > unigram["next_token_accuracy"] > 0
    assert "n-gram model" in scores["verdict"]


def test_scores_say_what_makes_them_too_kind(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = [f"w{n}" for n in range(40)]
    text, new = (" ".join(rng.choice(words, 400)) for _ in range(2))
    model = LanguageModel(**SMALL | {"level": "word", "min_count": 1}, steps=3).fit(text, new)
    own, other = model.evaluate(text), model.evaluate(new + " never met" * 40)
    assert (own["passages_seen"], own["unknown_tokens"]) == (1, 0)
    assert "100% of the sampled passages are in the training text" in own["verdict"]
    assert other["passages_seen"] < 0.1
    assert 0.05 < other["unknown_tokens"] < 0.2
    assert "of the tokens are unknown to both models" in other["verdict"]
    assert "passages" not in other["verdict"]


def test_scores_say_that_cleaning_makes_bits_too_few() -> None:
    tagged = "<b>to be</b> or <i>not</i> to be\n" * 60
    plain, cleaned = (LanguageModel(**SMALL, steps=3, strip_html=strip).fit(tagged, tagged) for strip in (False, True))
    assert (plain.evaluate(tagged)["cleaned"], cleaned.evaluate(tagged)["cleaned"]) == (False, True)
    assert "cleaned" not in plain.evaluate(tagged)["verdict"]
    assert "The text is cleaned; the bits per character still count" in cleaned.evaluate(tagged)["verdict"]


@pytest.mark.parametrize(("lengths", "ends"), [((300, 700), 1), ((1_000, 5), 0), ((1_000,), 0)])
def test_a_document_whose_tail_is_held_out_is_not_taught_to_end_where_it_is_cut(
    lengths: tuple[int, ...], ends: int
) -> None:
    model = LanguageModel(**SMALL, steps=1).fit(["abc\n" * length for length in lengths])
    training = ngram.training_text(model.bundle_.baseline, model.bundle_.task.codec.size)
    assert training is not None
    assert training.count(END_ID) == training.documents + ends
    assert model.bundle_.task.closed == (len(lengths) > 1)


def test_streams_are_one_or_more(hello: LanguageModel) -> None:
    for streams in (0, -1):
        with pytest.raises(OptionError, match=f"streams={streams} is out of range"):
            hello.evaluate(HELLO, streams=streams)
    assert hello.evaluate("hello", streams=10**9)["loss"] == hello.evaluate("hello", streams=5)["loss"]


@pytest.mark.parametrize("count", ["20", 2.5, True, 0, None])
def test_what_is_no_count_of_tokens_or_samples_is_refused(hello: LanguageModel, count: Any) -> None:
    with pytest.raises(OptionError, match=r"length=.*: a whole number, 1 or more, is needed"):
        hello.generate("h", count)
    with pytest.raises(OptionError, match=r"samples=.*: a whole number, 1 or more, is needed"):
        hello.start("h", count)


def test_a_state_that_is_not_there_is_told(hello: LanguageModel, tmp_path: Path) -> None:
    for place in (tmp_path / "absent", tmp_path):
        with pytest.raises(DataError, match="is not a saved generation state"):
            hello.resume(place)


def test_token_ids_of_what_was_killed_are_not_left(tmp_path: Path) -> None:
    left = tmp_path / TOKEN_IDS / "training.ids"
    left.parent.mkdir()
    left.write_bytes(b"left")
    for _ in LanguageModel(**SMALL, steps=2).fit_events(HELLO, partial=tmp_path):
        pass
    assert not left.parent.exists()


@pytest.mark.parametrize("more", [{"tied": False}, {"tied": True, "sampled_softmax": 5}], ids=["not tied", "sampled"])
def test_a_stopped_training_of_some_rows_goes_on_to_the_same_weights(more: dict[str, Any], tmp_path: Path) -> None:
    options: dict[str, Any] = SMALL | {"steps": 12, "embedding_size": SMALL["hidden_size"]} | more
    unbroken, model = LanguageModel(**options).fit(HELLO), LanguageModel(**options)
    events = model.fit_events(HELLO, partial=tmp_path)
    next(event for event in events if isinstance(event, Step) and event.step == 5)
    events.close()
    list(model.fit_events(HELLO, partial=tmp_path))
    for name, array in unbroken.bundle_.arrays.items():
        assert np.array_equal(array, model.bundle_.arrays[name]), name


def test_the_vocabulary_comes_from_the_training_text_alone() -> None:
    model = LanguageModel(**SMALL, steps=2).fit("ab\n" * 2000, "abQ\n" * 50)
    assert b"Q" not in model.bundle_.task.codec.pieces
    tail = LanguageModel(**SMALL, steps=2, validation=0.1).fit("ab\n" * 2000 + "Q\n" * 100)
    assert b"Q" not in tail.bundle_.task.codec.pieces


def test_the_text_is_read_in_order_and_the_epochs_are_told() -> None:
    events = list(LanguageModel(**SMALL, epochs=3).fit_events(HELLO * 10))
    assert sum(isinstance(event, Epoch) for event in events) == 3
    steps = [event for event in events if isinstance(event, Step)]
    assert steps[-1].loss < steps[0].loss


@pytest.mark.parametrize("text", ["", [], ["", ""]])
def test_an_empty_text_is_refused(text: Any) -> None:
    with pytest.raises(DataError, match="the training text is empty"):
        LanguageModel(**SMALL).fit(text)


def test_a_text_of_which_no_word_is_known_is_refused() -> None:
    with pytest.raises(DataError, match=r"no word of the text occurs 2 times.*--min-count 1"):
        LanguageModel(**SMALL, level="word").fit("the quick brown fox")


@pytest.mark.parametrize("texts", [np.array(["ab cd", "ef"]), ("ab cd", "ef"), iter(["ab cd", "ef"])])
def test_any_collection_of_texts_is_one_of_documents(texts: Any) -> None:
    assert ["".join(document) for document in as_documents(texts)] == ["ab cd", "ef"]


def test_tied_vectors_are_as_wide_as_the_state() -> None:
    model = LanguageModel(level="char", tied=True, hidden_size=16, layers=1, steps=1).fit(HELLO)
    assert model.bundle_.task.options.embedding_size == 16
    assert "head.weight" not in model.bundle_.arrays


def test_odd_wishes_are_refused(hello: LanguageModel) -> None:
    for wrong in ({"temperature": -1}, {"top_p": 1.5}, {"top_k": -1}, {"heat": 1}):
        with pytest.raises(OptionError):
            hello.generate("h", 5, **wrong)
    with pytest.raises(OptionError, match="length=0"):
        hello.generate("h", 0)
    with pytest.raises(OptionError, match="samples=0"):
        hello.start("h", 0)
    with pytest.raises(OptionError, match="stop=''"):
        hello.generate("h", 5, stop="")
    with pytest.raises(DataError, match="a list of texts"):
        hello.log_probabilities("hello")
    with pytest.raises(DataError, match="text 1 is 3"):
        hello.log_probabilities(["a", 3])  # type: ignore[list-item]
    with pytest.raises(DataError, match="the text to score is empty"):
        hello.evaluate("")
    with pytest.raises(OptionError, match="tied=True reads and scores"):
        LanguageModel(**SMALL | {"tied": True}).fit(HELLO)


def test_a_text_shorter_than_a_window_is_learned() -> None:
    model = LanguageModel(**SMALL | {"window": 1000}, steps=100).fit("hello world")
    assert model.generate("h", 10, temperature=0) == "ello world"
