"""Write the pages that follow from the code: commands, options, cells. Run it after changing one of them."""

import inspect
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click

from anaphora.cells import CELLS, Cell
from anaphora.cli import cli
from anaphora.cli.options import suits
from anaphora.config import Config, declared
from anaphora.runtime.decoding.sampling import Sampling
from anaphora.tasks.classify.task import ClassifyConfig
from anaphora.tasks.sequences.classify import ClassifySequencesConfig
from anaphora.tasks.forecast.task import ForecastConfig
from anaphora.tasks.language.task import LanguageConfig
from anaphora.tasks.sequences.regress import RegressConfig

TABLES = {
    ClassifyConfig: "`anaphora train classify`, `TextClassifier`",
    LanguageConfig: "`anaphora train language`, `LanguageModel`",
    Sampling: "`anaphora generate`, `LanguageModel.generate`",
    ClassifySequencesConfig: "`SequenceClassifier`",
    RegressConfig: "`SequenceRegressor`",
    ForecastConfig: "`anaphora train forecast`, `Forecaster`",
}


def options_page() -> str:
    lines = [
        "# Options",
        "",
        "Each is a field of one dataclass; the command line's `--hidden-size` is Python's `hidden_size`. An option "
        "that is on unless told otherwise is turned off with `--no-...`; *auto* is what suits the data.",
    ]
    for config, used_by in TABLES.items():
        lines += ["", f"## {used_by}", "", "| option | default | what it is | allowed |", "|---|---|---|---|"]
        lines += [row(config, name) for name in config.__dataclass_fields__]
    return "\n".join(lines) + "\n"


def row(config: type[Config], name: str) -> str:
    rules = declared(config, name)
    allowed = [", ".join(f"`{choice}`" for choice in rules["choices"])] if rules["choices"] else []
    for key in ("at_least", "at_most", "below"):
        if rules[key] is not None:
            allowed.append(f"{key.replace('_', ' ')} {rules[key]}")
    default = config.__dataclass_fields__[name].default
    shown = f"`{default}`" if default is not None else "auto" if name in suits(config) else "not set"
    return f"| `{name}` | {shown} | {rules['help']} | {'; '.join(allowed)} |"


def cells_page() -> str:
    lines = [
        "# Cells",
        "",
        "A cell is one step of an equation, in one file of `src/anaphora/cells/`. Weights have torch's names and "
        "layout: `weight_ih` `[G, D]`, `weight_hh` `[G, H]`, `bias_ih`, `bias_hh` `[G]`, the gates' rows one after the "
        "other in the order given here. For each gate, `weight_hh` starts orthogonal and `weight_ih` Glorot-uniform; "
        "biases start at zero unless stated otherwise.",
        "",
        "To add a cell, write the file, add its line to the table in `cells/__init__.py` and run "
        "`python docs/generate.py`. The fields of a cell are its options. The command line, the estimators, the "
        "runtime and the parity tests take the cell and its options from there. If the gates do not read the state, "
        "derive from `LinearCell` and write `coefficients`: the engines then compute all steps at once.",
    ]
    for name, cell in CELLS.items():
        lines += ["", f"## `{name}`", "", (inspect.getdoc(inspect.getmodule(cell)) or "").strip(), ""]
        equations = (inspect.getdoc(cell) or "").split("\n", 2)[2]  # after the first line and a blank one
        lines += ["```text", equations.rstrip(), "```", ""]
        weights = ", ".join(f"`{weight}`" for weight in cell().parameters(1, 1))
        lines += [f"Gates: {', '.join(cell.gates)}. State: {', '.join(cell.state)}. Weights: {weights}.", ""]
        lines += [option_of_cell(cell, field.name) for field in fields(cell)] or ["No options."]
    return "\n".join(lines) + "\n"


def option_of_cell(cell: type[Cell], name: str) -> str:
    rules, default = declared(cell, name), cell.__dataclass_fields__[name].default
    choices = f": {', '.join(f'`{choice}`' for choice in rules['choices'])}" if rules["choices"] else ""
    return f"Option `{name}`, {rules['help']}{choices}. Default: `{default}`."


def commands_page() -> str:
    lines = [
        "# Commands",
        "",
        "`--help` after any of them says the same. Exit status: 0 well, 1 a failure, 2 a mistake in what was given, "
        "130 stopped by Ctrl-C. Results go to the standard output, talk to the standard error.",
    ]
    for path, command in commands(cli, "anaphora"):
        help_text = inspect.cleandoc(command.help or "").replace("\b\n", "")
        derived = getattr(command, "config", None)
        names = set(derived.__dataclass_fields__) if derived else set()
        lines += ["", f"## `{path}`", "", "```text", help_text.strip(), "```", ""]
        lines += ["| option | what it is |", "|---|---|"]
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name not in names:
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
