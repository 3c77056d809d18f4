"""Fitting linear models of texts with scikit-learn; kind and regularisation are chosen by cross-validation."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_extra
from anaphora.tasks.classify.linear import MIN_PROBABILITY, PATTERNS, SIGNS, WORDS, Linear, to_probabilities
from anaphora.tasks.classify.naive_bayes import log_count_ratios

FOLDS = 3
STRENGTHS = (1.0, 3.0, 10.0, 30.0)
"""C, the inverse of the regularisation, of the baseline."""
MEMBER_STRENGTHS = (3.0, 10.0, 30.0, 100.0, 300.0)
"""C of a linear member by TF-IDF: features of length 1 need a large C for calibrated probabilities."""
BAYES_STRENGTHS = (0.03, 0.1, 0.3, 1.0)
"""C of a linear member by naive-Bayes weights."""


class Candidate(NamedTuple):
    """One candidate to fit a linear model: by naive-Bayes weights or by TF-IDF, and C."""

    bayes: bool
    strength: float


Loss = Callable[[NDArray[Any], NDArray[np.bool_], NDArray[Any]], float]
"""A loss of probabilities `[N, K]`, a mask of the true labels (it may have none) and the rows' weights."""


def fit_baseline(texts: Sequence[str], labels: Sequence[str]) -> Linear | None:
    """The baseline: TF-IDF; C is 1, 3, 10 or 30, by accuracy in 3-fold cross-validation. None where no text has a
    word.
    """
    fitting = _Fitting.of(texts, labels, WORDS)
    return fitting.best([Candidate(False, strength) for strength in STRENGTHS], _negative_accuracy) if fitting else None


def fit_member(
    texts: Sequence[str], labels: Sequence[str], groups: Sequence[Any], balanced: bool = False
) -> Linear | None:
    """A linear member: TF-IDF or naive-Bayes weights and C, chosen by log-loss in 3-fold cross-validation.

    Log-loss selects, because the probabilities are used. Texts of one of the `groups` are on one side of a fold. With
    `balanced` all labels have the same weight. None where no text has a word.
    """
    fitting = _Fitting.of(texts, labels, SIGNS, groups, balanced)
    tried = [Candidate(False, strength) for strength in MEMBER_STRENGTHS]
    tried += [Candidate(True, strength) for strength in BAYES_STRENGTHS]
    return fitting.best(tried, _log_loss) if fitting else None


