"""Anaphora: recurrent neural networks for text and other sequences.

The public names, imported when they are first used, so that `import anaphora` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anaphora.errors import AnaphoraError
    from anaphora.estimators import LanguageModel, SequenceRegressor, TextClassifier, load

__all__ = ["AnaphoraError", "LanguageModel", "SequenceRegressor", "TextClassifier", "load"]

_HOME = {
    "AnaphoraError": "anaphora.errors",
    "LanguageModel": "anaphora.estimators",
    "SequenceRegressor": "anaphora.estimators",
    "TextClassifier": "anaphora.estimators",
    "load": "anaphora.estimators",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'anaphora' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
