"""Fitting estimators on rows and targets: `fit_rows`, with what differs between estimators in a profile."""

import hashlib
import os
from collections.abc import Callable, Generator, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from anaphora.bundle import Bundle
from anaphora.data.batch import Examples
from anaphora.data.split import split
from anaphora.errors import DataError
from anaphora.estimators.base import Estimator, TaskT, load_training
from anaphora.estimators.inputs import not_rows
from anaphora.events import Event, Stage
from anaphora.runtime.predictor import Predictor
from anaphora.task import RowTask

MIN_VALIDATION_ROWS = 10
Split = tuple[Any, Any]
"""The numbers of the rows to train on, and of those to validate on."""


@dataclass(frozen=True)
class Rows:
    """Checked rows and their targets, and the group of each row: a group never straddles a split."""

    rows: Sequence[Any]
    targets: Sequence[Any]
    groups: Sequence[Any]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: Sequence[int]) -> "Rows":
        parts = ([sequence[i] for i in chosen] for sequence in (self.rows, self.targets, self.groups))
        return Rows(*parts)


def one_stratum(options: Any, targets: Sequence[Any]) -> Sequence[Any]:
    """All targets are alike to the split."""
    return [0] * len(targets)


def any_split(options: Any, rows: Rows, parts: Split) -> Split:
    """Any split is allowed."""
    return parts


def learn_only(task_class: Any) -> Callable[[Any, Rows], Generator[Event, None, tuple[Any, dict[str, Any]]]]:
    """`RowProfile.learn` for a task without anything to fit but its vocabulary, labels or scales."""

    def learn(options: Any, rows: Rows) -> Generator[Event, None, tuple[Any, dict[str, Any]]]:
        yield from ()
        return task_class.learn(options, rows.rows, rows.targets), {}

    return learn


@dataclass(frozen=True)
class RowProfile:
    """What differs between the estimators that learn from rows and targets."""

    check: Callable[[Any, Sequence[Any], Sequence[Any]], tuple[Sequence[Any], Sequence[Any]]]
    """Options, rows, targets -> rows and targets as the task needs them. Raises DataError."""
    groups: Callable[[Sequence[Any]], Sequence[Any]]
    """Rows -> the group of each."""
    learn: Callable[[Any, Rows], Generator[Event, None, tuple[Any, dict[str, Any]]]]
    """Options and training rows -> the task, and facts for the model card; may yield stages."""
    baseline: Callable[[Any, Rows], dict[str, bytes]]
    """Options and training rows -> the files of the fitted baselines."""
    strata: Callable[[Any, Sequence[Any]], Sequence[Any]] = one_stratum
    """Options and targets -> the strata whose shares a split keeps."""
    adjust: Callable[[Any, Rows, Split], Split] = any_split
    """Options, rows and a split -> a split that the task can learn from."""


class RowEstimator(Estimator[TaskT, Predictor[Any]]):
    """An estimator with `fit(rows, targets)`. A subclass has a profile and `examine`."""

    _profile: RowProfile

    def fit(self, rows: Sequence[Any], targets: Sequence[Any]) -> Self:
        """Fit on rows and their targets. Needs the extra `train`.

        Raises OptionError and DataError for options and data that it cannot use, TrainingFailed when the loss is not a
        number.
        """
        for _ in self.fit_events(rows, targets):
            pass
        return self

    def fit_events(
        self,
        rows: Sequence[Any],
        targets: Sequence[Any],
        groups: Sequence[Any] | None = None,
        partial: str | os.PathLike[str] | None = None,
    ) -> Generator[Event, None, None]:
        """`fit` as a generator of `anaphora.events`, for a progress bar or a plot.

        `groups` has a key for each row; rows with the same key are never on both sides of the validation split. By
        default rows that are almost the same are a group. If it is closed or interrupted, the best model so far is the
        fitted one. With `partial`, a folder, checkpoints are kept there, and an unfinished training of the same data
        and options continues where it stopped, with the result of an uninterrupted one.
        """
        yield from fit_rows(self, self._profile, rows, targets, groups, partial)

    def examine(self, rows: Sequence[Any], targets: Sequence[Any]) -> Any:
        """`evaluate`, with the tables, the verdict and the page of the scores (`report.examined.Examined`)."""
        raise NotImplementedError

    def evaluate(self, rows: Sequence[Any], targets: Sequence[Any]) -> dict[str, Any]:
        """Scores on rows whose targets are known, and those of the baselines on the same rows."""
        scores: dict[str, Any] = self.examine(rows, targets).scores
        return scores

    @staticmethod
    def _make_runner(fitted: Bundle, precision: str) -> Predictor[Any]:
        task: RowTask = fitted.task  # type: ignore[assignment]  # a bundle holds any task
        return Predictor(task, fitted.arrays, fitted.members, precision)


def fit_rows(
    model: RowEstimator[Any],
    profile: RowProfile,
    rows: Sequence[Any],
    targets: Sequence[Any],
    groups: Sequence[Any] | None,
    partial: str | os.PathLike[str] | None,
) -> Generator[Event, None, None]:
    """Check, split, learn, fit the baselines, train, and score the validation rows."""
    load_training()
    options = model._options()
    check_same_length(rows, targets)
    check_same_length(rows, rows if groups is None else groups)
    checked, answers = profile.check(options, rows, targets)
    everything = Rows(checked, answers, profile.groups(checked) if groups is None else groups)
    kept, held = validation_split(options, profile, everything)
    options = options.resolved(len(kept))
    training, validation = everything.take(kept), everything.take(held)
    yield Stage("reading the training rows")
    task, facts = yield from profile.learn(options, training)
    examples = task.encode(training.rows, training.targets)
    checks = task.encode(validation.rows, validation.targets) if len(validation) else Examples(((),))
    yield Stage("fitting the baseline")
    baseline = profile.baseline(options, training)
    counts = {"rows": len(training), "validation_rows": len(validation)}
    facts = {**counts, "data_sha256": _fingerprint(checked, answers), **facts}
    yield from model._train(task, examples, checks, facts, baseline, partial)
    if len(validation):
        yield Stage("scoring the validation rows")
        model.annotate(validation=model.evaluate(validation.rows, validation.targets))


def validation_split(options: Any, profile: RowProfile, rows: Rows) -> Split:
    """The rows to train on and to validate on; none of the latter where they would be too few to mean anything."""
    if options.validation * len(rows) < MIN_VALIDATION_ROWS:
        return np.arange(len(rows)), np.arange(0)
    rng = np.random.default_rng(options.seed)
    parts = split(rows.groups, profile.strata(options, rows.targets), options.validation, rng)
    return profile.adjust(options, rows, parts)


def check_same_length(rows: Sized, targets: Sized) -> None:
    """Raise DataError unless there are rows, and as many targets."""
    counts = []
    for kind, given in (("rows", rows), ("targets", targets)):
        try:
            counts.append(len(given))
        except TypeError:
            raise not_rows(given, kind) from None
    if counts[0] != counts[1] or not counts[0]:
        raise DataError(
            f"{counts[0]} rows and {counts[1]} targets: one target for each row is needed, at least one row"
        )


def _fingerprint(rows: Sequence[Any], targets: Sequence[Any]) -> str:
    """SHA-256 of rows and targets in their order."""
    digest = hashlib.sha256()
    for row, target in zip(rows, targets, strict=True):
        for part in (row, target):
            content = part.encode() if isinstance(part, str) else repr(np.asarray(part).tolist()).encode()
            digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
