import importlib

import pytest

import anaphora

NAMES = [
    "AnaphoraError",
    "Forecaster",
    "LanguageModel",
    "SequenceClassifier",
    "SequenceRegressor",
    "TextClassifier",
    "load",
]


def test_the_public_names_are_these() -> None:
    assert sorted(anaphora.__all__) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_listed(name: str) -> None:
    assert callable(getattr(anaphora, name))
    assert name in dir(anaphora)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'TextClasifier'"):
        _ = anaphora.TextClasifier


def test_every_error_is_in_the_tree_of_the_docstring() -> None:
    errors = importlib.import_module("anaphora.errors")
    raised = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert [name for name in raised if name not in (errors.__doc__ or "")] == []
