"""`anaphora evaluate`: a saved model's scores on a file, beside its baselines."""

import json
from pathlib import Path

import click

from anaphora.cli.display import show_scores
from anaphora.cli.options import FILE, encoding_option, json_option, text_option
from anaphora.cli.saved import load_classifier, text_columns
from anaphora.cli.talk import say, to_stdout
from anaphora.data.table import read_table
from anaphora.data.write import check_absent, replacing
from anaphora.errors import OptionError
from anaphora.report.page import page


@click.command("evaluate", short_help="Score a model on a file, beside its baselines.")
@click.argument("model", type=FILE)
@click.argument("file", type=FILE)
@text_option
@click.option("--label", help="The column of the labels, if it is not named as in training.")
@click.option("--drop-missing", is_flag=True, help="Leave out the rows that have no label.")
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
    encoding: str,
    report: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Score MODEL on the labelled rows of FILE, beside the most frequent label and the linear baseline.

    \b
    anaphora evaluate model/ held_out.csv
    anaphora evaluate model/ held_out.csv --json
    """
    if report:
        check_absent(report, force)
    classifier = load_classifier(model)
    columns = classifier.bundle_.columns
    text, label = text or text_columns(classifier, model), label or columns.get("label")
    if label is None:
        raise OptionError(f"{model} was trained in Python and knows no column names: say which with --label")
    table = read_table(file, text, label, encoding=encoding, drop_missing=drop_missing)
    examined = classifier.examine(table.texts, table.labels)
    scores = examined.scores
    if report:
        facts = classifier.bundle_.training | {"file": file.name}
        with replacing(report, force) as out:
            out.write(page(examined, facts, "labelled"))
        say(f"The page is in {report}")
    if as_json:
        to_stdout(json.dumps(scores, indent=2, ensure_ascii=False))
        return
    if table.dropped_missing:
        say(f"{table.dropped_missing:,} rows without a label left out")
    show_scores(scores, file.name)
