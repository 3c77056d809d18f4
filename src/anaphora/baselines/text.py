"""What a network must beat: the most frequent label, and a linear model on TF-IDF of words and word pairs.

Both are fitted on exactly the rows that the network learns from. The linear model's one knob is chosen by
cross-validation, so that it is a decent model and no straw man.
"""

import json
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import arrays
from anaphora.data.duplicates import text_keys
from anaphora.errors import BundleError
from anaphora.extras import load_extra

STRENGTHS = (1.0, 3.0, 10.0, 30.0)
FOLDS = 3
METHOD = "TF-IDF of 1-2-grams (in two rows or more, sublinear), logistic regression"
FACTS, TERMS, ARRAYS = "baseline.json", "terms.txt", "linear.safetensors"
ROWS = "training_rows.safetensors"


@dataclass(frozen=True)
class Linear:
    """Logistic regression, fitted: `terms` name the columns; `idf` `[F]`, `weight` `[K, F]`, `bias` `[K]`, where K is
    1 for two labels. `strength` is C, the inverse of the regularisation.
    """

    labels: tuple[str, ...]
    strength: float
    terms: tuple[str, ...]
    idf: NDArray[np.float32]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str]) -> Self | None:
        """Fit on training rows; C is 1, 3, 10 or 30, by 3-fold cross-validation. None where no text has a word."""
        linear_model, selection = load_extra("sklearn.linear_model"), load_extra("sklearn.model_selection")
        vectorizer, features = _vectorize(texts)
        if vectorizer is None:
            return None
        model = linear_model.LogisticRegression(C=STRENGTHS[0], max_iter=2_000)
        if max(Counter(labels).values()) >= FOLDS:
            search = selection.GridSearchCV(model, {"C": list(STRENGTHS)}, cv=FOLDS)
            with warnings.catch_warnings():  # of a label with fewer rows than folds
                warnings.simplefilter("ignore", UserWarning)
                model = search.fit(features, labels).best_estimator_
        else:
            model = model.fit(features, labels)
        return cls(
            tuple(model.classes_.tolist()),
            float(model.C),
            tuple(vectorizer.get_feature_names_out().tolist()),
            vectorizer.idf_.astype(np.float32),
            model.coef_.astype(np.float32),
            model.intercept_.astype(np.float32),
        )

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The most likely label of each text."""
        vectorizer = _vectorizer(1, list(self.terms))
        vectorizer.idf_ = self.idf
        scores = vectorizer.transform(texts) @ self.weight.T + self.bias
        chosen = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
        return [self.labels[k] for k in chosen]


@dataclass(frozen=True)
class Baselines:
    """Both baselines of a bundle; `linear` is None where the training texts held no word."""

    majority: str
    linear: Linear | None

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str]) -> Self:
        return cls(Counter(labels).most_common(1)[0][0], Linear.fit(texts, labels))

    def predict(self, texts: Sequence[str]) -> dict[str, list[str]]:
        """The answers of each baseline, by its name."""
        answers = {"majority": [self.majority] * len(texts)}
        return answers | ({"linear": self.linear.predict(texts)} if self.linear else {})

    def to_files(self) -> dict[str, bytes]:
        """The contents of a bundle's `baseline/`."""
        facts: dict[str, Any] = {"majority": self.majority}
        files = {}
        if self.linear:
            facts |= {"linear": METHOD, "C": self.linear.strength, "labels": self.linear.labels}
            fitted = {"idf": self.linear.idf, "weight": self.linear.weight, "bias": self.linear.bias}
            files = {TERMS: "\n".join(self.linear.terms).encode(), ARRAYS: arrays.to_bytes(fitted)}
        return files | {FACTS: json.dumps(facts, indent=2, ensure_ascii=False).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The baselines of a bundle. Raises BundleError where they are missing or damaged."""
        try:
            facts = json.loads(files[FACTS])
            if not isinstance(facts["majority"], str):
                raise TypeError(f"majority={facts['majority']!r}")
            if "linear" not in facts:
                return cls(facts["majority"], None)
            terms = tuple(files[TERMS].decode().split("\n"))
            fitted = arrays.from_bytes(files[ARRAYS])
            idf, weight, bias = fitted["idf"], fitted["weight"], fitted["bias"]
            labels = tuple(facts["labels"])
            rows = len(labels) if len(labels) > 2 else 1
            if len(set(terms)) != len(terms):
                raise ValueError("a term comes twice")
            if idf.shape != (len(terms),) or weight.shape != (rows, len(terms)) or bias.shape != (rows,):
                raise ValueError("its parts do not fit together")
            return cls(facts["majority"], Linear(labels, float(facts["C"]), terms, idf, weight, bias))
        except (ValueError, KeyError, TypeError) as error:
            raise BundleError(f"the model's baseline/ is damaged: {type(error).__name__}: {error}") from error


def rows_files(texts: Sequence[str]) -> dict[str, bytes]:
    """The training rows as numbers, so that a test file's overlap with them can be counted."""
    return {ROWS: arrays.to_bytes({"keys": np.unique(text_keys(texts))})}


def seen_in(files: Mapping[str, bytes], texts: Sequence[str]) -> int:
    """How many of the texts were trained on, case and signs aside."""
    if ROWS not in files:
        return 0
    try:
        keys = arrays.from_bytes(files[ROWS])["keys"]
    except (ValueError, KeyError) as error:
        raise BundleError(f"the model's baseline/ is damaged: {type(error).__name__}: {error}") from error
    return int(np.isin(text_keys(texts), keys).sum())


def _vectorize(texts: Sequence[str]) -> tuple[Any, Any]:
    """A fitted vectorizer and its features. Words seen once are left out, unless nothing else is there."""
    for least in (2, 1):
        vectorizer = _vectorizer(least, None)
        try:
            return vectorizer, vectorizer.fit_transform(texts)
        except ValueError:  # scikit-learn's word for an empty vocabulary
            continue
    return None, None


def _vectorizer(least: int, terms: list[str] | None) -> Any:
    text = load_extra("sklearn.feature_extraction.text")
    return text.TfidfVectorizer(ngram_range=(1, 2), min_df=least, sublinear_tf=True, vocabulary=terms, dtype=np.float32)
