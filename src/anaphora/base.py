"""What all estimators share: scikit-learn's manners over a task, a training and a bundle.

A fitted estimator predicts through the same torch-free runtime as a loaded one, on the very arrays that `save` writes.
"""

import hashlib
import inspect
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence, Sized
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import bundle
from anaphora.bundle import Bundle
from anaphora.data.batch import Examples
from anaphora.data.split import split
from anaphora.engine import native
from anaphora.errors import DataError, NotFitted, OptionError, did_you_mean
from anaphora.events import Epoch, Event, Stage, Start
from anaphora.extras import load_extra
from anaphora.networks.blocks import Recurrent
from anaphora.networks.network import together
from anaphora.runtime.predictor import Predictor

FEWEST_VALIDATION_ROWS = 10


class Estimator(ABC):
    """What all estimators share. A subclass names its task, whose options become its signature."""

    _task: ClassVar[Any]
    _kind: ClassVar[str]

    def __init_subclass__(cls, task: Any, kind: str) -> None:
        cls._task, cls._kind = task, kind
        options = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
            for name, field in task.Config.__dataclass_fields__.items()
        ]
        cls.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # read by inspect, unknown to mypy

    def __init__(self, **options: Any) -> None:
        self._bundle: Bundle | None = None
        self._predictor: Predictor | None = None
        for name, field in self._task.Config.__dataclass_fields__.items():
            setattr(self, name, field.default)
        self.set_params(**options)

    # scikit-learn's manners

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The options by name, as they were given."""
        return {name: getattr(self, name) for name in self._task.Config.__dataclass_fields__}

    def set_params(self, **options: Any) -> Self:
        """Set options; their values are checked by `fit`. Raises OptionError at an unknown name."""
        names = self._task.Config.__dataclass_fields__
        for name, value in options.items():
            if name not in names:
                raise OptionError(f"{name!r} is not an option of {type(self).__name__}{did_you_mean(name, names)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        fields = self._task.Config.__dataclass_fields__
        changed = [f"{name}={value!r}" for name, value in self.get_params().items() if value != fields[name].default]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_is_fitted__(self) -> bool:
        return self._bundle is not None

    def __sklearn_tags__(self) -> Any:
        utils = load_extra("sklearn.utils")
        return utils.Tags(
            estimator_type=self._kind,
            target_tags=utils.TargetTags(required=True),
            classifier_tags=utils.ClassifierTags() if self._kind == "classifier" else None,
            regressor_tags=utils.RegressorTags() if self._kind == "regressor" else None,
            input_tags=utils.InputTags(two_d_array=False, three_d_array=True, string=self._kind == "classifier"),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Pickling goes through the bundle's bytes."""
        return {"options": self.get_params(), "files": self._bundle and self._bundle.to_files()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(vars(type(self)(**state["options"])))
        if state["files"]:
            self._adopt(Bundle.from_files(state["files"]))

    # Fitting

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
        began = time.perf_counter()
        options = self._task.Config.from_dict(self.get_params())
        check_as_many(rows, targets)
        check_as_many(rows, rows if groups is None else groups)
        rows, targets = self._checked_rows(rows), self._checked_targets(targets)
        ensemble = _load_training()
        kept, held = self._split(rows, targets, groups, options)
        options = options.resolved(len(kept))
        kept_rows, kept_targets = [rows[i] for i in kept], [targets[i] for i in kept]
        held_rows, held_targets = [rows[i] for i in held], [targets[i] for i in held]
        data = _fingerprint(rows, targets)
        yield Stage("reading the training rows")
        task = self._task.learn(options, kept_rows, kept_targets)
        examples = task.encode(kept_rows, kept_targets)
        validation = task.encode(held_rows, held_targets) if held_rows else Examples([])
        yield Stage("fitting the baseline")
        baselines = self._fit_baselines(kept_rows, kept_targets)
        cell = next(block.cell for block in task.spec().values() if isinstance(block, Recurrent))
        facts = {
            **_versions("anaphora", "torch"),
            "rows": len(kept_rows),
            "validation_rows": len(held_rows),
            "data_sha256": data,
            "precision": native.used(cell, options.precision),
            **task.facts(),
        }
        run = {"data": data, **options.to_dict()}
        bests: list[Any] = []
        epochs: list[dict[str, Any]] = []
        try:
            folder = None if partial is None else Path(partial)
            with closing(ensemble.train(task, examples, validation, bests, folder, run)) as events:
                for event in events:
                    match event:
                        case Start():
                            facts["steps"] = event.steps
                        case Epoch():
                            seen = {"epoch": event.epoch, "training_loss": event.training_loss, "score": event.score}
                            epochs.append(seen)
                    yield event
        finally:
            if members := [best.arrays for best in bests if best.arrays is not None]:
                facts |= {"best_epoch": bests[0].epoch, "seconds": round(time.perf_counter() - began, 1)}
                facts["epochs"] = epochs
                self._adopt(Bundle(task, together(members), training=facts, baseline=baselines, members=len(members)))
        if held_rows:
            yield Stage("scoring the validation rows")
            self.annotate(validation=self.evaluate(held_rows, held_targets))

    def _split(self, rows: Sequence[Any], targets: Sequence[Any], groups: Any, options: Any) -> tuple[Any, Any]:
        """Row numbers to learn from, and to choose the best epoch by: none where they would be too few to say much."""
        if options.validation * len(rows) < FEWEST_VALIDATION_ROWS:
            return np.arange(len(rows)), np.arange(0)
        rng = np.random.default_rng(options.seed)
        return split(self._groups(rows) if groups is None else groups, self._strata(targets), options.validation, rng)

    def _adopt(self, fitted: Bundle, precision: str = "float32") -> None:
        self._bundle = fitted
        self._predictor = Predictor(fitted.task, fitted.arrays, fitted.members, precision)

    def annotate(self, columns: Mapping[str, Any] | None = None, report: str | None = None, **facts: Any) -> None:
        """Add to what the saved model says of itself: the file's columns that it reads, a page of scores, facts."""
        fitted = self._fitted()
        columns = fitted.columns if columns is None else dict(columns)
        report = fitted.report if report is None else report
        self._bundle = replace(fitted, columns=columns, report=report, training=fitted.training | facts)

    def _fitted(self) -> Bundle:
        if self._bundle is None:
            raise NotFitted(f"this {type(self).__name__} is not fitted yet: call fit first, or load a saved model")
        return self._bundle

    def _run(self, rows: Sequence[Any]) -> NDArray[Any]:
        self._fitted()
        assert self._predictor is not None
        return self._predictor.predict(self._checked_rows(rows))

    # Saving

    def save(self, folder: str | os.PathLike[str], force: bool = False) -> None:
        """Write the model's folder. Raises OutputExists where it exists, unless `force` says to replace it."""
        bundle.write(self._fitted(), Path(folder), force)

    @classmethod
    def from_bundle(cls, saved: Bundle, precision: str = "float32") -> Self:
        """The fitted estimator of a saved model; `precision` is what its recurrent layers compute in."""
        estimator = cls(**saved.task.options.to_dict())
        estimator._adopt(saved, precision)
        return estimator

    @property
    def bundle_(self) -> Bundle:
        """What `save` writes: task, arrays, facts of the training."""
        return self._fitted()

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


def check_as_many(rows: Sized, targets: Sized) -> None:
    """Raise DataError unless there are some rows, and as many targets."""
    if len(rows) != len(targets) or not len(rows):
        raise DataError(f"{len(rows)} rows and {len(targets)} targets: some are needed, and as many of both")


def _load_training() -> Any:
    """The training of networks, and with it torch; loaded when a model is first fitted."""
    load_extra("torch")
    load_extra("accelerate")
    from anaphora.train import ensemble

    return ensemble


def _versions(*packages: str) -> dict[str, str]:
    from importlib.metadata import version  # it brings much that those who only predict need not wait for

    return {package: version(package) for package in packages}


def _fingerprint(rows: Sequence[Any], targets: Sequence[Any]) -> str:
    """SHA-256 of rows and targets in their order."""
    digest = hashlib.sha256()
    for row, target in zip(rows, targets, strict=True):
        for part in (row, target):
            content = part.encode() if isinstance(part, str) else repr(np.asarray(part).tolist()).encode()
            digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
