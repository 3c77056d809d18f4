"""Options are declared once: the config's fields, the estimator's signature and the command's options are the same."""

import dataclasses
import inspect
import typing
from typing import Any

import click
import pytest

from anaphora import Forecaster, SequenceClassifier, SequenceRegressor, TextClassifier
from anaphora.config import Config, declared, kinds
from anaphora.tasks.classify.task import ClassifyConfig
from anaphora.tasks.classify.train_command import train as classify
from anaphora.tasks.forecast.task import ForecastConfig
from anaphora.tasks.sequences.task import LabelsConfig, NumbersConfig

DEFAULTS = {field.name: field.default for field in dataclasses.fields(ClassifyConfig)}
OWN = {
    "file", "text", "label", "group",
    "out", "test_size", "drop_missing", "drop_duplicates", "encoding", "force", "resume",
    "quiet",
}  # fmt: skip
OPTIONS = {parameter.name: parameter for parameter in classify.params if isinstance(parameter, click.Option)}


@pytest.mark.parametrize(
    ("estimator", "config"),
    [
        (TextClassifier, ClassifyConfig),
        (SequenceClassifier, LabelsConfig),
        (SequenceRegressor, NumbersConfig),
        (Forecaster, ForecastConfig),
    ],
)
def test_the_signature_is_the_fields_with_their_defaults(estimator: Any, config: type[Config]) -> None:
    parameters = inspect.signature(estimator).parameters
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    assert {name: parameter.default for name, parameter in parameters.items()} == fields


def test_the_estimators_parameters_are_the_fields_with_their_defaults() -> None:
    assert TextClassifier().get_params() == DEFAULTS


def test_the_commands_options_are_the_fields_and_its_own() -> None:
    assert {parameter.name for parameter in classify.params} == set(DEFAULTS) | OWN


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_options_name_and_default_are_the_fields(name: str) -> None:
    option = OPTIONS[name]
    assert option.default == DEFAULTS[name]
    assert option.opts == ["--" + name.replace("_", "-")]


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_options_kind_and_choices_are_the_fields(name: str) -> None:
    kind, choices = kinds(ClassifyConfig)[name], declared(ClassifyConfig, name)["choices"]
    option = OPTIONS[name]
    many = typing.get_origin(kind) is tuple
    assert option.multiple is many
    if choices:
        assert tuple(option.type.choices) == tuple(choices)
    else:
        assert type(option.type.convert("1", option, None)) is (typing.get_args(kind)[0] if many else kind)


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_option_has_help(name: str) -> None:
    assert len(OPTIONS[name].help or "") > 10


@pytest.mark.parametrize("config", [ClassifyConfig, NumbersConfig])
def test_every_field_has_help_that_starts_small_and_has_no_full_stop(config: type[Config]) -> None:
    helps = [declared(config, name)["help"] for name in kinds(config)]
    assert [text for text in helps if not text or text.endswith(".")] == []


def test_every_default_is_allowed() -> None:
    assert ClassifyConfig().to_dict() == DEFAULTS


def test_the_help_shows_every_option(run: Any) -> None:
    shown = run("train", "classify", "--help").out
    assert [name for name, option in OPTIONS.items() if option.opts[0] not in shown] == []


@pytest.mark.parametrize("command", ["demo", "evaluate", "predict", "inspect"])
def test_every_option_of_the_other_commands_has_help(command: str) -> None:
    from anaphora.cli import cli

    found = cli.get_command(click.Context(cli), command)
    silent = [option.name for option in found.params if isinstance(option, click.Option) and not option.help]
    assert silent == []
