"""Anaphora: recurrent neural networks for text and other sequences.

The public names, imported when they are first used, so that `import anaphora` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anaphora.errors import AnaphoraError
    from anaphora.tasks.classify.estimator import TextClassifier
    from anaphora.tasks.forecast.estimator import Forecaster
    from anaphora.tasks.language.estimator import LanguageModel
    from anaphora.estimators.load import load
    from anaphora.tasks.sequences.regressor import SequenceRegressor
    from anaphora.tasks.sequences.classifier import SequenceClassifier

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
    "Forecaster": "anaphora.tasks.forecast.estimator",
    "LanguageModel": "anaphora.tasks.language.estimator",
    "SequenceClassifier": "anaphora.tasks.sequences.classifier",
    "SequenceRegressor": "anaphora.tasks.sequences.regressor",
    "TextClassifier": "anaphora.tasks.classify.estimator",
    "load": "anaphora.estimators.load",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'anaphora' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
