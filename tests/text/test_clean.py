"""Every cleaning step does what its help says, in the stated order, and again at prediction."""

import html
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora import TextClassifier, load
from anaphora.errors import DataError, OptionError
from anaphora.text.clean import Cleaner, CleanOptions
from anaphora.text.encode import TextEncoder, TextOptions
from anaphora.text.stopwords import ENGLISH, read_stopwords
from anaphora.text.tokenize import bucket, splitter

REMOVING = ("strip_html", "strip_special", "strip_digits")
RAW = "<p>Don't RUN 3 times &amp; running's fun!</p>"


def cleaned(text=RAW, stopwords=(), **options):
    return " ".join(Cleaner(CleanOptions(**options), stopwords)(text).split())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "don't run 3 times & running's fun!"),
        ({"lowercase": False}, "Don't RUN 3 times & running's fun!"),
        ({"strip_html": False}, "<p>don't run 3 times &amp; running's fun!</p>"),
        ({"strip_special": True}, "don t run 3 times running s fun"),
        ({"strip_digits": True}, "don't run times & running's fun!"),
        ({"stem": True}, "don't run 3 time & running' fun!"),
    ],
)
def test_each_step_alone(options, expected):
    assert cleaned(**options) == expected


def test_stopwords_go_before_their_apostrophes_do():
    assert cleaned(stopwords=ENGLISH, strip_special=True) == "run 3 times running s fun"
    assert cleaned("Don’t go", stopwords=ENGLISH) == "go"


def test_a_file_of_stopwords_is_read_and_kept_in_the_model(toy, tiny, tmp_path):
    (tmp_path / "stop.txt").write_text("film\nthe\n")
    model = TextClassifier(**tiny, stopwords=str(tmp_path / "stop.txt")).fit(toy.texts, toy.labels)
    model.save(tmp_path / "model")
    (tmp_path / "stop.txt").unlink()
    loaded = load(tmp_path / "model")
    assert (loaded.predict_proba(["the good film"]) == loaded.predict_proba(["good"])).all()


@pytest.mark.parametrize(
    ("option", "text", "same", "other"),
    [
        ({"stem": True}, "boring film", "bored film", "unheard film"),
        ({"strip_special": True}, "good_film", "good film", "unheard"),
        ({"strip_digits": True}, "good7", "good", "unheard"),
        ({"strip_html": False}, "good<br>film", "good < br > film", "good film"),
        ({"lowercase": False}, "GOOD film", "unheard film", "good film"),
    ],
)
def test_a_loaded_model_cleans_as_its_training_did(option, text, same, other, toy, tiny, tmp_path):
    TextClassifier(**tiny | {"epochs": 1}, **option).fit(toy.texts, toy.labels).save(tmp_path / "model")
    answers = load(tmp_path / "model").predict_proba
    assert (answers([text]) == answers([same])).all()
    assert (answers([text]) != answers([other])).any()


def test_an_empty_or_missing_file_of_stopwords_is_refused(tmp_path):
    (tmp_path / "stop.txt").write_text(" \n")
    with pytest.raises(DataError, match="holds no stopwords"):
        read_stopwords(str(tmp_path / "stop.txt"))
    with pytest.raises(DataError, match="neither none, english, nor a file"):
        read_stopwords("french")


def test_a_bucket_is_the_same_in_every_process():
    program = "from anaphora.text.tokenize import bucket; print([bucket(word, 10_000) for word in ('good', 'bad', '')])"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert str([bucket(word, 10_000) for word in ("good", "bad", "")]) == other.stdout.strip() == "[8488, 216, 8757]"


def test_hashed_ids_need_no_training_text_and_stay_in_their_buckets():
    encoder = TextEncoder.learn(TextOptions(encode="hash", vocab_size=50), [])
    ids = encoder.encode(["never seen words " + " ".join(map(str, range(500)))])[0]
    assert ids.min() >= 1
    assert ids.max() <= 50
    assert encoder.size == 51


def test_byte_pairs_know_every_text():
    encoder = TextEncoder.learn(TextOptions(level="bpe", vocab_size=300), ["low lower lowest"] * 5)
    tokens = encoder.tokenizer.encode("lowest žluťoučký 🐎").tokens
    assert "[UNK]" not in tokens
    assert len(encoder.encode(["lowest"])[0]) < len("lowest")


def test_byte_pairs_are_not_hashed():
    with pytest.raises(OptionError, match="bpe"):
        TextEncoder.learn(TextOptions(level="bpe", encode="hash"), [])


def test_a_vocabulary_larger_than_the_text_is_as_large_as_the_text():
    encoder = TextEncoder.learn(TextOptions(vocab_size=1_000_000, min_count=1), ["one two two"])
    assert encoder.size == 3


def exactly(text, stopwords=(), **options):
    return Cleaner(CleanOptions(**{"strip_html": False, "lowercase": False} | options), stopwords)(text)


@pytest.mark.parametrize(
    ("options", "text", "left"),
    [
        ({"strip_html": True}, "<p>A <b>fine</b> film.<br/><br/>Go <i> now</i> .</p>", "A fine film. Go now ."),
        ({"strip_html": True}, "<div>\n  <p>One</p>\n\n<p>Two<br>\r\nThree</p>\n", "\nOne\n\nTwo\r\nThree\n"),
        ({"strip_special": True}, "A dull - very dull - film, (really)!\nNo?", "A dull very dull film really\nNo"),
        ({"strip_digits": True}, "Room 101 of 7 \nand 12 13 more", "Room of\nand more"),
        ({"stopwords": ENGLISH}, "In the house of the rising sun", "house rising sun"),
        ({"stopwords": ENGLISH}, "sun- the ... and the (sun)", "sun- ... (sun)"),
        ({"strip_html": True}, "Two  blanks  and\ta tab  stay where nothing goes.", None),
    ],
    ids=["tags", "lines", "signs", "digits", "stopwords", "stopwords beside signs", "nothing"],
)
def test_what_is_taken_out_leaves_no_double_blanks(options, text, left):
    options = dict(options)
    assert exactly(text, options.pop("stopwords", ()), **options) == (text if left is None else left)


PARTS = st.sampled_from(
    [" ", "  ", "\n", "<b>", "</p>", "<", ">", "a", "the", "Don't", "of", "7", "-", "...", "@x", "_"]
)


@given(st.lists(PARTS, max_size=14), st.fixed_dictionaries({name: st.booleans() for name in REMOVING}), st.booleans())
def test_words_are_those_that_blanks_in_the_place_of_all_that_goes_would_leave(parts, options, stop):
    text = "".join(parts)
    expected = text
    if options["strip_html"]:
        expected = html.unescape(re.sub(r"<[a-zA-Z/!][^<>]*>", " ", expected))
    if stop:
        gone = {"a", "the", "of", "don't"}
        expected = re.sub(r"\w+(?:['’]\w+)*", lambda w: "" if w[0].lower() in gone else w[0], expected)
    if options["strip_special"]:
        expected = re.sub(r"[^\w\s]|_", " ", expected)
    if options["strip_digits"]:
        expected = re.sub(r"\d+", " ", expected)
    read = splitter("word").pre_tokenize_str
    found = exactly(text, ["a", "the", "of", "don't"] if stop else (), **options)
    assert [word for word, _ in read(found)] == [word for word, _ in read(expected)]
    assert "  " not in found or "  " in text