@dataclass(frozen=True)
class _Fitting:
    """The term counts of texts, `[N, F]`, their labels and weights."""

    reads: str
    terms: tuple[str, ...]
    counts_NF: Any
    truth_N: NDArray[Any]
    weight_N: NDArray[Any]
    groups: Sequence[Any] | None

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        labels: Sequence[str],
        reads: str,
        groups: Sequence[Any] | None = None,
        balanced: bool = False,
    ) -> Self | None:
        """Terms that occur in only one row are ignored, unless there are no others. None where there are no terms."""
        count = load_extra("sklearn.feature_extraction.text").CountVectorizer
        for least in (2, 1):
            counter = count(token_pattern=PATTERNS[reads], ngram_range=(1, 2), min_df=least, dtype=np.float32)
            try:
                counts_NF = counter.fit_transform(texts)
            except ValueError:  # scikit-learn's error for an empty vocabulary
                continue
            often = Counter(labels)
            weights = [len(labels) / len(often) / often[label] if balanced else 1.0 for label in labels]
            terms = tuple(counter.get_feature_names_out().tolist())
            return cls(reads, terms, counts_NF, np.array(labels), np.array(weights), groups)
        return None

    def best(self, candidates: Sequence[Candidate], loss: Loss) -> Linear:
        """Fit the candidate with the smallest loss in cross-validation on all rows; the first one where rows are too
        few.
        """
        with warnings.catch_warnings():
            # Warnings about labels with fewer rows than folds, and about a fit that has not quite converged.
            warnings.simplefilter("ignore", UserWarning)
            losses = np.array([self._losses(candidates, *fold, loss) for fold in self._folds()])
            chosen = candidates[int(losses.mean(axis=0).argmin())] if len(losses) else candidates[0]
            weight_KF, bias_K = next(self._fitted([chosen], np.arange(len(self.truth_N))))
        idf = None if chosen.bayes else self._tfidf.idf_.astype(np.float32)
        labels = tuple(np.unique(self.truth_N).tolist())
        fitted = weight_KF.astype(np.float32), bias_K.astype(np.float32)
        return Linear(labels, chosen.strength, self.reads, self.terms, idf, *fitted)

    def _folds(self) -> Iterator[tuple[Any, Any]]:
        """Rows to fit on and rows to evaluate on, stratified by label."""
        if max(Counter(self.truth_N.tolist()).values()) < FOLDS:
            return
        selection = load_extra("sklearn.model_selection")
        if self.groups is None:
            splits = selection.StratifiedKFold(FOLDS).split(self.truth_N, self.truth_N)
        elif len(set(self.groups)) < FOLDS:
            return
        else:
            splits = selection.StratifiedGroupKFold(FOLDS).split(self.truth_N, self.truth_N, self.groups)
        for fitted, checked in splits:
            if len(np.unique(self.truth_N[fitted])) > 1 and len(checked):
                yield fitted, checked

    def _losses(self, candidates: Sequence[Candidate], fitted: Any, checked: Any, loss: Loss) -> list[float]:
        """The loss of each candidate on the rows to evaluate on."""
        known = np.unique(self.truth_N[fitted])
        right_MK = self.truth_N[checked, None] == known
        losses = []
        for candidate, (weight_KF, bias_K) in zip(candidates, self._fitted(candidates, fitted), strict=True):
            probabilities_MK = to_probabilities(
                self._features(candidate.bayes)[checked] @ weight_KF.T + bias_K, candidate.bayes
            )
            losses.append(loss(probabilities_MK, right_MK, self.weight_N[checked]))
        return losses

    def _fitted(
        self, candidates: Iterable[Candidate], rows: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
        """Weights and biases fitted on some rows, for each candidate; candidates of one kind must be adjacent."""
        regression = load_extra("sklearn.linear_model").LogisticRegression
        for bayes, alike in groupby(candidates, key=lambda candidate: candidate.bayes):
            models = [regression(C=candidate.strength, max_iter=2_000) for candidate in alike]
            features_NF, truth_N = self._features(bayes)[rows], self.truth_N[rows]
            parts: list[list[tuple[Any, Any]]] = [[] for _ in models]
            for x_NF, targets_N, scale_F in (
                _one_vs_rest(features_NF, truth_N) if bayes else [(features_NF, truth_N, 1)]
            ):
                for model, part in zip(models, parts, strict=True):
                    model.fit(x_NF, targets_N, self.weight_N[rows])
                    part.append((model.coef_ * scale_F, model.intercept_))
            for part in parts:
                weights, biases = zip(*part, strict=True)
                yield np.concatenate(weights), np.concatenate(biases)

    def _features(self, bayes: bool) -> Any:
        return self._presence_NF if bayes else self._tfidf_NF

    @cached_property
    def _tfidf(self) -> Any:
        transformer = load_extra("sklearn.feature_extraction.text").TfidfTransformer
        return transformer(sublinear_tf=True).fit(self.counts_NF)

    @cached_property
    def _tfidf_NF(self) -> Any:  # noqa: N802 (a shape in the name)
        return self._tfidf.transform(self.counts_NF)

    @cached_property
    def _presence_NF(self) -> Any:  # noqa: N802 (a shape in the name)
        return (self.counts_NF > 0).astype(np.float32)


def _one_vs_rest(
    presence_NF: Any, truth_N: NDArray[Any]
) -> Iterator[tuple[Any, NDArray[np.bool_], NDArray[np.float32]]]:
    """For each label (of two, the second): features times the label's log-count ratios, its mask, and the ratios."""
    labels, targets_N = np.unique(truth_N, return_inverse=True)
    read = np.split(presence_NF.indices, presence_NF.indptr[1:-1])
    ratios_FK = log_count_ratios(read, targets_N, presence_NF.shape[1], len(labels)).astype(np.float32)
    for k in range(len(labels)) if len(labels) > 2 else (1,):
        yield presence_NF.multiply(ratios_FK[:, k]).tocsr(), targets_N == k, ratios_FK[:, k]


def _negative_accuracy(probabilities_NK: NDArray[Any], right_NK: NDArray[np.bool_], weight_N: NDArray[Any]) -> float:
    """Accuracy, negative."""
    return -float(np.average(right_NK[np.arange(len(right_NK)), probabilities_NK.argmax(axis=1)], weights=weight_N))


def _log_loss(probabilities_NK: NDArray[Any], right_NK: NDArray[np.bool_], weight_N: NDArray[Any]) -> float:
    """Log-loss, in nats."""
    return -float(
        np.average(np.log(np.maximum((probabilities_NK * right_NK).sum(axis=1), MIN_PROBABILITY)), weights=weight_N)
    )
