"""A linear model of the words and word pairs of a text, run by NumPy; `linear_fit` fits it.

It is the baseline of every text classifier, and the optional linear member, whose probabilities are averaged with the
network's.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import arrays
from anaphora.errors import BundleError

WORDS, SIGNS = "words", "words, letters and signs"
PATTERNS = {WORDS: r"\b\w\w+\b", SIGNS: r"\w+|[!?]"}
"""The baseline reads words of two letters or more; a linear member reads single letters, ! and ? as well."""
MIN_PROBABILITY = 1e-6
"""Floor for one-vs-rest probabilities and log-loss, so that one confident mistake cannot dominate."""
FACTS, TERMS, ARRAYS = "linear.json", "terms.txt", "linear.safetensors"
DAMAGED = (ValueError, KeyError, TypeError, OverflowError, RecursionError)
"""The exceptions that reading a damaged file may raise."""


@dataclass(frozen=True)
class Linear:
    """A fitted logistic regression. `terms` name the F columns; `weight` `[K, F]`, `bias` `[K]`; K is 1 for two labels.

    With `idf` `[F]`, the features are TF-IDF (sublinear, of length 1) and the model is a softmax. Without, the features
    are binary and the model is one-vs-rest (naive-Bayes weights: Wang & Manning 2012, section 2.3). `reads` names one
    of the PATTERNS; `strength` is C, the inverse of the regularisation.
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
        """A description for people."""
        kind = "naive-Bayes weights" if self.idf is None else "TF-IDF (sublinear)"
        return f"{kind} of {self.reads} and pairs of them, logistic regression, C={self.strength:g}"

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The most likely label of each text."""
        scores_NK = self._scores(texts)
        chosen_N = scores_NK.argmax(axis=1) if len(self.labels) > 2 else (scores_NK[:, 0] > 0).astype(int)
        return [self.labels[k] for k in chosen_N]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The probability of each label, `[N, labels]`."""
        return to_probabilities(self._scores(texts), self.idf is None)

    def _scores(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([self._scores_of(text) for text in texts], np.float32).reshape(-1, len(self.bias))

    def _scores_of(self, text: str) -> NDArray[np.float32]:
        words = re.findall(PATTERNS[self.reads], text.lower())
        terms = (*words, *map(" ".join, pairwise(words)))
        known = [column for term in terms if (column := self._columns.get(term)) is not None]
        columns, counts = np.unique(np.array(known, np.int64), return_counts=True)
        if self.idf is None or not len(columns):
            return self.weight[:, columns].sum(axis=1) + self.bias
        values = (1 + np.log(counts.astype(np.float32))) * self.idf[columns]
        return self.weight[:, columns] @ (values / np.linalg.norm(values)) + self.bias

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {term: column for column, term in enumerate(self.terms)}

    # Saving

    def facts(self) -> dict[str, Any]:
        """The part of the model that belongs into a JSON file; `to_files` has the rest."""
        return {"linear": self.method, "C": self.strength, "labels": self.labels, "reads": self.reads}

    def to_files(self) -> dict[str, bytes]:
        """Terms and arrays."""
        idf = {} if self.idf is None else {"idf": self.idf}
        fitted = {**idf, "weight": self.weight, "bias": self.bias}
        return {TERMS: "\n".join(self.terms).encode(), ARRAYS: arrays.to_bytes(fitted)}

    @classmethod
    def from_files(cls, facts: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        """The model of `facts` and `to_files`. Raises one of DAMAGED where they do not fit."""
        terms, saved = tuple(files[TERMS].decode().split("\n")), arrays.from_bytes(files[ARRAYS])
        idf, weight, bias = saved.get("idf"), saved["weight"], saved["bias"]
        labels = tuple(facts["labels"])
        reads = facts.get("reads", WORDS)  # models of earlier versions have no `reads`
        rows = len(labels) if len(labels) > 2 else 1
        if reads not in PATTERNS or not all(isinstance(label, str) for label in labels):
            raise ValueError(f"reads={reads!r}, labels={labels!r}")
        expected = {"weight": (rows, len(terms)), "bias": (rows,)} | ({} if idf is None else {"idf": (len(terms),)})
        for name, shape in expected.items():
            if saved[name].shape != shape or saved[name].dtype != np.float32 or not np.isfinite(saved[name]).all():
                raise ValueError(f"its parts do not fit together: {name}")
        fitted = cls(labels, float(facts["C"]), reads, terms, idf, weight, bias)
        if len(fitted._columns) != len(terms) or len(set(labels)) != len(labels):
            raise ValueError("a term or a label comes twice")
        return fitted


def to_files(linear: Linear) -> dict[str, bytes]:
    """A linear member as files, by name."""
    return {FACTS: json.dumps(linear.facts(), indent=2, ensure_ascii=False).encode()} | linear.to_files()


def from_files(files: Mapping[str, bytes]) -> Linear | None:
    """The linear member of `to_files`; None where there are no files. Raises BundleError where they are damaged."""
    try:
        return Linear.from_files(json.loads(files[FACTS]), files) if files else None
    except DAMAGED as error:
        raise BundleError(f"the model's linear/ is damaged: {type(error).__name__}: {error}") from error


def to_probabilities(scores_NK: NDArray[Any], one_vs_rest: bool) -> NDArray[Any]:
    """Scores `[N, K]` -> probabilities, by a softmax, or one-vs-rest; one column of scores gives two labels."""
    if scores_NK.shape[1] == 1:
        second_N1 = _sigmoid(scores_NK)
        return np.concatenate([1 - second_N1, second_N1], axis=1)
    if one_vs_rest:
        e_NK = np.maximum(_sigmoid(scores_NK), MIN_PROBABILITY)
    else:
        e_NK = np.exp(scores_NK - scores_NK.max(axis=1, keepdims=True))
    return e_NK / e_NK.sum(axis=1, keepdims=True)


def _sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return 0.5 + 0.5 * np.tanh(0.5 * x)
