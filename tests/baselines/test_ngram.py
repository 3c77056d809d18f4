import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.tasks.language.ngram import FALLBACK, TIE, NGram, discounts

V = 4
END = 0
DOCUMENTS = st.lists(st.lists(st.integers(0, V - 1), max_size=12), max_size=6)


def corpus(documents, dtype=np.uint16):
    """Each document after an END of its own, as `ids` and `starts`."""
    opened = [[END, *document] for document in documents]
    ids = np.array([token for document in opened for token in document], dtype)
    return ids, np.cumsum([0, *map(len, opened)])


def after(model, context):
    """The probability of each token after an END and `context`."""
    ids, starts = corpus([[*context, token] for token in range(model.vocabulary)])
    return np.exp(model.log_probabilities(ids, starts)[len(context) :: len(context) + 1])


def agree(log_p, expected):
    np.testing.assert_allclose(log_p, expected, rtol=0, atol=1e-12)


class Textbook:
    """The same model as dictionaries, one token at a time."""

    def __init__(self, documents, vocabulary, order):
        self.vocabulary, self.order = vocabulary, order
        raw = [Counter() for _ in range(order + 1)]
        neighbours = [{} for _ in range(order + 1)]
        openings = [Counter() for _ in range(order + 1)]  # of n-grams that open a document
        for document in documents:
            tokens = (END, *document)
            for last in range(1, len(tokens)):
                for n in range(1, min(order, last + 1) + 1):
                    gram = tokens[last - n + 1 : last + 1]
                    raw[n][gram] += 1
                    if n == last + 1:
                        openings[n][gram] += 1
                    else:
                        neighbours[n].setdefault(gram, set()).add(tokens[last - n])
        self.counts = [
            raw[n] if n == order else openings[n] + Counter({g: len(seen) for g, seen in neighbours[n].items()})
            for n in range(order + 1)
        ]
        self.discounts = [self.estimate(Counter(counts.values())) for counts in self.counts]

    @staticmethod
    def estimate(n):
        if not all(n[k] for k in (1, 2, 3, 4)):
            return FALLBACK
        Y = n[1] / (n[1] + 2 * n[2])
        found = tuple(k - (k + 1) * Y * n[k + 1] / n[k] for k in (1, 2, 3))
        return found if min(found) > 0 else FALLBACK

    def probability(self, token, context):
        """After the tokens of `context`, a tuple shorter than the order."""
        n = len(context) + 1
        below = self.probability(token, context[1:]) if context else 1 / self.vocabulary
        followers = {w: c for w in range(self.vocabulary) if (c := self.counts[n][*context, w])}
        if not followers:
            return below
        discount = {w: self.discounts[n][min(c, 3) - 1] for w, c in followers.items()}
        own = followers[token] - discount[token] if token in followers else 0
        return (own + sum(discount.values()) * below) / sum(followers.values())

    def log_probabilities(self, documents):
        return [
            math.log(self.probability(token, (END, *document[:place])[max(0, place + 2 - self.order) :]))
            for document in documents
            for place, token in enumerate(document)
        ]


@given(DOCUMENTS, st.lists(st.integers(0, V - 1), max_size=6), st.integers(1, 6))
def test_probabilities_sum_to_one_after_any_context(documents, context, order):
    p = after(NGram.fit(*corpus(documents), V, order), context)
    assert (p > 0).all()
    assert math.fsum(p) == pytest.approx(1, abs=1e-12)


@given(DOCUMENTS, DOCUMENTS, st.integers(1, 6))
def test_it_is_the_textbooks(documents, others, order):
    model, textbook = NGram.fit(*corpus(documents), V, order), Textbook(documents, V, order)
    for scored in (documents, others):
        agree(model.log_probabilities(*corpus(scored)), textbook.log_probabilities(scored))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_it_is_the_textbooks_where_discounts_are_estimated(order):
    rng = np.random.default_rng(0)
    kinds = 60
    documents = [np.minimum(rng.zipf(1.6, length), kinds - 1).tolist() for length in rng.integers(0, 20, 120)]
    held = [np.minimum(rng.zipf(1.6, 300), kinds - 1).tolist()]
    model, textbook = NGram.fit(*corpus(documents), kinds, order), Textbook(documents, kinds, order)
    assert FALLBACK not in textbook.discounts[1:]
    agree(model.log_probabilities(*corpus(held)), textbook.log_probabilities(held))


def hits_by_hand(model, documents):
    """Whether no token has a higher probability than the target, every token of the vocabulary asked."""
    return [
        bool(p[token] >= p.max() * (1 - TIE))
        for document in documents
        for place, token in enumerate(document)
        for p in [after(model, document[:place])]
    ]


