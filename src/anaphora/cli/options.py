"""From a task's config to the options of its command."""

import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from anaphora.config import Config, declared, fields_of, kinds
from anaphora.task import DEFAULTS, TrainingOptions

FILE = click.Path(path_type=Path)


@dataclass(frozen=True)
class Request:
    """What `anaphora predict` is asked to answer, and where the answers go."""

    texts: tuple[str, ...]
    file: Path | None
    out: Path | None
    encoding: str
    force: bool
    as_json: bool


# Options of several commands.
encoding_option = click.option(
    "--encoding", default="utf-8", show_default=True, help="How the file's characters are stored."
)
text_option = click.Option(["--text"], multiple=True, help="A column of text, if it is not named as in training.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def takes_options_of(config: type[Config], **shown: str) -> Callable[[Any], Any]:
    """Decorator: every field of `config` becomes an option of the command, with its help, default and choices.

    `shown` has a text for options whose help shows it instead of the default.
    """

    def decorate(command: Any) -> Any:
        for name, option in reversed(derived_options(config).items()):
            option["show_default"] = shown.get(name, option["show_default"])
            command = click.option(*option.pop("names"), name, **option)(command)
        return command

    return decorate


def derived_options(config: type[Config]) -> dict[str, dict[str, Any]]:
    """For every field the arguments of `click.option`."""
    derived = {}
    by_data = data_dependent(config)
    for name, kind in kinds(config).items():
        rules, default = declared(config, name), fields_of(config)[name].default
        item = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else None
        spellings = [name, *(former for former, current in config.RENAMED.items() if current == name)]
        flags = ["--" + spelling.replace("_", "-") for spelling in spellings]
        derived[name] = {
            "names": [f"{flag}/--no-{flag[2:]}" if kind is bool else flag for flag in flags],
            "type": click.Choice(rules["choices"]) if rules["choices"] else item or kind,
            "multiple": item is not None,
            "default": default,
            "show_default": "depends on the data" if name in by_data else default is not None,
            "help": f"{rules['help'][0].upper()}{rules['help'][1:]}.",
        }
    return derived


def data_dependent(config: type[Config]) -> set[str]:
    """The options whose default depends on the number of rows, or on the optimizer."""
    return {*config().defaults_for(1), *DEFAULTS["adamw"]} if issubclass(config, TrainingOptions) else set()


class Sections(click.Command):
    """A command whose help groups the options of a config by the class that declares them."""

    config: type[Config]

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        declared_in: dict[str, str] = {}
        for base in self.config.__mro__:
            if base in (Config, object):
                continue
            for name in vars(base).get("__annotations__", {}):
                declared_in[name] = (base.__doc__ or "").split("\n")[0].rstrip(".")
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(context):
            record = parameter.get_help_record(context)
            if record and isinstance(parameter, click.Option):
                sections.setdefault(declared_in.get(parameter.name or "", "Options"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)
