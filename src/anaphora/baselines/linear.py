"""A linear model of the words and word pairs of a text: scikit-learn fits it, NumPy runs it.

It is the baseline of every text classifier, and on demand one that answers beside the network.
"""

import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import arrays
from anaphora.errors import BundleError
from anaphora.extras import load_extra
from anaphora.tasks.bayes import log_count_ratios

FOLDS = 3
WORDS, SIGNS = "words", "words, letters and signs"
PATTERNS = {WORDS: r"\b\w\w+\b", SIGNS: r"\w+|[!?]"}
"""What a linear model reads: the baseline words, a partner of the network their small change, too."""
STRENGTHS = (1.0, 3.0, 10.0, 30.0)
BAYES_STRENGTHS = (0.03, 0.1, 0.3, 1.0)
"""C, the inverse of the regularisation, of TF-IDF and of naive-Bayes weights."""
LEAST_SHARE = 1e-6
"""Of a label's probability, where it is judged: one sure mistake would outweigh all else."""
FACTS, TERMS, ARRAYS = "linear.json", "terms.txt", "linear.safetensors"


@dataclass(frozen=True)
class Linear:
    """Logistic regression, fitted: `terms` name the columns; `weight` `[K, F]`, `bias` `[K]`; K is 1 for two labels.

    With `idf` `[F]` a text's features are TF-IDF (sublinear, of length 1), and its scores a softmax's; without, a term
    is there or not, and each label is told from all others (naive-Bayes weights: Wang & Manning 2012, section 2.3).
    `reads` names one of the PATTERNS; `strength` is C, the inverse of the regularisation.
    """

    labels: tuple[str, ...]
    strength: float
    reads: str
    terms: tuple[str, ...]
    idf: NDArray[np.float32] | None
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    @property
    def method(self) -> str:
        """What it is, in words."""
        kind = "naive-Bayes weights" if self.idf is None else "TF-IDF"
        seen = "in two rows or more" + ("" if self.idf is None else ", sublinear")
        return f"{kind} of 1-2-grams ({seen}), logistic regression"

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The most likely label of each text."""
        return [self.labels[k] for k in self.shares(texts).argmax(axis=1)]

    def shares(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The probability of each label, `[N, labels]`."""
        scores_NK = np.array([self._scores(text) for text in texts], np.float32).reshape(-1, len(self.bias))
        return _shares(scores_NK, self.idf is None)

    def _scores(self, text: str) -> NDArray[np.float32]:
        words = re.findall(PATTERNS[self.reads], text.lower())
        terms = (*words, *map(" ".join, pairwise(words)))
        found = [place for term in terms if (place := self._places.get(term)) is not None]
        places, counts = np.unique(np.array(found, np.int64), return_counts=True)
        if self.idf is None or not len(places):
            return self.weight[:, places].sum(axis=1) + self.bias
        values = (1 + np.log(counts.astype(np.float32))) * self.idf[places]
        return self.weight[:, places] @ (values / np.linalg.norm(values)) + self.bias

    @cached_property
    def _places(self) -> dict[str, int]:
        return {term: place for place, term in enumerate(self.terms)}

    # Saving

    def facts(self) -> dict[str, Any]:
        """What `to_files` leaves to a JSON file."""
        return {"linear": self.method, "C": self.strength, "labels": self.labels, "reads": self.reads}

    def to_files(self) -> dict[str, bytes]:
        """Terms and arrays."""
        idf = {} if self.idf is None else {"idf": self.idf}
        fitted = {**idf, "weight": self.weight, "bias": self.bias}
        return {TERMS: "\n".join(self.terms).encode(), ARRAYS: arrays.to_bytes(fitted)}

    @classmethod
    def from_files(cls, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """The model of `facts` and `to_files`. Raises ValueError, KeyError or TypeError where they do not fit."""
        terms, fitted = tuple(files[TERMS].decode().split("\n")), arrays.from_bytes(files[ARRAYS])
        idf, weight, bias = fitted.get("idf"), fitted["weight"], fitted["bias"]
        labels = tuple(facts["labels"])
        rows = len(labels) if len(labels) > 2 else 1
        if len(set(terms)) != len(terms):
            raise ValueError("a term comes twice")
        if weight.shape != (rows, len(terms)) or bias.shape != (rows,):
            raise ValueError("its parts do not fit together")
        if idf is not None and idf.shape != (len(terms),):
            raise ValueError("its parts do not fit together")
        reads = facts.get("reads", WORDS)  # a model of an earlier version reads words, and does not say so
        if reads not in PATTERNS:
            raise ValueError(f"reads={reads!r}")
        return cls(labels, float(facts["C"]), reads, terms, idf, weight, bias)


def to_folder(partner: Linear) -> dict[str, bytes]:
    """The contents of a bundle's `linear/`."""
    return {FACTS: json.dumps(partner.facts(), indent=2, ensure_ascii=False).encode()} | partner.to_files()


def from_folder(files: Mapping[str, bytes]) -> Linear:
    """The partner of a bundle. Raises BundleError where it is damaged."""
    try:
        return Linear.from_files(json.loads(files[FACTS]), files)
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"the model's linear/ is damaged: {type(error).__name__}: {error}") from error


