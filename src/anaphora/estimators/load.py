"""From a saved model's folder to its estimator."""

import importlib
import os
from pathlib import Path
from typing import Any

from anaphora import bundle

ESTIMATORS = {
    "classify": ("anaphora.tasks.classify.estimator", "TextClassifier"),
    "classify_sequences": ("anaphora.tasks.sequences.classifier", "SequenceClassifier"),
    "forecast": ("anaphora.tasks.forecast.estimator", "Forecaster"),
    "language": ("anaphora.tasks.language.estimator", "LanguageModel"),
    "regress": ("anaphora.tasks.sequences.regressor", "SequenceRegressor"),
}
"""Each task's estimator; its module is loaded when a model is."""


def load(folder: str | os.PathLike[str], precision: str = "float32") -> Any:
    """The estimator saved in `folder`, ready to predict; torch is not needed.

    `precision` says what the recurrent layers' weights, and what they are multiplied with, are rounded to: "float32",
    "bfloat16", "int8" (a scale for each row of the weights, and for each row of inputs), or "auto", bfloat16 where the
    processor multiplies it faster than float32. A cell without a kernel computes in float32. The saved model stays as
    it is. Raises BundleError and OptionError.
    """
    saved = bundle.read(Path(folder))
    module, name = ESTIMATORS[saved.task.name]
    return getattr(importlib.import_module(module), name).from_bundle(saved, precision)
