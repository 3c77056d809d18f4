"""The estimators: one for each task, in scikit-learn's words."""

import os
from pathlib import Path
from typing import Any

from anaphora import bundle
from anaphora.estimators.classifier import TextClassifier
from anaphora.estimators.language import LanguageModel
from anaphora.estimators.regressor import SequenceRegressor

ESTIMATORS: dict[str, Any] = {
    "classify": TextClassifier,
    "language": LanguageModel,
    "regress": SequenceRegressor,
}


def load(folder: str | os.PathLike[str], precision: str = "float32") -> Any:
    """The estimator saved in `folder`, ready to predict; torch is not needed.

    `precision` says what the recurrent layers' weights, and what they are multiplied with, are rounded to: "float32",
    "bfloat16", "int8" (a scale for each row of the weights, and for each row of inputs), or "auto", bfloat16 where the
    processor multiplies it faster than float32. A cell without a kernel computes in float32. The saved model stays as
    it is. Raises BundleError and OptionError.
    """
    saved = bundle.read(Path(folder))
    return ESTIMATORS[saved.task.name].from_bundle(saved, precision)


__all__ = ["ESTIMATORS", "LanguageModel", "SequenceRegressor", "TextClassifier", "load"]
