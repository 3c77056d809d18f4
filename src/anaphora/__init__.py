"""Anaphora: recurrent neural networks for text and other sequences.

The public names are imported when they are first used, so that `import anaphora` costs nothing.
"""

from typing import TYPE_CHECKING, Any

from anaphora.extras import load_name
from anaphora.tasks import packages

if TYPE_CHECKING:
    from anaphora.errors import AnaphoraError as AnaphoraError
    from anaphora.estimators.load import load as load
    from anaphora.tasks.classify.estimator import TextClassifier as TextClassifier
    from anaphora.tasks.forecast.estimator import Forecaster as Forecaster
    from anaphora.tasks.language.estimator import LanguageModel as LanguageModel
    from anaphora.tasks.sequences.classifier import SequenceClassifier as SequenceClassifier
    from anaphora.tasks.sequences.regressor import SequenceRegressor as SequenceRegressor

_NAMES = {"AnaphoraError": "anaphora.errors.AnaphoraError", "load": "anaphora.estimators.load.load"} | {
    name: path for task in packages() for name, path in task.ESTIMATORS.items()
}
__all__ = sorted(_NAMES)


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'anaphora' has no attribute {name!r}")
    return load_name(_NAMES[name])


def __dir__() -> list[str]:
    return [*globals(), *__all__]
