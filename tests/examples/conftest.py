"""What the tests of the examples share: a script as a module."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def load():
    """`load(name)` runs a script's definitions, not its main part."""

    def module(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        found = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
        return found

    return module