Way = tuple[bool, float]
"""Of fitting: whether by naive-Bayes weights, and C."""
Loss = Callable[[NDArray[Any], NDArray[np.bool_]], float]
"""Of probabilities `[N, K]`, and where the true label is; it may be none of them."""


def fit_baseline(texts: Sequence[str], labels: Sequence[str]) -> Linear | None:
    """TF-IDF; C is 1, 3, 10 or 30, by accuracy in 3-fold cross-validation. None where no text has a word."""
    fitting = _Fitting.of(texts, labels, WORDS)
    return fitting.best([(False, strength) for strength in STRENGTHS], _wrong) if fitting else None


def fit_partner(texts: Sequence[str], labels: Sequence[str]) -> Linear | None:
    """TF-IDF or naive-Bayes weights, each with its own C, by log-loss in such folds: its probabilities will be used.
    None where no text has a word.
    """
    fitting = _Fitting.of(texts, labels, SIGNS)
    tried = [(False, strength) for strength in STRENGTHS] + [(True, strength) for strength in BAYES_STRENGTHS]
    return fitting.best(tried, _surprise) if fitting else None


@dataclass(frozen=True)
class _Fitting:
    """Texts whose terms are counted, `[N, F]`, and their labels."""

    reads: str
    terms: tuple[str, ...]
    counts_NF: Any
    truth_N: NDArray[Any]

    @classmethod
    def of(cls, texts: Sequence[str], labels: Sequence[str], reads: str) -> Self | None:
        """Terms of one row alone are left out, unless there are no others. None where there are none at all."""
        count = load_extra("sklearn.feature_extraction.text").CountVectorizer
        for least in (2, 1):
            counter = count(token_pattern=PATTERNS[reads], ngram_range=(1, 2), min_df=least, dtype=np.float32)
            try:
                counts_NF = counter.fit_transform(texts)
            except ValueError:  # scikit-learn's word for an empty vocabulary
                continue
            return cls(reads, tuple(counter.get_feature_names_out().tolist()), counts_NF, np.array(labels))
        return None

    def best(self, ways: Sequence[Way], loss: Loss) -> Linear:
        """Fit on all rows in the way with the smallest loss in cross-validation; the first where rows are too few."""
        chosen = ways[0]
        with (
            warnings.catch_warnings()
        ):  # of labels with fewer rows than folds, and of a fit that is not quite at its end
            warnings.simplefilter("ignore", UserWarning)
            if folds := list(self._folds()):
                chosen = min(ways, key=lambda way: np.mean([self._judged(way, *fold, loss) for fold in folds]))
            weight_KF, bias_K = self._fitted(chosen, np.arange(len(self.truth_N)))
        bayes, strength = chosen
        idf = None if bayes else self._weighing.idf_.astype(np.float32)
        labels = tuple(np.unique(self.truth_N).tolist())
        return Linear(
            labels, strength, self.reads, self.terms, idf, weight_KF.astype(np.float32), bias_K.astype(np.float32)
        )

    def _folds(self) -> Iterator[tuple[Any, Any]]:
        """Rows to fit on and to check on, the shares of labels kept."""
        if max(Counter(self.truth_N.tolist()).values()) < FOLDS:
            return
        splitter = load_extra("sklearn.model_selection").StratifiedKFold(FOLDS)
        for fitted, checked in splitter.split(self.truth_N, self.truth_N):
            if len(np.unique(self.truth_N[fitted])) > 1:
                yield fitted, checked

    def _judged(self, way: Way, fitted: Any, checked: Any, loss: Loss) -> float:
        weight_KF, bias_K = self._fitted(way, fitted)
        shares_MK = _shares(self._features(way[0])[checked] @ weight_KF.T + bias_K, way[0])
        known = np.unique(self.truth_N[fitted])
        right_MK = self.truth_N[checked, None] == known
        return loss(shares_MK, right_MK)

    def _fitted(self, way: Way, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Weights and biases, of some rows."""
        bayes, strength = way
        features_NF, truth_N = self._features(bayes)[rows], self.truth_N[rows]
        regression = load_extra("sklearn.linear_model").LogisticRegression(C=strength, max_iter=2_000)
        if not bayes:
            fitted = regression.fit(features_NF, truth_N)
            return fitted.coef_, fitted.intercept_
        labels, targets_N = np.unique(truth_N, return_inverse=True)
        read = np.split(features_NF.indices, features_NF.indptr[1:-1])
        ratios_FK = log_count_ratios(read, targets_N, len(self.terms), len(labels)).astype(np.float32)
        weights, biases = [], []
        for k in range(len(labels)) if len(labels) > 2 else (1,):
            fitted = regression.fit(features_NF.multiply(ratios_FK[:, k]).tocsr(), targets_N == k)
            weights.append(fitted.coef_[0] * ratios_FK[:, k])
            biases.append(fitted.intercept_[0])
        return np.array(weights), np.array(biases)

    def _features(self, bayes: bool) -> Any:
        return self._there if bayes else self._weighed

    @cached_property
    def _weighing(self) -> Any:
        transformer = load_extra("sklearn.feature_extraction.text").TfidfTransformer
        return transformer(sublinear_tf=True).fit(self.counts_NF)

    @cached_property
    def _weighed(self) -> Any:
        return self._weighing.transform(self.counts_NF)

    @cached_property
    def _there(self) -> Any:
        return (self.counts_NF > 0).astype(np.float32)


def _wrong(shares_NK: NDArray[Any], right_NK: NDArray[np.bool_]) -> float:
    """The share of wrong answers."""
    return float((~right_NK[np.arange(len(right_NK)), shares_NK.argmax(axis=1)]).mean())


def _surprise(shares_NK: NDArray[Any], right_NK: NDArray[np.bool_]) -> float:
    """Log-loss, in nats."""
    return -float(np.log(np.maximum((shares_NK * right_NK).sum(axis=1), LEAST_SHARE)).mean())


def _shares(scores_NK: NDArray[Any], apart: bool) -> NDArray[Any]:
    """Scores -> probabilities, of two labels for one score. They are a softmax's, or each label is told `apart`."""
    if scores_NK.shape[1] == 1:
        share_N1 = _sigmoid(scores_NK)
        return np.concatenate([1 - share_N1, share_N1], axis=1)
    if apart:
        e_NK = np.maximum(_sigmoid(scores_NK), LEAST_SHARE)
    else:
        e_NK = np.exp(scores_NK - scores_NK.max(axis=1, keepdims=True))
    return e_NK / e_NK.sum(axis=1, keepdims=True)


def _sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return 0.5 + 0.5 * np.tanh(0.5 * x)
