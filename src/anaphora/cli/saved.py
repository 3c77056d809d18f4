"""A saved model, as the commands take it."""

from pathlib import Path

from anaphora.errors import OptionError
from anaphora.estimators import TextClassifier, load


def load_classifier(folder: Path) -> TextClassifier:
    model = load(folder)
    if not isinstance(model, TextClassifier):
        raise OptionError(f"{folder} is a model for the task {model.bundle_.task.name!r}: use it from Python")
    return model


def text_columns(classifier: TextClassifier, folder: Path) -> tuple[str, ...]:
    """The columns that the model reads, as in its training."""
    columns = classifier.bundle_.columns.get("text")
    if not columns:
        raise OptionError(f"{folder} was trained in Python and knows no column names: say which with --text")
    return tuple(columns)
