"""How much of a text was learned from."""

import numpy as np

from anaphora.tasks.language.corpus import Corpus
from anaphora.tasks.language.overlap import passages_seen


def corpus(*documents: list[int]) -> Corpus:
    ids = [[1, *document] for document in documents]
    starts = np.cumsum([0, *map(len, ids)])
    return Corpus(np.concatenate(ids).astype(np.uint16), starts, 0)


def test_a_text_that_was_learned_from_is_found_and_another_is_not() -> None:
    rng = np.random.default_rng(0)
    known, new = rng.integers(2, 99, (2, 500)).tolist()
    training = corpus(known)
    assert passages_seen(training, training, 20) == 1
    assert passages_seen(corpus(known[100:300]), training, 20) == 1
    assert passages_seen(corpus(new), training, 20) == 0
    half = passages_seen(corpus(known[:250] + new[:250]), training, 20)
    assert 0.3 < half < 0.7


def test_passages_stay_within_documents_whatever_their_order() -> None:
    rng = np.random.default_rng(0)
    documents = rng.integers(2, 99, (30, 15)).tolist()
    assert passages_seen(corpus(*documents), corpus(*documents[::-1]), 20) == 1


def test_short_documents_say_nothing() -> None:
    assert passages_seen(corpus([2, 3], [4]), corpus([2, 3], [4]), 20) == 0
    assert passages_seen(corpus([]), corpus([2, 3]), 20) == 0


def test_numbers_begin_where_numbers_begin() -> None:
    inside = corpus([0x0201, 0x0403, 0x0605])
    bytes_of = inside.ids[1:].tobytes()
    odd = np.frombuffer(b"\7" + bytes_of + b"\7", np.uint16)
    assert passages_seen(inside, Corpus(odd, np.array([0, len(odd)]), 0), 3) == 0
