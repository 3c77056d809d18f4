"""Write the pages that follow from the code: commands, options, cells. Run it after changing one of them."""

import inspect
from collections.abc import Iterator
from pathlib import Path

import click

from anaphora.cells import CELLS
from anaphora.cli import cli
from anaphora.cli.options import data_dependent
from anaphora.config import Config, declared, fields_of
from anaphora.runtime.decoding.sampling import Sampling
from anaphora.tasks.classify.task import ClassifyConfig
from anaphora.tasks.forecast.task import ForecastConfig
from anaphora.tasks.language.task import LanguageConfig
from anaphora.tasks.sequences.task import LabelsConfig, NumbersConfig

TABLES = {
    ClassifyConfig: "`anaphora train classify`, `TextClassifier`",
    LanguageConfig: "`anaphora train language`, `LanguageModel`",
    Sampling: "`anaphora generate`, `LanguageModel.generate`",
    LabelsConfig: "`anaphora train sequences`, `SequenceClassifier`",
    NumbersConfig: "`SequenceRegressor`",
    ForecastConfig: "`anaphora train forecast`, `Forecaster`",
}


def options_page() -> str:
    lines = [
        "# Options",
        "",
        "Each is a field of one dataclass; the command line's `--hidden-size` is Python's `hidden_size`. `--no-...` "
        "turns off an option that is on by default; *auto* depends on the data.",
    ]
    for config, used_by in TABLES.items():
        lines += ["", f"## {used_by}", "", "| option | default | what it is | allowed |", "|---|---|---|---|"]
        lines += [row(config, name) for name in fields_of(config)]
    return "\n".join(lines) + "\n"


def row(config: type[Config], name: str) -> str:
    rules = declared(config, name)
    allowed = [", ".join(f"`{choice}`" for choice in rules["choices"])] if rules["choices"] else []
    for key in ("at_least", "at_most", "below"):
        if rules[key] is not None:
            allowed.append(f"{key.replace('_', ' ')} {rules[key]}")
    default = fields_of(config)[name].default
    shown = f"`{default}`" if default is not None else "auto" if name in data_dependent(config) else "not set"
    return f"| `{name}` | {shown} | {rules['help']} | {'; '.join(allowed)} |"


def cells_page() -> str:
    lines = [
        "# Cells",
        "",
        "A cell is one step of an equation, in one file of `src/anaphora/cells/`. Weights have torch's names and "
        "layout: `weight_ih` `[G, D]`, `weight_hh` `[G, H]`, `bias_ih`, `bias_hh` `[G]`, the gates' rows one after the "
        "other in the order given here. `weight_hh` starts orthogonal for each gate, `weight_ih` Glorot-uniform, "
        "biases zero unless said otherwise.",
        "",
        "To add one: write the file, add its line to the table in `cells/__init__.py`, run `python docs/generate.py`. "
        "The command line, the estimators, the runtime and the parity tests have it then.",
    ]
    for name, cell in CELLS.items():
        lines += ["", f"## `{name}`", "", (inspect.getdoc(inspect.getmodule(cell)) or "").strip(), ""]
        equations = (inspect.getdoc(cell) or "").split("\n", 2)[2]  # after the first line and a blank one
        lines += ["```text", equations.rstrip(), "```", ""]
        lines += [f"Gates: {', '.join(cell.gates)}. State: {', '.join(cell.state)}."]
        lines += [f"Activations: {', '.join(cell.activations)}."]
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    lines = [
        "# Commands",
        "",
        "`--help` after any of them says the same. Exit status: 0 well, 1 a failure, 2 a mistake in what was given, "
        "130 stopped by Ctrl-C. Results go to the standard output, messages to the standard error.",
    ]
    for path, command in commands(cli, "anaphora"):
        help_text = inspect.cleandoc(command.help or "").replace("\b\n", "")
        derived = getattr(command, "config", None)
        names = set(fields_of(derived)) if derived else set()
        lines += ["", f"## `{path}`", "", "```text", help_text.strip(), "```", ""]
        lines += ["| option | what it is |", "|---|---|"]
        for parameter in command.get_params(click.Context(command)):
            if isinstance(parameter, click.Option) and parameter.name not in {*names, "help"}:
                lines.append(f"| `{', '.join(parameter.opts)}` | {parameter.help} |")
        if derived:
            lines += ["", "And the [options of the model](options.md)."]
    return "\n".join(lines) + "\n"


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command with what is typed to call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        elif command:
            yield f"{path} {name}", command


PAGES = {"options.md": options_page, "cells.md": cells_page, "commands.md": commands_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (Path(__file__).parent / file).write_text(page(), encoding="utf-8")
