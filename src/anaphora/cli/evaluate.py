"""`anaphora evaluate`: a saved model's scores on a file, with those of its baselines."""

from pathlib import Path
from typing import Any

import click

from anaphora.cli.console import say, to_stdout
from anaphora.cli.display import show
from anaphora.cli.options import FILE, encoding_option, json_option
from anaphora.cli.task_command import TaskCommand, commands_of
from anaphora.data.write import check_absent, replacing, to_json
from anaphora.estimators.load import load


class EvaluateCommand(TaskCommand):
    source = "EVALUATE_OPTIONS"


@click.command("evaluate", cls=EvaluateCommand, short_help="Score a model on a file, with its baselines.")
@click.argument("model", type=FILE)
@click.argument("file", type=FILE)
@encoding_option
@click.option("--report", type=FILE, help="Also write the scores as an HTML page, with plots and mistakes.")
@click.option("--force", is_flag=True, help="Replace --report if it exists.")
@json_option
def command(
    model: Path, file: Path, encoding: str, report: Path | None, force: bool, as_json: bool, **options: Any
) -> None:
    """Score MODEL on FILE, together with its baselines.

    \b
    anaphora evaluate model/ held_out.csv                   a classifier, on labelled rows
    anaphora evaluate model/ held_out.csv --json
    anaphora evaluate writer/ held_out.txt                  a language model, on a text
    anaphora evaluate writer/ held_out.txt --dynamic
    anaphora evaluate forecaster/ air.csv                   a forecaster, on the values after its training
    """
    if report:
        check_absent(report, force)
    loaded = load(model)
    examined = commands_of(loaded.bundle_.task.name).evaluate(loaded, model, file, encoding, **options)
    if report:
        with replacing(report, force) as out:
            out.write(examined.page(loaded.bundle_.training | {"file": file.name}, "evaluated"))
        say(f"The page is in {report}")
    if as_json:
        to_stdout(to_json(examined.scores))
    else:
        show(examined, file.name)
