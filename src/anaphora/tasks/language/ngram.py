"""What a language model must beat: an n-gram model with modified Kneser-Ney smoothing, interpolated.

It counts exactly the tokens that the network learns from. Kneser & Ney (1995), "Improved backing-off for m-gram
language modeling"; Chen & Goodman (1999), "An empirical study of smoothing techniques for language modeling".

A corpus is one array `ids` `[N]`, documents one after another: document i is `ids[starts[i]:starts[i + 1]]`, and
`starts` `[documents + 1]` ends with N. A document opens with the token END, which there is only a context, no target;
each further token is a target, predicted from the tokens before it in its own document.

The n-grams of each order are numbered 0, 1, 2, ... in the order of their keys, `context * V + token`: V is the size of
the vocabulary, `token` the last token and `context` the number of the (n-1)-gram before it. Contexts are no more than
the N tokens, so keys stay below N * V: 10^9 tokens of 2^32 kinds still fit the 63 bits of an int64.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import arrays
from anaphora.errors import BundleError
from anaphora.tasks.language.corpus import Corpus

METHOD = "modified Kneser-Ney, interpolated"
FACTS, TOKENS = "ngram.json", "tokens.safetensors"
MOST_TOKENS = 10_000_000
"""Of a longer text the last ones are counted."""
CHOOSING_TOKENS = 2_000_000
"""Of these, the last that an order is chosen by."""
TIE = 1e-12
"""Probabilities that differ by so small a share, or less, are the same one, rounded differently."""
FALLBACK = (0.5, 1.0, 1.5)  # discounts of counts 1, 2, 3+ where the corpus is too small to estimate them


@dataclass(frozen=True)
class Order:
    """The n-grams of one order that were seen, G of them, after C contexts: the (n-1)-grams, or the empty one.

    `keys` `[G]` are sorted; `own` `[G]` is the share of the probability that an n-gram's own count gives it, and
    `backoff` `[C]` the share that its context leaves to the order below: p = own + backoff * p_below.
    """

    keys: NDArray[np.int64]
    own: NDArray[np.float64]
    backoff: NDArray[np.float64]

    @classmethod
    def smooth(cls, keys: NDArray[np.int64], counts: NDArray[np.int64], vocabulary: int, contexts: int) -> Self:
        """With counts c(hw) of tokens w after contexts h, and the discount D(c) of a count c:

        own(hw) = (c(hw) - D(c(hw))) / sum_w c(hw)        backoff(h) = sum_w D(c(hw)) / sum_w c(hw)
        """
        discount = discounts(counts)[np.minimum(counts, 3)]
        context = keys // vocabulary
        total = np.bincount(context, counts, contexts)
        taken = np.bincount(context, discount, contexts)
        some = np.maximum(total, 1)  # where a context was followed by nothing, all is left to the order below
        return cls(keys, (counts - discount) / some[context], np.where(total > 0, taken / some, 1.0))


@dataclass(frozen=True)
class NGram:
    """A language model, fitted: `orders` go from single tokens up to the longest n-grams that the corpus holds.

    Every token has a probability above 0 after every context, and the `vocabulary` of them sum to 1. `highest` holds
    for each order `[C]`, the probability of the likeliest token after each context.
    """

    vocabulary: int
    orders: tuple[Order, ...]
    highest: tuple[NDArray[np.float64], ...]

    @classmethod
    def fit(cls, ids: NDArray[np.integer[Any]], starts: NDArray[np.int64], vocabulary: int, order: int) -> Self:
        """Count the n-grams of 1 to `order` tokens.

        The longest take their raw counts, shorter ones the number of different tokens on their left. One that opens a
        document has nothing on its left: there each of its occurrences counts.
        """
        if order < 1:
            raise ValueError(f"order={order} is not 1 or more")
        offset = _offsets(ids, starts, vocabulary)
        keys: list[NDArray[np.int64]] = []
        counts: list[NDArray[np.int64]] = []
        suffixes: list[NDArray[np.int64]] = []
        gram = np.zeros(len(ids), np.int64)
        for n in range(1, order + 1):
            context = _contexts(gram, offset, n)
            at = np.flatnonzero(context >= 0)
            if not len(at):
                break
            unique, first, number = np.unique(
                context[at] * vocabulary + ids[at].astype(np.int64), return_index=True, return_inverse=True
            )
            suffixes.append(gram[at[first]])
            if n > 1:  # each n-gram is one more token on the left of the (n-1)-gram that it ends with
                counts[-1] += np.bincount(suffixes[-1], minlength=len(counts[-1]))
            gram = np.full(len(ids), -1)
            gram[at] = number
            raw = (offset >= n - 1 if n == order else offset == n - 1) & (offset > 0)
            counts.append(np.bincount(gram[raw], minlength=len(unique)))
            keys.append(unique)
        contexts = (1, *map(len, keys))
        seen = zip(keys, counts, contexts, strict=False)  # the longest n-grams are nobody's context
        orders = tuple(Order.smooth(k, c, vocabulary, C) for k, c, C in seen)
        return cls(vocabulary, orders, _highest(orders, suffixes, vocabulary))

    def log_probabilities(self, ids: NDArray[np.integer[Any]], starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """The natural logarithm of the probability of each target, `[N - documents]`, in the order of the corpus."""
        return self.token_scores(ids, starts)[:, 0]

    def token_scores(self, ids: NDArray[np.integer[Any]], starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of each target its log-probability, and 1 where no token had a higher one: `[N - documents, 2]`."""
        offset = _offsets(ids, starts, self.vocabulary)
        p = np.full(len(ids), 1 / self.vocabulary)
        highest = p.copy()
        gram = np.zeros(len(ids), np.int64)
        for n, order in enumerate(self.orders, 1):
            context = _contexts(gram, offset, n)
            at = np.flatnonzero(context >= 0)
            wanted = context[at] * self.vocabulary + ids[at].astype(np.int64)
            number = np.minimum(np.searchsorted(order.keys, wanted), len(order.keys) - 1)
            seen = order.keys[number] == wanted
            p[at] = np.where(seen, order.own[number], 0) + order.backoff[context[at]] * p[at]
            highest[at] = self.highest[n - 1][context[at]]
            gram = np.full(len(ids), -1)
            gram[at] = np.where(seen, number, -1)
        p, highest = p[offset > 0], highest[offset > 0]
        return np.column_stack([np.log(p), p >= highest * (1 - TIE)])


