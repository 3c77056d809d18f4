"""The baseline of language models: an n-gram model with interpolated modified Kneser-Ney smoothing.

It is fitted on exactly the tokens of the network's training text. Kneser & Ney (1995), "Improved backing-off for m-gram
language modeling"; Chen & Goodman (1999), "An empirical study of smoothing techniques for language modeling".

A corpus is one array `ids` `[N]`, documents one after another: document i is `ids[starts[i]:starts[i + 1]]`, and
`starts` `[documents + 1]` ends with N. A document begins with the token END, which is only a context there, not a
target; each further token is a target, predicted from the tokens before it in its document.

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
MAX_TOKENS = 10_000_000
"""Of a longer text the last tokens are counted."""
ORDER_TOKENS = 2_000_000
"""The last tokens of these are counted to choose the order."""
TIE = 1e-12
"""Probabilities with at most this relative difference are equal up to rounding."""
FALLBACK = (0.5, 1.0, 1.5)  # discounts of counts 1, 2, 3+ where the corpus is too small to estimate them


@dataclass(frozen=True)
class Order:
    """The G n-grams of one order that occurred, after C contexts: the (n-1)-grams, or the empty one.

    `keys` `[G]` are sorted; `discounted` `[G]` is the part of the probability that comes from an n-gram's count, and
    `backoff` `[C]` is the weight of the order below: p = discounted + backoff * p_below.
    """

    keys: NDArray[np.int64]
    discounted: NDArray[np.float64]
    backoff: NDArray[np.float64]

    @classmethod
    def smooth(cls, keys: NDArray[np.int64], counts: NDArray[np.int64], vocabulary: int, contexts: int) -> Self:
        """With counts c(hw) of tokens w after contexts h, and the discount D(c) of a count c:

        discounted(hw) = (c(hw) - D(c(hw))) / sum_w c(hw)        backoff(h) = sum_w D(c(hw)) / sum_w c(hw)
        """
        discount = discounts(counts)[np.minimum(counts, 3)]
        context = keys // vocabulary
        total = np.bincount(context, counts, contexts)
        taken = np.bincount(context, discount, contexts)
        divisor = np.maximum(total, 1)  # a context without continuations backs off completely
        return cls(keys, (counts - discount) / divisor[context], np.where(total > 0, taken / divisor, 1.0))


@dataclass(frozen=True)
class NGram:
    """A fitted n-gram model: `orders` from single tokens up to the longest n-grams of the corpus.

    Every token has a probability above 0 after every context, and the probabilities of the `vocabulary` sum to 1.
    `highest` holds for each order the probability of the most likely token after each context, `[C]`.
    """

    vocabulary: int
    orders: tuple[Order, ...]
    highest: tuple[NDArray[np.float64], ...]

    @classmethod
    def fit(cls, ids: NDArray[np.integer[Any]], starts: NDArray[np.int64], vocabulary: int, order: int) -> Self:
        """Count the n-grams of 1 to `order` tokens.

        The longest have raw counts, shorter ones the number of different tokens before them. An n-gram at the beginning
        of a document has nothing before it: there each occurrence counts.
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
            if n > 1:  # each n-gram is one more token before the (n-1)-gram that it ends with
                counts[-1] += np.bincount(suffixes[-1], minlength=len(counts[-1]))
            gram = np.full(len(ids), -1)
            gram[at] = number
            raw = (offset >= n - 1 if n == order else offset == n - 1) & (offset > 0)
            counts.append(np.bincount(gram[raw], minlength=len(unique)))
            keys.append(unique)
        contexts = (1, *map(len, keys))
        counted = zip(keys, counts, contexts, strict=False)  # the longest n-grams are no contexts
        orders = tuple(Order.smooth(k, c, vocabulary, C) for k, c, C in counted)
        return cls(vocabulary, orders, _highest(orders, suffixes, vocabulary))

    def log_probabilities(self, ids: NDArray[np.integer[Any]], starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """The natural logarithm of the probability of each target, `[N - documents]`, in the order of the corpus."""
        return self.token_scores(ids, starts)[:, 0]

    def token_scores(self, ids: NDArray[np.integer[Any]], starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """For each target its log-probability, and 1 where no token had a higher one: `[N - documents, 2]`."""
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
            p[at] = np.where(seen, order.discounted[number], 0) + order.backoff[context[at]] * p[at]
            highest[at] = self.highest[n - 1][context[at]]
            gram = np.full(len(ids), -1)
            gram[at] = np.where(seen, number, -1)
        p, highest = p[offset > 0], highest[offset > 0]
        return np.column_stack([np.log(p), p >= highest * (1 - TIE)])


def _highest(
    orders: Sequence[Order], suffixes: Sequence[NDArray[np.int64]], vocabulary: int
) -> tuple[NDArray[np.float64], ...]:
    """For each order the probability of the most likely token after each context, `[C]`.

    Among tokens that never occurred after a context, none is more likely than backoff * the highest of the order below,
    and the token that is highest there is at least as likely here; so only the n-grams that occurred have to be
    compared. `suffixes` `[G]` are the numbers of the (n-1)-grams that the n-grams end with.
    """
    by_order: list[NDArray[np.float64]] = []
    p_below = highest = np.full(1, 1 / vocabulary)
    shorter = np.zeros(1, np.int64)  # each context without its first token: a context of the order below
    for order, suffix in zip(orders, suffixes, strict=True):
        context = order.keys // vocabulary
        p = order.discounted + order.backoff[context] * p_below[suffix]
        highest = order.backoff * highest[shorter]
        first = np.flatnonzero(np.diff(context, prepend=-1))
        highest[context[first]] = np.maximum(highest[context[first]], np.maximum.reduceat(p, first))
        by_order.append(highest)
        p_below, shorter = p, suffix
    return tuple(by_order)


def discounts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The discounts of counts of 0, 1, 2, and 3 or more (Chen & Goodman 1999); n1 ... n4 are the numbers of `counts`
    that are 1 ... 4:

    Y = n1 / (n1 + 2 n2)    D1 = 1 - 2 Y n2 / n1    D2 = 2 - 3 Y n3 / n2    D3 = 3 - 4 Y n4 / n3

    Where one of the four is 0, or a discount would not be above 0, all three are FALLBACK.
    """
    n1, n2, n3, n4 = np.bincount(np.minimum(counts, 5), minlength=5)[1:5].tolist()
    chosen = FALLBACK
    if n1 and n2 and n3 and n4:
        Y = n1 / (n1 + 2 * n2)
        estimated = (1 - 2 * Y * n2 / n1, 2 - 3 * Y * n3 / n2, 3 - 4 * Y * n4 / n3)
        chosen = estimated if min(estimated) > 0 else FALLBACK
    return np.array([0.0, *chosen])


def _offsets(ids: NDArray[np.integer[Any]], starts: NDArray[np.int64], vocabulary: int) -> NDArray[np.int64]:
    """Each token's position in its document, `[N]`: 0 for the END at its beginning."""
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
    """The files of a bundle's `baseline/`: the tokens of the training text, on which the model is fitted in seconds."""
    ids, starts = _kept(corpus)
    facts = {"ngram": METHOD, "order": order, "tokens": len(ids)}
    return {FACTS: json.dumps(facts, indent=2).encode(), TOKENS: arrays.to_bytes({"ids": ids, "starts": starts})}


def from_files(files: Mapping[str, bytes], vocabulary: int) -> dict[str, NGram]:
    """The model of `to_files` as `ngram`, and that of single tokens as `unigram`; {} where `files` hold none.

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
    """The tokens of the training text that `to_files` wrote, with 0 as the number of characters; None where `files`
    hold none. Raises BundleError where they are damaged.
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
    """The order with the highest likelihood of the validation text; the first one if that text is empty."""
    if len(orders) == 1 or not validation.targets:
        return orders[0]

    def likelihood(order: int) -> float:
        model = NGram.fit(*_kept(training, ORDER_TOKENS), vocabulary, order)
        return float(model.log_probabilities(validation.ids, validation.starts).mean())

    return max(orders, key=likelihood)


def _kept(corpus: Corpus, limit: int = MAX_TOKENS) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The last tokens of a corpus."""
    first = max(0, len(corpus.ids) - limit)
    return np.asarray(corpus.ids[first:]), np.concatenate([[first], corpus.starts[corpus.starts > first]]) - first
