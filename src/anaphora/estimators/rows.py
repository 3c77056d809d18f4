"""What the estimators of rows with one answer each share: `fit(rows, targets)`, the split, the answers."""

import hashlib
import os
from abc import abstractmethod
from collections.abc import Generator, Sequence, Sized
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from anaphora.estimators.base import Estimator, load_training
from anaphora.bundle import Bundle
from anaphora.data.batch import Examples
from anaphora.data.split import split
from anaphora.errors import DataError
from anaphora.estimators.inputs import not_rows
from anaphora.events import Event, Stage
from anaphora.runtime.predictor import Predictor
from anaphora.task import RowTask

FEWEST_VALIDATION_ROWS = 10


class RowEstimator(Estimator):
    """What they share."""

    def fit(self, rows: Sequence[Any], targets: Sequence[Any]) -> Self:
        """Learn from rows and their targets. Needs the extra `train`.

        Raises OptionError and DataError for what it cannot use, TrainingFailed where the loss is no longer a number.
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
        """`fit`, as a generator of the events in `anaphora.events`, for a progress bar or a plot.

        Rows of one of the `groups` never straddle the validation split; by default those that are almost the same.
        Closed or interrupted before its end, it leaves the best model so far as the fitted one. With `partial`, a
        folder, checkpoints are kept there, and an unfinished training of the same data and options is taken up where it
        stopped, to the same end as if it had not.
        """
        load_training()
        options, begun = self._asked()
        check_as_many(rows, targets)
        check_as_many(rows, rows if groups is None else groups)
        rows, targets = self._checked(rows, targets)
        kept, held = self._split(rows, targets, groups, options)
        options = options.resolved(len(kept))
        kept_rows, kept_targets = [rows[i] for i in kept], [targets[i] for i in kept]
        held_rows, held_targets = [rows[i] for i in held], [targets[i] for i in held]
        yield Stage("reading the training rows")
        task = self._task.learn(options, kept_rows, kept_targets, **begun)
        examples = task.encode(kept_rows, kept_targets)
        validation = task.encode(held_rows, held_targets) if held_rows else Examples([])
        yield Stage("fitting the baseline")
        baselines = self._fit_baselines(kept_rows, kept_targets)
        known_groups = None if groups is None else [groups[i] for i in kept]
        linear, said = yield from self._fit_partner(task, kept_rows, kept_targets, known_groups)
        facts = {
            "rows": len(kept_rows),
            "validation_rows": len(held_rows),
            "data_sha256": _fingerprint(rows, targets),
            **said,
        }
        yield from self._train(task, examples, validation, facts, baselines, partial, linear)
        if held_rows:
            yield Stage("scoring the validation rows")
            self.annotate(validation=self.evaluate(held_rows, held_targets))

    def _checked(self, rows: Sequence[Any], targets: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """Rows to learn from and their targets as the task wants them. Raises DataError."""
        return self._checked_rows(rows), self._checked_targets(targets)

    def check_options(self) -> None:
        """Raise what `fit` would raise of the options before it looks at a row: OptionError, BundleError."""
        self._asked()

    def _asked(self) -> tuple[Any, dict[str, Any]]:
        """The options, and what else the task's `learn` wants to know of what they name."""
        return self._task.Config.from_dict(self.get_params()), {}

    def _split(self, rows: Sequence[Any], targets: Sequence[Any], groups: Any, options: Any) -> tuple[Any, Any]:
        """Row numbers to learn from, and to choose the best epoch by: none where they would be too few to say much."""
        if options.validation * len(rows) < FEWEST_VALIDATION_ROWS:
            return np.arange(len(rows)), np.arange(0)
        rng = np.random.default_rng(options.seed)
        return split(self._groups(rows) if groups is None else groups, self._strata(targets), options.validation, rng)

    @staticmethod
    def _runner(fitted: Bundle, precision: str) -> Predictor:
        return Predictor(cast(RowTask, fitted.task), fitted.arrays, fitted.members, precision)

    def _run(self, rows: Sequence[Any]) -> NDArray[Any]:
        runner: Predictor = self._ready()
        return runner.predict(self._checked_rows(rows))

    # What a subclass knows of its rows and targets

    @abstractmethod
    def evaluate(self, rows: Sequence[Any], targets: Sequence[Any]) -> dict[str, Any]:
        """Scores on rows whose targets are known."""

    @abstractmethod
    def _checked_rows(self, rows: Sequence[Any]) -> list[Any]:
        """The rows as the task wants them. Raises DataError."""

    @abstractmethod
    def _checked_targets(self, targets: Sequence[Any]) -> list[Any]:
        """The targets as the task wants them. Raises DataError."""

    def _groups(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Rows of the same group never straddle a split."""
        return range(len(rows))

    def _strata(self, targets: Sequence[Any]) -> Sequence[Any]:
        """Targets whose shares a split keeps."""
        return [0] * len(targets)

    def _fit_baselines(self, rows: Sequence[Any], targets: Sequence[Any]) -> dict[str, bytes]:
        return {}

    def _fit_partner(
        self, task: Any, rows: Sequence[Any], targets: Sequence[Any], groups: Sequence[Any] | None
    ) -> Generator[Event, None, tuple[dict[str, bytes], dict[str, Any]]]:
        """The linear model that will answer together with the network, as files, and what to say of it."""
        yield from ()
        return {}, {}


def check_as_many(rows: Sized, targets: Sized) -> None:
    """Raise DataError unless there are some rows, and as many targets."""
    counts = []
    for kind, given in (("rows", rows), ("targets", targets)):
        try:
            counts.append(len(given))
        except TypeError:
            raise not_rows(given, kind) from None
    if counts[0] != counts[1] or not counts[0]:
        raise DataError(f"{counts[0]} rows and {counts[1]} targets: some are needed, and as many of both")


def _fingerprint(rows: Sequence[Any], targets: Sequence[Any]) -> str:
    """SHA-256 of rows and targets in their order."""
    digest = hashlib.sha256()
    for row, target in zip(rows, targets, strict=True):
        for part in (row, target):
            content = part.encode() if isinstance(part, str) else repr(np.asarray(part).tolist()).encode()
            digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