def _highest(
    orders: Sequence[Order], suffixes: Sequence[NDArray[np.int64]], vocabulary: int
) -> tuple[NDArray[np.float64], ...]:
    """For each order the probability of the likeliest token after each context, `[C]`.

    Of the tokens that were never seen after a context none is likelier than backoff * the highest of the order below,
    and the one that has that there is at least as likely here; so it takes no more than a look at the n-grams that were
    seen. `suffixes` `[G]` are the numbers of the (n-1)-grams that the n-grams end with.
    """
    found: list[NDArray[np.float64]] = []
    p_below = highest = np.full(1, 1 / vocabulary)
    shorter = np.zeros(1, np.int64)  # each context without its first token: a context of the order below
    for order, suffix in zip(orders, suffixes, strict=True):
        context = order.keys // vocabulary
        p = order.own + order.backoff[context] * p_below[suffix]
        highest = order.backoff * highest[shorter]
        first = np.flatnonzero(np.diff(context, prepend=-1))
        highest[context[first]] = np.maximum(highest[context[first]], np.maximum.reduceat(p, first))
        found.append(highest)
        p_below, shorter = p, suffix
    return tuple(found)


def discounts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """What is taken from counts of 0, 1, 2, and 3 or more (Chen & Goodman 1999), where n1 ... n4 is how many of
    the `counts` are 1 ... 4:

    Y = n1 / (n1 + 2 n2)    D1 = 1 - 2 Y n2 / n1    D2 = 2 - 3 Y n3 / n2    D3 = 3 - 4 Y n4 / n3

    Where one of the four is 0, or a discount would not be above 0, all three are FALLBACK.
    """
    n1, n2, n3, n4 = np.bincount(np.minimum(counts, 5), minlength=5)[1:5].tolist()
    found = FALLBACK
    if n1 and n2 and n3 and n4:
        Y = n1 / (n1 + 2 * n2)
        estimated = (1 - 2 * Y * n2 / n1, 2 - 3 * Y * n3 / n2, 3 - 4 * Y * n4 / n3)
        found = estimated if min(estimated) > 0 else FALLBACK
    return np.array([0.0, *found])


