"""Anaphora: recurrent neural networks for text and other sequences.

The public names are imported when they are first used, so that `import anaphora` costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anaphora.errors import AnaphoraError
    from anaphora.estimators.load import load
    from anaphora.tasks.classify.estimator import TextClassifier
    from anaphora.tasks.forecast.estimator import Forecaster
    from anaphora.tasks.language.estimator import LanguageModel
    from anaphora.tasks.sequences.classifier import SequenceClassifier
    from anaphora.tasks.sequences.regressor import SequenceRegressor

__all__ = [
    "AnaphoraError",
    "Forecaster",
    "LanguageModel",
    "SequenceClassifier",
    "SequenceRegressor",
    "TextClassifier",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'anaphora' has no attribute {name!r}")
    from anaphora import names

    return names.find(name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
