"""`anaphora predict`: a saved model's answers for texts, lines on the standard input, or the rows of a file."""

from pathlib import Path
from typing import Any

import click

from anaphora.cli.options import FILE, Request, encoding_option
from anaphora.cli.task_command import TaskCommand, commands_of
from anaphora.errors import OptionError
from anaphora.estimators.load import load


class PredictCommand(TaskCommand):
    source = "PREDICT_OPTIONS"


@click.command("predict", cls=PredictCommand, short_help="Label texts or rows, continue series.")
@click.argument("model", type=FILE)
@click.argument("texts", nargs=-1)
@click.option("--file", type=FILE, help="Answer for the rows of this file.")
@click.option("--out", type=FILE, help="Where the answers for --file go; by default to stdout as CSV.")
@encoding_option
@click.option("--force", is_flag=True, help="Replace --out and --report if they exist.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each text, with all probabilities.")
def command(
    model: Path,
    texts: tuple[str, ...],
    file: Path | None,
    out: Path | None,
    encoding: str,
    force: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Answer for TEXTS with MODEL; without any, for the rows of --file, or the lines of the standard input.

    \b
    anaphora predict model/ "what a film" "what a mess"
    anaphora predict model/ --file new.csv --out scored.csv
    cat lines.txt | anaphora predict model/
    anaphora predict forecaster/ --file air.csv --report next.html

    The answer for a text is a line: the label, its probability, the text, separated by tabs. The rows of a file keep
    all their columns and get two more, predicted and probability. A forecaster writes a row for each future step, with
    mean and quantiles.
    """
    for text in texts:
        if looks_like_file(text):
            raise OptionError(f"{text} is a file: use --file {text}")
    if texts and file:
        raise OptionError("give texts or --file, not both")
    if file and as_json:
        raise OptionError("--json is for texts and lines; name --out answers.jsonl to have a file's rows as JSON")
    if out and not file:
        raise OptionError("--out is for the rows of --file; redirect the answers with > instead")
    loaded = load(model)
    request = Request(texts, file, out, encoding, force, as_json)
    commands_of(loaded.bundle_.task.name).predict(loaded, model, request, **options)


def looks_like_file(text: str) -> bool:
    """Whether a positional text names a file that exists."""
    try:
        return "\0" not in text and Path(text).is_file()
    except OSError:  # too long for a file name
        return False
