"""What a network of numeric sequences must beat: the mean or the most frequent label, and a linear model on summaries.

All are fitted on exactly the rows that the network learns from. The linear model reads `summaries` of each row, or of
each step what was there up to it; ridge regression tells numbers, logistic regression labels. Its one knob is chosen by
cross-validation in which a row is never on both sides, on CHOOSING rows or steps where there are more.
"""

import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import arrays
from anaphora.data.numbers import Numbers, moments
from anaphora.errors import BundleError
from anaphora.extras import load_extra
from anaphora.tasks.sequences import summaries

FOLDS = 3
INVERSES = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
"""C of the logistic regression, the inverse of its strength."""
STRENGTHS = tuple(10.0**k for k in range(-6, 2))
"""Of the ridge, for each row: alpha is as many times larger as there are rows."""
CHOOSING = 10_000
"""At most as many examples choose among strengths: with more the linear model would take longer than the network."""
FACTS, ARRAYS = "baseline.json", "linear.safetensors"
METHODS = {
    "labels": "summaries of each sequence, logistic regression",
    "numbers": "summaries of each sequence, ridge regression",
}


@dataclass(frozen=True)
class LinearSummaries:
    """Scores `[K]` of features `[F]`: those are brought to mean 0 and deviation 1 first, and what is missing to 0."""

    mean_F: Numbers
    deviation_F: Numbers
    weight_KF: Numbers
    bias_K: Numbers
    strength: float

    def scores(self, features_NF: Numbers) -> Numbers:
        return standardised(features_NF, self.mean_F, self.deviation_F) @ self.weight_KF.T + self.bias_K


