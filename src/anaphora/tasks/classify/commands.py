"""The commands on a saved text classifier: evaluate and predict."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from anaphora.cli.console import counted, duration, say, to_stdout
from anaphora.cli.options import Request, text_option
from anaphora.cli.stdin import lines
from anaphora.data.chunks import chunks
from anaphora.data.read import Row, read
from anaphora.data.table import join, read_table
from anaphora.data.write import write_rows
from anaphora.errors import DataError, OptionError
from anaphora.tasks.classify.estimator import TextClassifier
from anaphora.tasks.classify.scores import ClassifierScores

CHUNK = 2_048
IN_ONE_LINE = str.maketrans("\t\r\n", "   ")
ANSWERS = ("predicted", "probability")


EVALUATE_OPTIONS = [
    text_option,
    click.Option(["--label"], help="The column of the labels, if it is not named as in training."),
    click.Option(["--drop-missing"], is_flag=True, help="Ignore rows without a label."),
]


def evaluate(
    model: TextClassifier,
    folder: Path,
    file: Path,
    encoding: str,
    text: tuple[str, ...],
    label: str | None,
    drop_missing: bool,
) -> ClassifierScores:
    """Score a classifier on the labelled rows of a file."""
    columns, label = text or text_columns(model, folder), label or model.bundle_.columns.get("label")
    if label is None:
        raise OptionError(f"{folder} was trained in Python and has no column names: name the column with --label")
    table = read_table(file, columns, label, encoding=encoding, drop_missing=drop_missing)
    if table.dropped_missing:
        say(f"{table.dropped_missing:,} rows without a label ignored")
    return model.examine(table.texts, table.labels)


PREDICT_OPTIONS = [text_option]


def predict(model: TextClassifier, folder: Path, request: Request, text: tuple[str, ...]) -> None:
    """Label texts, the lines of the standard input, or the rows of a file."""
    if request.file:
        columns = text or text_columns(model, folder)
        began = time.perf_counter()
        rows = labelled_rows(model, request.file, columns, request.encoding)
        if request.out or not sys.stdout.isatty():  # a terminal shows the rows themselves
            rows = counted(rows, "rows")
        count = write_rows(rows, request.out, request.force)
        seconds = time.perf_counter() - began
        if request.out:
            speed = f"{count / seconds:,.0f} rows/s"
            say(f"{count:,} rows labelled in {duration(seconds)} ({speed}), in {request.out}")
        return
    if not request.texts and sys.stdin.isatty():
        raise OptionError("nothing to label: give a text in quotes, --file FILE, or lines on stdin")
    for some in [list(request.texts)] if request.texts else lines(request.encoding):
        print_answers(model, some, request.as_json)


def text_columns(model: TextClassifier, folder: Path) -> tuple[str, ...]:
    """The columns that the model reads, as in its training."""
    columns = model.bundle_.columns.get("text")
    if not columns:
        raise OptionError(f"{folder} was trained in Python and has no column names: name the columns with --text")
    return tuple(columns)


def print_answers(classifier: TextClassifier, texts: list[str], as_json: bool) -> None:
    probabilities = classifier.predict_proba(texts)
    labels = classifier.classes_.tolist()
    for text, row in zip(texts, probabilities, strict=True):
        best = int(row.argmax())
        if as_json:
            by_label = {str(label): round(float(p), 6) for label, p in zip(labels, row, strict=True)}
            answer = {"text": text, "label": labels[best], "probability": by_label[str(labels[best])]}
            to_stdout(json.dumps(answer | {"probabilities": by_label}, ensure_ascii=False))
        else:
            to_stdout(f"{labels[best]}\t{row[best]:.4f}\t{text.translate(IN_ONE_LINE)}")
    sys.stdout.flush()


def labelled_rows(
    classifier: TextClassifier, file: Path, columns: tuple[str, ...], encoding: str
) -> Iterator[dict[str, Any]]:
    """The rows of a file with their answers, a chunk at a time."""
    labels = classifier.classes_.tolist()
    rows: list[Row] = []
    for rows in chunks(read(file, columns, encoding), CHUNK):
        if existing := set(ANSWERS) & set(rows[0]):
            raise DataError(f"{file} has a column {existing.pop()!r} already; rename it first")
        probabilities = classifier.predict_proba([join(row, columns) for row in rows])
        for row, of_labels in zip(rows, probabilities, strict=True):
            best = int(of_labels.argmax())
            yield {**row, "predicted": labels[best], "probability": f"{of_labels[best]:.4f}"}
    if not rows:
        raise DataError(f"{file} has a header but no rows")
