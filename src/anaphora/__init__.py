"""Anaphora: recurrent neural networks for text and other sequences.

The public names, imported when they are first used, so that `import anaphora` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anaphora.errors import AnaphoraError
    from anaphora.estimators.classifier import TextClassifier
    from anaphora.estimators.forecaster import Forecaster
    from anaphora.estimators.language import LanguageModel
    from anaphora.estimators.load import load
    from anaphora.estimators.regressor import SequenceRegressor
    from anaphora.estimators.sequence_classifier import SequenceClassifier

__all__ = [
    "AnaphoraError",
    "Forecaster",
    "LanguageModel",
    "SequenceClassifier",
    "SequenceRegressor",
    "TextClassifier",
    "load",
]

_HOME = {
    "AnaphoraError": "anaphora.errors",
    "Forecaster": "anaphora.estimators.forecaster",
    "LanguageModel": "anaphora.estimators.language",
    "SequenceClassifier": "anaphora.estimators.sequence_classifier",
    "SequenceRegressor": "anaphora.estimators.regressor",
    "TextClassifier": "anaphora.estimators.classifier",
    "load": "anaphora.estimators.load",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'anaphora' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