@given(DOCUMENTS, DOCUMENTS, st.integers(1, 6))
def test_the_likeliest_token_is_that_of_the_whole_vocabulary(documents, others, order):
    model = NGram.fit(*corpus(documents), V, order)
    for scored in (documents, others):
        assert model.token_scores(*corpus(scored))[:, 1].tolist() == hits_by_hand(model, scored)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_likeliest_token_may_be_one_that_a_shorter_context_knows(order):
    rng = np.random.default_rng(1)
    kinds = 40
    documents = [np.minimum(rng.zipf(1.6, length), kinds - 1).tolist() for length in rng.integers(0, 20, 120)]
    held = [np.minimum(rng.zipf(1.6, 100), kinds - 1).tolist() for _ in range(3)]
    model = NGram.fit(*corpus(documents), kinds, order)
    judged_N2 = model.token_scores(*corpus(held))
    assert judged_N2[:, 1].tolist() == hits_by_hand(model, held)
    assert 0.1 < judged_N2[:, 1].mean() < 0.9


def test_discounts_by_hand():
    # n1 = 8, n2 = 4, n3 = 2, n4 = 1: Y = 1/2
    counts = np.repeat([0, 1, 2, 3, 4, 9], [5, 8, 4, 2, 1, 3])
    np.testing.assert_allclose(discounts(counts), [0, 1 / 2, 2 - 3 / 4, 3 - 1])


@pytest.mark.parametrize(
    "counts",
    [[], [1], [1, 1, 2, 3], [7, 8], np.repeat([1, 2, 3, 4], [9, 1, 9, 1])],
    ids=["none", "one", "no fours", "only large", "below zero"],
)
def test_discounts_of_too_small_a_corpus(counts):
    np.testing.assert_array_equal(discounts(np.array(counts, np.int64)), [0, *FALLBACK])


def test_a_context_is_of_its_own_document():
    model = NGram.fit(*corpus([[1, 2, 3], [1, 2], [3, 3, 1]]), V, 3)
    apart = [model.log_probabilities(*corpus([document])) for document in ([1, 2], [3], [2, 3, 1])]
    together = model.log_probabilities(*corpus([[1, 2], [3], [2, 3, 1]]))
    np.testing.assert_array_equal(together, np.concatenate(apart))


@pytest.mark.parametrize("order", [1, 5])
@pytest.mark.parametrize("documents", [[], [[]], [[], []]], ids=["no document", "one END", "two ENDs"])
def test_without_a_target_all_tokens_are_alike(documents, order):
    model = NGram.fit(*corpus(documents), V, order)
    np.testing.assert_allclose(after(model, [1, 2]), 1 / V)
    assert model.log_probabilities(*corpus(documents)).shape == (0,)


def test_the_only_token_is_certain():
    model = NGram.fit(*corpus([[0, 0, 0], [0]]), 1, 3)
    np.testing.assert_allclose(model.log_probabilities(*corpus([[0] * 5])), 0, atol=1e-12)


def test_an_order_beyond_the_longest_document_changes_nothing():
    documents = [[1, 2, 3], [1, 2]]
    four, nine = (NGram.fit(*corpus(documents), V, order) for order in (4, 9))
    np.testing.assert_array_equal(after(four, [1, 2]), after(nine, [1, 2]))


def test_keys_of_a_huge_vocabulary_do_not_overflow():
    kinds = 2**32
    documents = [[kinds - 1, 5, kinds - 2], [kinds - 1, 5, kinds - 2]] * 50
    model = NGram.fit(*corpus(documents, np.uint32), kinds, 4)
    assert np.exp(model.log_probabilities(*corpus(documents[:1], np.uint32))).min() > 0.9


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64, np.int32, np.int64])
def test_any_width_of_ids_gives_the_same(dtype):
    documents = [[1, 2, 3, 1, 2], [3, 1, 2]]
    expected = NGram.fit(*corpus(documents), V, 3).log_probabilities(*corpus(documents))
    model = NGram.fit(*corpus(documents, dtype), V, 3)
    np.testing.assert_array_equal(model.log_probabilities(*corpus(documents, dtype)), expected)


def test_what_is_no_corpus_is_refused():
    ids, starts = corpus([[1, 2], [3]])
    with pytest.raises(ValueError, match="not within 0 to 2"):
        NGram.fit(ids, starts, 3, 2)
    with pytest.raises(ValueError, match="order=0"):
        NGram.fit(ids, starts, V, 0)
    for wrong in ([], [0], [0, 3], [1, 5], [0, 3, 3, 5]):
        with pytest.raises(ValueError, match="starts do not rise"):
            NGram.fit(ids, np.array(wrong, np.int64), V, 2)


@pytest.mark.data
def test_penn_treebank_has_its_published_perplexity(real_data):
    """141 by a 5-gram model (Mikolov et al. 2011), each sentence on its own, its end counted."""
    lines = {}
    for part in ("train", "test"):
        text = (real_data / "ptb" / f"ptb.{part}.txt").read_text(encoding="utf-8")
        lines[part] = [[*line.split(), "<eos>"] for line in text.splitlines()]
    words = sorted({word for line in lines["train"] for word in line})
    place = {word: i for i, word in enumerate(words)}
    train, test = (corpus([[place[word] for word in line] for line in lines[part]]) for part in ("train", "test"))
    log_p = NGram.fit(*train, len(words), 5).log_probabilities(*test)
    assert (len(words), len(log_p)) == (10_000, 82_430)
    assert math.exp(-log_p.mean()) == pytest.approx(141, abs=3)