def _offsets(ids: NDArray[np.integer[Any]], starts: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
    """Each token's place in its document, `[N]`: 0 for the END that opens it."""
    lengths = np.diff(starts)
    if not len(starts) or starts[0] != 0 or starts[-1] != len(ids) or (lengths < 1).any():
        raise ValueError(f"starts do not rise from 0 to {len(ids)}, the number of ids")
    if len(ids) and not 0 <= ids.min() <= ids.max() < vocabulary:
        raise ValueError(f"ids go from {ids.min()} to {ids.max()}, not within 0 to {vocabulary - 1}")
    return np.arange(len(ids)) - np.repeat(starts[:-1], lengths)


def _contexts(gram: NDArray[np.int64], offset: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The number of the (n-1)-gram before each token, given that of the one that ends at it; -1 where there is none."""
    return gram if n == 1 else np.where(offset > 0, np.roll(gram, 1), -1)


def to_files(corpus: Corpus, order: int) -> dict[str, bytes]:
    """The contents of a bundle's `baseline/`: the training text's tokens, from which the model is fitted in seconds."""
    ids, starts = _kept(corpus)
    facts = {"ngram": METHOD, "order": order, "tokens": len(ids)}
    return {FACTS: json.dumps(facts, indent=2).encode(), TOKENS: arrays.to_bytes({"ids": ids, "starts": starts})}


def from_files(files: Mapping[str, bytes], vocabulary: int) -> dict[str, NGram]:
    """The model of `to_files` as `ngram`, and the one of single tokens as `unigram`; {} where `files` hold none.

    Raises BundleError where they are damaged.
    """
    if FACTS not in files:
        return {}
    try:
        order, corpus = int(json.loads(files[FACTS])["order"]), _tokens(files)
        orders = {"ngram": order, "unigram": 1}
        return {name: NGram.fit(corpus.ids, corpus.starts, vocabulary, n) for name, n in orders.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(error) from error


def training_text(files: Mapping[str, bytes], vocabulary: int) -> Corpus | None:
    """The training text's tokens as `to_files` kept them, how many characters they were being forgotten; None where
    `files` hold none. Raises BundleError where they are damaged.
    """
    if TOKENS not in files:
        return None
    try:
        corpus = _tokens(files)
        _offsets(corpus.ids, corpus.starts, vocabulary)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(error) from error
    return corpus


def _tokens(files: Mapping[str, bytes]) -> Corpus:
    kept = arrays.from_bytes(files[TOKENS])
    return Corpus(kept["ids"], kept["starts"], 0)


def _damaged(error: Exception) -> BundleError:
    return BundleError(f"the model's baseline/ is damaged: {type(error).__name__}: {error}")


def best_order(training: Corpus, validation: Corpus, vocabulary: int, orders: Sequence[int]) -> int:
    """Of several orders the one that the validation text is least surprising to; the first without such a text."""
    if len(orders) == 1 or not validation.targets:
        return orders[0]

    def likelihood(order: int) -> float:
        model = NGram.fit(*_kept(training, CHOOSING_TOKENS), vocabulary, order)
        return float(model.log_probabilities(validation.ids, validation.starts).mean())

    return max(orders, key=likelihood)


def _kept(corpus: Corpus, most: int = MOST_TOKENS) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The last tokens of a corpus."""
    first = max(0, len(corpus.ids) - most)
    return np.asarray(corpus.ids[first:]), np.concatenate([[first], corpus.starts[corpus.starts > first]]) - first
