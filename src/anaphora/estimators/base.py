"""What all estimators share: scikit-learn's conventions over a task, a training and a bundle.

A fitted estimator predicts through the same torch-free runtime as a loaded one, on the arrays that `save` writes.
"""

import inspect
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from anaphora import bundle
from anaphora.bundle import Bundle
from anaphora.config import Config, fields_of
from anaphora.data.batch import Source
from anaphora.engine import native
from anaphora.errors import NotFitted, OptionError, did_you_mean
from anaphora.events import Epoch, Event, Start
from anaphora.extras import load_extra
from anaphora.net.blocks import Recurrent
from anaphora.net.build import Arrays, merge
from anaphora.task import Task

TaskT = TypeVar("TaskT", bound=Task)
RunnerT = TypeVar("RunnerT")
Show = Callable[[Arrays], Iterator[Event]]
"""Events to show after an epoch, from the best network so far."""


class Estimator(ABC, Generic[TaskT, RunnerT]):
    """An estimator of a task. A subclass gives the class of its options, which become its signature, and its runner.

    `kind` is scikit-learn's estimator type.
    """

    _config: ClassVar[type[Config]]
    _kind: ClassVar[str]
    _reads_text: ClassVar[bool] = False
    _adapt: ClassVar[Callable[[Any], Any]] = staticmethod(lambda options: options)
    """Options as given -> options with values that follow from a file that they name. Raises OptionError,
    BundleError.
    """
    examined_: Any = None
    """The result of the last evaluation, that of `fit`'s validation rows included."""

    def __init_subclass__(cls, config: type[Config] | None = None, kind: str = "") -> None:
        super().__init_subclass__()
        if config is None:  # an abstract class between this one and the estimators
            return
        cls._config, cls._kind = config, kind
        options = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
            for name, field in fields_of(config).items()
        ]
        cls.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # read by inspect, unknown to mypy

    def __init__(self, **options: Any) -> None:
        self._bundle: Bundle | None = None
        self._fitted_runner: RunnerT | None = None
        for name, field in fields_of(self._config).items():
            setattr(self, name, field.default)
        self.set_params(**options)

    # scikit-learn's conventions

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The options by name, as they were given."""
        return {name: getattr(self, name) for name in fields_of(self._config)}

    def set_params(self, **options: Any) -> Self:
        """Set options; `fit` checks their values. Raises OptionError at an unknown name."""
        names = fields_of(self._config)
        for given, value in options.items():
            name = self._config.RENAMED.get(given, given)
            if name not in names:
                raise OptionError(f"{name!r} is not an option of {type(self).__name__}{did_you_mean(name, names)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        fields = fields_of(self._config)
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
            input_tags=utils.InputTags(two_d_array=False, three_d_array=True, string=self._reads_text),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the options and the bundle's bytes."""
        return {"options": self.get_params(), "files": self._bundle and self._bundle.to_files()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(vars(type(self)(**state["options"])))
        if state["files"]:
            self._adopt(Bundle.from_files(state["files"]))

    # Training

    def check_options(self) -> None:
        """Raise what `fit` would raise for the options alone: OptionError, BundleError."""
        self._options()

    def _options(self) -> Any:
        return type(self)._adapt(self._config.from_dict(self.get_params()))

    def _train(
        self,
        task: Task,
        training: Source,
        validation: Source,
        facts: dict[str, Any],
        baseline: Mapping[str, bytes],
        partial: str | os.PathLike[str] | None,
        show: Show | None = None,
    ) -> Generator[Event, None, None]:
        """Train the task's networks and adopt the best; whatever stops the training, the best so far is adopted.

        `facts` are saved with the model; their `data_sha256`, the task's facts and the options identify the training
        whose checkpoints are in `partial`.
        """
        began = time.perf_counter()
        ensemble = load_training()
        options = task.options
        cell = next(block.cell for block in task.spec().values() if isinstance(block, Recurrent))
        learned = task.facts()
        facts = {
            **_versions("anaphora", "torch"),
            **facts,
            "precision": native.used(cell, options.precision),
            **learned,
        }
        run = {"data": facts["data_sha256"], **options.to_dict(), **learned}
        bests: list[Any] = []
        epochs: list[dict[str, Any]] = []

        def adopt() -> None:
            if members := [best.arrays for best in bests if best.arrays is not None]:
                seconds = round(time.perf_counter() - began, 1)
                training = facts | {"best_epoch": bests[0].epoch, "seconds": seconds, "epochs": epochs}
                self._adopt(Bundle(task, merge(members), training=training, baseline=baseline, members=len(members)))

        try:
            folder = None if partial is None else Path(partial)
            with closing(ensemble.train(task, training, validation, bests, folder, run)) as events:
                for event in events:
                    match event:
                        case Start():
                            facts["steps"] = event.steps
                        case Epoch():
                            loss = event.training_loss
                            epochs.append({"epoch": event.epoch, "training_loss": loss, "score": event.score})
                    yield event
                    if show and isinstance(event, Epoch) and event.epoch == bests[-1].epoch:
                        yield from show(bests[-1].arrays)
        finally:
            adopt()

    def _adopt(self, fitted: Bundle, precision: str = "float32") -> None:
        self._bundle, self._fitted_runner = fitted, self._make_runner(fitted, precision)

    @staticmethod
    @abstractmethod
    def _make_runner(fitted: Bundle, precision: str) -> RunnerT:
        """The object that runs a fitted model."""

    # The fitted model

    @property
    def _runner(self) -> RunnerT:
        self._fitted()
        return cast(RunnerT, self._fitted_runner)

    @property
    def _task(self) -> TaskT:
        return cast(TaskT, self._fitted().task)

    def _fitted(self) -> Bundle:
        if self._bundle is None:
            raise NotFitted(f"this {type(self).__name__} is not fitted yet: call fit first, or load a saved model")
        return self._bundle

    def annotate(self, columns: Mapping[str, Any] | None = None, report: str | None = None, **facts: Any) -> None:
        """Add to the saved model: the names of the file's columns that it reads, the page of scores, facts."""
        fitted = self._fitted()
        columns = fitted.columns if columns is None else dict(columns)
        report = fitted.report if report is None else report
        self._bundle = replace(fitted, columns=columns, report=report, training=fitted.training | facts)

    # Saving

    def save(self, folder: str | os.PathLike[str], force: bool = False) -> None:
        """Write the model's folder. Raises OutputExists where it exists, unless `force` is given."""
        bundle.write(self._fitted(), Path(folder), force)

    @classmethod
    def from_bundle(cls, saved: Bundle, precision: str = "float32") -> Self:
        """The fitted estimator of a saved model; `precision` is the number format of its recurrent layers."""
        estimator = cls(**saved.task.options.to_dict())
        estimator._adopt(saved, precision)
        return estimator

    @property
    def bundle_(self) -> Bundle:
        """What `save` writes: task, arrays, facts of the training."""
        return self._fitted()


def load_training() -> Any:
    """The training code, and with it torch; loaded when a model is first fitted."""
    load_extra("torch")
    load_extra("accelerate")
    from anaphora.train import ensemble

    return ensemble


def _versions(*packages: str) -> dict[str, str]:
    from importlib.metadata import version  # slow to import, and not needed to predict

    return {package: version(package) for package in packages}
