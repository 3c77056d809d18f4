"""Every example runs, and shows what it says."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_next_number_is_found_past_what_was_seen():
    assert load("next_number").main() == pytest.approx(0.7, abs=0.02)


def test_every_example_has_a_test():
    tested = Path(__file__).read_text(encoding="utf-8")
    assert all(f'load("{file.stem}")' in tested for file in EXAMPLES.glob("*.py"))
