"""`anaphora evaluate`: a saved model's scores on a file, beside its baselines."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from anaphora.cli.display import show_forecasts, show_reading, show_scores
from anaphora.tasks.forecast.predict_tmp import backtest
from anaphora.cli.options import FILE, encoding_option, json_option, text_option
from anaphora.cli.saved import as_classifier, text_columns
from anaphora.cli.console import counted, say, to_stdout
from anaphora.tasks.language.documents import read_documents
from anaphora.data.table import read_table
from anaphora.data.write import check_absent, replacing, to_json
from anaphora.errors import OptionError
from anaphora.tasks.classify.estimator import TextClassifier
from anaphora.tasks.forecast.estimator import Forecaster
from anaphora.tasks.language.estimator import LanguageModel
from anaphora.estimators.load import load
from anaphora.tasks.forecast import page as forecast
from anaphora.tasks.language import page as language
from anaphora.tasks.classify.page import page

MEANT_FOR = {
    "text": ("classify", "language"),
    "label": ("classify",),
    "drop_missing": ("classify",),
    "streams": ("language",),
    "dynamic": ("language",),
    "begin": ("forecast",),
}
"""The tasks that an option of the command is for."""


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
@click.option("--begin", help="Of a forecaster: the time stamp to score from on. [default: where its training ended]")
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
    begin: str | None,
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
    anaphora evaluate forecaster/ air.csv                   a forecaster, on what came after its training
    """
    if report:
        check_absent(report, force)
    loaded = load(model)
    given: dict[str, Any] = {"text": text, "label": label, "drop_missing": drop_missing}
    given |= {"streams": streams, "dynamic": dynamic, "begin": begin}
    check_meant(loaded.bundle_.task.name, model, given)
    content: Any
    show: Any
    if isinstance(loaded, LanguageModel):
        columns = text or tuple(loaded.bundle_.columns.get("text", ()))
        documents = read_documents([file], columns, encoding)
        examined: Any = loaded.examine(documents, streams, dynamic, partial(counted, every=10))
        content, show = language.page, show_reading
    elif isinstance(loaded, Forecaster):
        examined = backtest(loaded, model, file, encoding, begin)
        content, show = forecast.page, show_forecasts
    else:
        examined = examine(as_classifier(loaded, model), model, file, text, label, drop_missing, encoding)
        content, show = page, show_scores
    if report:
        with replacing(report, force) as out:
            out.write(content(examined, loaded.bundle_.training | {"file": file.name}, "evaluated"))
        say(f"The page is in {report}")
    if as_json:
        to_stdout(to_json(examined.scores))
    else:
        show(examined.scores, file.name)


def check_meant(task: str, model: Path, given: Mapping[str, Any]) -> None:
    """Raise OptionError at an option that models for the task do not have."""
    for name, tasks in MEANT_FOR.items():
        if given[name] and task not in tasks:
            raise OptionError(f"--{name.replace('_', '-')} is not for {model}, a model for the task {task!r}")


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
