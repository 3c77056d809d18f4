"""What all estimators share: scikit-learn's manners over a task, a training and a bundle.

A fitted estimator predicts through the same torch-free runtime as a loaded one, on the very arrays that `save` writes.
"""

import inspect
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from anaphora import bundle
from anaphora.bundle import Bundle
from anaphora.data.batch import Source
from anaphora.engine import native
from anaphora.errors import NotFitted, OptionError, did_you_mean
from anaphora.events import Epoch, Event, Start
from anaphora.extras import load_extra
from anaphora.net.blocks import Recurrent
from anaphora.net.build import Arrays, together


class Estimator(ABC):
    """What all estimators share. A subclass names its task, whose options become its signature."""

    _task: ClassVar[Any]
    _kind: ClassVar[str]
    _reads_text: ClassVar[bool] = False

    def __init_subclass__(cls, task: Any = None, kind: str = "") -> None:
        if task is None:  # an estimator that is still to be made one of a task
            return
        cls._task, cls._kind = task, kind
        options = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
            for name, field in task.Config.__dataclass_fields__.items()
        ]
        cls.__signature__ = inspect.Signature(options)  # type: ignore[attr-defined]  # read by inspect, unknown to mypy

    def __init__(self, **options: Any) -> None:
        self._bundle: Bundle | None = None
        self._run_by: Any = None
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
            input_tags=utils.InputTags(two_d_array=False, three_d_array=True, string=self._reads_text),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Pickling goes through the bundle's bytes."""
        return {"options": self.get_params(), "files": self._bundle and self._bundle.to_files()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(vars(type(self)(**state["options"])))
        if state["files"]:
            self._adopt(Bundle.from_files(state["files"]))

    # Training

    def _train(
        self,
        task: Any,
        training: Source,
        validation: Source,
        facts: dict[str, Any],
        baseline: Mapping[str, bytes],
        partial: str | os.PathLike[str] | None,
        linear: Mapping[str, bytes] | None = None,
    ) -> Generator[Event, None, None]:
        """Train the task's networks and adopt the best; whatever stops it, what is best so far is adopted.

        `facts` are kept with the model; their `data_sha256`, those of the task and the options identify the training
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
                own = {"best_epoch": bests[0].epoch, "seconds": round(time.perf_counter() - began, 1), "epochs": epochs}
                arrays = together(members)
                made = Bundle(task, arrays, training=facts | own, baseline=baseline, members=len(members))
                self._adopt(replace(made, linear=linear or {}))

        try:
            folder = None if partial is None else Path(partial)
            with closing(ensemble.train(task, training, validation, bests, folder, run)) as events:
                for event in events:
                    match event:
                        case Start():
                            facts["steps"] = event.steps
                        case Epoch():
                            seen = {"epoch": event.epoch, "training_loss": event.training_loss, "score": event.score}
                            epochs.append(seen)
                    yield event
                    if isinstance(event, Epoch) and event.epoch == bests[-1].epoch:
                        yield from self._shown(task, bests[-1].arrays)
        finally:
            adopt()

    def _adopt(self, fitted: Bundle, precision: str = "float32") -> None:
        self._bundle, self._run_by = fitted, self._runner(fitted, precision)

    @staticmethod
    @abstractmethod
    def _runner(fitted: Bundle, precision: str) -> Any:
        """What runs a fitted model."""

    def _ready(self) -> Any:
        """What runs this model. Raises NotFitted."""
        self._fitted()
        return self._run_by

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

    def _shown(self, task: Any, arrays: Arrays) -> Iterator[Event]:
        """What of the best network so far is shown after an epoch."""
        return iter(())

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


def load_training() -> Any:
    """The training of networks, and with it torch; loaded when a model is first fitted."""
    load_extra("torch")
    load_extra("accelerate")
    from anaphora.train import ensemble

    return ensemble


def load_dynamic() -> Any:
    """Dynamic evaluation, which learns, too."""
    load_training()
    from anaphora.tasks.language import dynamic

    return dynamic


def _versions(*packages: str) -> dict[str, str]:
    from importlib.metadata import version  # it brings much that those who only predict need not wait for

    return {package: version(package) for package in packages}