@dataclass(frozen=True)
class SequenceBaselines:
    """Both baselines of a bundle. `usual` is the most frequent label, or the mean; without `labels` they tell numbers.
    `stepwise` ones answer each step, where the network reads in `both` directions by what comes after it, too.
    """

    labels: tuple[str, ...]
    usual: Any
    linear: LinearSummaries
    stepwise: bool
    both: bool

    @classmethod
    def of_labels(cls, rows: Sequence[Numbers], labels: Sequence[str], stepwise: bool, both: bool) -> Self:
        """Fit on training rows and their labels, those of steps row after row."""
        model = load_extra("sklearn.linear_model").LogisticRegression(max_iter=2_000)
        linear, fitted = _fit(model, "C", lambda _: INVERSES, rows, np.array(labels), stepwise, both)
        return cls(tuple(fitted.classes_.tolist()), Counter(labels).most_common(1)[0][0], linear, stepwise, both)

    @classmethod
    def of_numbers(cls, rows: Sequence[Numbers], targets: Numbers, stepwise: bool, both: bool) -> Self:
        """Fit on training rows and their targets, `[N]` or `[N, outputs]`, those of steps row after row."""
        model = load_extra("sklearn.linear_model").Ridge()

        def alphas(count: int) -> list[float]:
            return [strength * count for strength in STRENGTHS]

        linear, _ = _fit(model, "alpha", alphas, rows, targets, stepwise, both)
        return cls((), targets.mean(0).tolist(), linear, stepwise, both)

    def predict(self, rows: Sequence[Numbers]) -> dict[str, NDArray[Any]]:
        """The answers of each baseline, by its name: `[N, ...]`, those of steps row after row."""
        features_NF = _features(rows, self.stepwise, self.both)
        scores_NK = self.linear.scores(features_NF)
        if not self.labels:
            usual = np.array(self.usual)
            linear = scores_NK if usual.ndim else scores_NK[:, 0]
            return {"mean": np.broadcast_to(usual, linear.shape), "linear": linear}
        chosen_N = scores_NK.argmax(1) if len(self.labels) > 2 else (scores_NK[:, 0] > 0).astype(int)
        return {"majority": np.full(len(features_NF), self.usual), "linear": np.array(self.labels)[chosen_N]}

    def to_files(self) -> dict[str, bytes]:
        """The contents of a bundle's `baseline/`."""
        facts = {
            "linear": METHODS["labels" if self.labels else "numbers"],
            "strength": self.linear.strength,
            "labels": list(self.labels),
            "usual": self.usual,
            "stepwise": self.stepwise,
            "both": self.both,
        }
        fitted = {
            "mean": self.linear.mean_F,
            "deviation": self.linear.deviation_F,
            "weight": self.linear.weight_KF,
            "bias": self.linear.bias_K,
        }
        return {FACTS: json.dumps(facts, indent=2, ensure_ascii=False).encode(), ARRAYS: arrays.to_bytes(fitted)}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self | None:
        """The baselines of a bundle; None where it has none. Raises BundleError where they are damaged."""
        if FACTS not in files:
            return None
        try:
            facts, fitted = json.loads(files[FACTS]), arrays.from_bytes(files[ARRAYS])
            mean, deviation, weight, bias = (fitted[name] for name in ("mean", "deviation", "weight", "bias"))
            labels, usual = tuple(map(str, facts["labels"])), facts["usual"]
            answers = len(labels) if len(labels) > 2 else 1 if labels else np.size(usual)
            if weight.shape != (answers, len(mean)) or bias.shape != (answers,) or deviation.shape != mean.shape:
                raise ValueError("its parts do not fit together")
            linear = LinearSummaries(mean, deviation, weight, bias, float(facts["strength"]))
            return cls(labels, usual, linear, bool(facts["stepwise"]), bool(facts["both"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BundleError(f"the model's baseline/ is damaged: {type(error).__name__}: {error}") from error


def standardised(features_NF: Numbers, mean_F: Numbers, deviation_F: Numbers) -> Numbers:
    return np.nan_to_num((features_NF - mean_F) / deviation_F, nan=0.0)


def _features(rows: Sequence[Numbers], stepwise: bool, both: bool) -> Numbers:
    return summaries.of_steps(rows, both) if stepwise else summaries.of_rows(rows)


def _fit(
    model: Any,
    knob: str,
    values_for: Callable[[int], Sequence[float]],
    rows: Sequence[Numbers],
    targets: NDArray[Any],
    stepwise: bool,
    both: bool,
) -> tuple[LinearSummaries, Any]:
    """A linear model with the best of its knob's values for as many examples, and scikit-learn's own."""
    features_NF = _features(rows, stepwise, both)
    mean_F, deviation_F = moments(features_NF)
    x_NF = standardised(features_NF, mean_F, deviation_F)
    groups_N = np.repeat(np.arange(len(rows)), list(map(len, rows))) if stepwise else np.arange(len(rows))
    few_M = _some(groups_N)
    chosen = 1.0
    with warnings.catch_warnings():  # of labels with fewer rows than folds, and of a fit that is not quite at its end
        warnings.simplefilter("ignore", UserWarning)
        if folds := list(_folds(x_NF[few_M], targets[few_M], groups_N[few_M])):
            grid = {knob: values_for(len(few_M))}
            search = load_extra("sklearn.model_selection").GridSearchCV(model, grid, cv=folds, refit=False)
            chosen = values_for(len(x_NF))[search.fit(x_NF[few_M], targets[few_M]).best_index_]
        model = model.set_params(**{knob: chosen}).fit(x_NF, targets)
    weight_KF = np.atleast_2d(model.coef_).astype(np.float64)
    bias_K = np.atleast_1d(model.intercept_).astype(np.float64)
    return LinearSummaries(mean_F, deviation_F, weight_KF, bias_K, float(getattr(model, knob))), model


def _some(groups_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of at most CHOOSING examples, of whole rows; of more where rows are so long that folds want them."""
    sizes = np.bincount(groups_N)
    order = np.random.default_rng(0).permutation(len(sizes))
    count = np.searchsorted(sizes[order].cumsum(), CHOOSING, side="right")
    return np.flatnonzero(np.isin(groups_N, order[: max(int(count), 2 * FOLDS)]))


def _folds(x_NF: Numbers, targets: NDArray[Any], groups_N: NDArray[np.int64]) -> Iterator[tuple[Any, Any]]:
    """Rows to fit on and to check on, none on both sides, the shares of labels kept; nothing where rows are too few."""
    selection, labelled = load_extra("sklearn.model_selection"), targets.dtype.kind == "U"
    if len(np.unique(groups_N)) < 2 * FOLDS or (labelled and max(Counter(targets.tolist()).values()) < FOLDS):
        return
    splitter = selection.StratifiedGroupKFold(FOLDS) if labelled else selection.GroupKFold(FOLDS)
    for fitted, checked in splitter.split(x_NF, targets, groups_N):
        if not labelled or len(set(targets[fitted].tolist())) > 1:
            yield fitted, checked
