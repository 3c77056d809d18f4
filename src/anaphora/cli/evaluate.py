"""`anaphora evaluate`: a saved model's scores on a file, beside its baselines."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import click

from anaphora.cli.display import show_reading, show_scores
from anaphora.cli.options import FILE, encoding_option, json_option, text_option
from anaphora.cli.saved import as_classifier, text_columns
from anaphora.cli.talk import counted, say, to_stdout
from anaphora.data.documents import read_documents
from anaphora.data.table import read_table
from anaphora.data.write import check_absent, replacing
from anaphora.errors import OptionError
from anaphora.estimators.classifier import TextClassifier
from anaphora.estimators.language import LanguageModel
from anaphora.estimators.load import load
from anaphora.report import language
from anaphora.report.page import page


@click.command("evaluate", short_help="Score a model on a file, beside its baselines.")
@click.argument("model", type=FILE)
@click.argument("file", type=FILE)
@text_option
@click.option("--label", help="The column of the labels, if it is not named as in training.")
@click.option("--drop-missing", is_flag=True, help="Leave out the rows that have no label.")
@click.option(
    "--streams",
    type=click.IntRange(1),
    help="Of a language model: parts of the text that are read side by side, each from no state. [default: up to 8]",
)
@click.option(
    "--dynamic",
    is_flag=True,
    help="Of a language model: score the text a second time, learning from each part once it is scored. It takes "
    "longer, and needs the extra train; the model itself stays as it is.",
)
@encoding_option
@click.option("--report", type=FILE, help="Write the scores as a page, too, with curves and mistakes.")
@click.option("--force", is_flag=True, help="Replace --report if it exists.")
@json_option
def command(
    model: Path,
    file: Path,
    text: tuple[str, ...],
    label: str | None,
    drop_missing: bool,
    streams: int | None,
    dynamic: bool,
    encoding: str,
    report: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Score MODEL on FILE, beside its baselines.

    \b
    anaphora evaluate model/ held_out.csv                   a classifier, on labelled rows
    anaphora evaluate model/ held_out.csv --json
    anaphora evaluate writer/ held_out.txt                  a language model, on a text
    anaphora evaluate writer/ held_out.txt --dynamic
    """
    if report:
        check_absent(report, force)
    loaded = load(model)
    if isinstance(loaded, LanguageModel):
        if label or drop_missing:
            raise OptionError(f"{model} is a language model: it reads text, and no labels")
        columns = text or tuple(loaded.bundle_.columns.get("text", ()))
        documents = read_documents([file], columns, encoding)
        reading = loaded.examine(documents, streams, dynamic, partial(counted, every=10))
        scores = reading.scores
        content = report and language.page(reading, loaded.bundle_.training | {"file": file.name}, "evaluated")
    else:
        if streams:
            raise OptionError(f"--streams is for language models, and {model} is none")
        if dynamic:
            raise OptionError(f"--dynamic is for language models, and {model} is none")
        examined = examine(as_classifier(loaded, model), model, file, text, label, drop_missing, encoding)
        scores = examined.scores
        content = report and page(examined, loaded.bundle_.training | {"file": file.name}, "labelled")
    if report and content:
        with replacing(report, force) as out:
            out.write(content)
        say(f"The page is in {report}")
    if as_json:
        to_stdout(json.dumps(scores, indent=2, ensure_ascii=False))
    elif isinstance(loaded, LanguageModel):
        show_reading(scores, file.name)
    else:
        show_scores(scores, file.name)


def examine(
    classifier: TextClassifier,
    model: Path,
    file: Path,
    text: tuple[str, ...],
    label: str | None,
    drop_missing: bool,
    encoding: str,
) -> Any:
    """A classifier's answers on the labelled rows of a file."""
    text, label = text or text_columns(classifier, model), label or classifier.bundle_.columns.get("label")
    if label is None:
        raise OptionError(f"{model} was trained in Python and knows no column names: say which with --label")
    table = read_table(file, text, label, encoding=encoding, drop_missing=drop_missing)
    if table.dropped_missing:
        say(f"{table.dropped_missing:,} rows without a label left out")
    return classifier.examine(table.texts, table.labels)
