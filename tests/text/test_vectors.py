"""Ready-made word vectors: read from every form, and refused in one line where they are wrong."""

import gzip

import numpy as np
import pytest

from anaphora import TextClassifier
from anaphora.errors import DataError, OptionError
from anaphora.text.vectors import read_vectors

VOCABULARY = {"[UNK]": 0, "good": 1, "bad": 2, "unheard": 3}
LINES = "good 1 2 3\nother 9 9 9\nbad -1 -2 -3\n"


@pytest.mark.parametrize("form", ["glove.txt", "word2vec.txt", "fasttext.vec.gz", "vectors.npy"])
def test_every_form_gives_the_vectors_of_known_words(form, tmp_path):
    path = tmp_path / form
    if form.endswith(".npy"):
        np.save(path, np.array([[1, 2, 3], [9, 9, 9], [-1, -2, -3]], np.float32))
        (tmp_path / "words.txt").write_text("good\nother\nbad\n")
    elif form.endswith(".gz"):
        path.write_bytes(gzip.compress(("3 3\n" + LINES).encode()))
    else:
        path.write_text(("3 3\n" if form == "word2vec.txt" else "") + LINES)
    found = read_vectors(path, VOCABULARY)
    assert {number: vector.tolist() for number, vector in found.items()} == {1: [1, 2, 3], 2: [-1, -2, -3]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("good 1 2 3\nbad 1 2\n", "line 2: 2 numbers, but 3"),
        ("good 1 2 3\ngood 4 5 6\n", "'good' comes twice"),
        ("good 1 x 3\n", "not a number"),
        ("good 1 nan 3\n", "not a finite number"),
        ("nothing 1 2 3\n", "no word of the training texts"),
        ("", "no word of the training texts"),
    ],
)
def test_a_wrong_file_is_refused(content, words, tmp_path):
    (tmp_path / "v.txt").write_text(content)
    with pytest.raises(DataError, match=words):
        read_vectors(tmp_path / "v.txt", VOCABULARY)


def test_a_npy_wants_as_many_words_as_rows(tmp_path):
    np.save(tmp_path / "vectors.npy", np.zeros((3, 2), np.float32))
    (tmp_path / "words.txt").write_text("one\ntwo\n")
    with pytest.raises(DataError, match="2 words"):
        read_vectors(tmp_path / "vectors.npy", VOCABULARY)


def test_frozen_vectors_stay_and_trained_ones_move(toy, tiny, tmp_path):
    words = sorted({word for text in toy.texts for word in text.split()})
    rng = np.random.default_rng(0)
    table = {word: rng.standard_normal(6).astype(np.float32) for word in words}
    path = tmp_path / "v.txt"
    path.write_text("".join(f"{word} {' '.join(map(str, vector))}\n" for word, vector in table.items()))
    options = {name: value for name, value in tiny.items() if name != "embedding_size"}
    for frozen in (True, False):
        fitted = TextClassifier(**options, vectors=str(path), freeze_vectors=frozen).fit(toy.texts, toy.labels).bundle_
        number = fitted.task.encoder.tokenizer.token_to_id(words[0])
        same = np.allclose(fitted.arrays["embedding.weight"][number], table[words[0]])
        assert same == frozen
        assert fitted.training["vectors_cover"].startswith(f"{len(fitted.task.encoder.tokenizer.get_vocab()) - 1} of")
    with pytest.raises(OptionError, match="embedding_size=7"):
        TextClassifier(**options, embedding_size=7, vectors=str(path)).fit(toy.texts, toy.labels)


def test_frozen_without_vectors_and_vectors_with_hashing_are_refused(toy, tiny, tmp_path):
    with pytest.raises(OptionError, match="needs vectors"):
        TextClassifier(**tiny, freeze_vectors=True).fit(toy.texts, toy.labels)
    with pytest.raises(OptionError, match="hash"):
        TextClassifier(**tiny, encode="hash", vectors="v.txt").fit(toy.texts, toy.labels)
