"""A saved model, as the commands take it."""

from pathlib import Path
from typing import Any

from anaphora.estimators.base import Estimator
from anaphora.errors import OptionError
from anaphora.tasks.classify.estimator import TextClassifier
from anaphora.estimators.load import load


def as_classifier(model: Any, folder: Path) -> TextClassifier:
    if model.bundle_.task.name == "language":
        raise OptionError(f"{folder} is a language model, which labels nothing: use anaphora generate {folder}")
    if not isinstance(model, TextClassifier):
        raise OptionError(f"{folder} is a model for the task {model.bundle_.task.name!r}: use it from Python")
    return model


def load_language_model(folder: Path, precision: str) -> Any:
    model = load(folder, precision)
    if model.bundle_.task.name != "language":
        raise OptionError(
            f"{folder} is a model for the task {model.bundle_.task.name!r}, which writes nothing: anaphora generate is "
            "for those of anaphora train language"
        )
    return model


def text_columns(model: Estimator, folder: Path) -> tuple[str, ...]:
    """The columns that the model reads, as in its training."""
    columns = model.bundle_.columns.get("text")
    if not columns:
        raise OptionError(f"{folder} was trained in Python and knows no column names: say which with --text")
    return tuple(columns)
