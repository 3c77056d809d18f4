"""From a saved model's folder to its estimator."""

import os
from pathlib import Path
from typing import Any

from anaphora import bundle
from anaphora.extras import load_name
from anaphora.tasks import package


def load(folder: str | os.PathLike[str], precision: str = "float32") -> Any:
    """The estimator saved in `folder`, ready to predict; torch is not needed.

    `precision` is the number format of the products in recurrent layers: "float32", "bfloat16", "int8" (a scale for
    each row of the weights and of the inputs), or "auto", which is bfloat16 where the processor multiplies it faster. A
    cell without a kernel computes in float32. The saved model is not changed. Raises BundleError and OptionError.
    """
    saved = bundle.read(Path(folder))
    return load_name(package(saved.task.name).ESTIMATORS[saved.task.estimator]).from_bundle(saved, precision)
