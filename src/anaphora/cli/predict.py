"""`anaphora predict`: labels for texts on the command line, lines on stdin, or the rows of a file."""

import codecs
import importlib
import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click

from anaphora.data.chunks import chunks
from anaphora.cli.options import FILE, encoding_option, text_option
from anaphora.cli.saved import as_classifier, text_columns
from anaphora.cli.console import counted, duration, say, to_stdout
from anaphora.data.read import Row, codec, read
from anaphora.data.table import join
from anaphora.data.write import write_rows
from anaphora.errors import DataError, OptionError
from anaphora.tasks.classify.estimator import TextClassifier
from anaphora.estimators.load import load

CHUNK = 2_048
IN_ONE_LINE = str.maketrans("\t\r\n", "   ")
ANSWERS = ("predicted", "probability")


@click.command("predict", short_help="Label texts, lines, or a file's rows; go on with series.")
@click.argument("model", type=FILE)
@click.argument("texts", nargs=-1)
@click.option("--file", type=FILE, help="Label the rows of this file.")
@click.option("--out", type=FILE, help="Where the rows of --file go, with their labels; else to stdout as CSV.")
@text_option
@encoding_option
@click.option("--report", type=FILE, help="Of a forecaster: draw what comes next on a page, too.")
@click.option("--force", is_flag=True, help="Replace --out and --report if they exist.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a text, with the probability of each label.")
def command(
    model: Path,
    texts: tuple[str, ...],
    file: Path | None,
    out: Path | None,
    text: tuple[str, ...],
    encoding: str,
    report: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Label TEXTS with MODEL; without any, the rows of --file, or the lines of the standard input. A forecaster goes on
    with the series of --file.

    \b
    anaphora predict model/ "what a film" "what a mess"
    anaphora predict model/ --file new.csv --out scored.csv
    cat lines.txt | anaphora predict model/
    anaphora predict forecaster/ --file air.csv --report next.html

    A text's answer is a line: the label, its probability, the text, with tabs between. A file's rows keep all their
    columns and get two more, predicted and probability. A forecaster's rows are the steps to come, with mean and
    quantiles of each.
    """
    for given in texts:
        if looks_like_file(given):
            raise OptionError(f"{given} is a file: use --file {given}")
    if texts and file:
        raise OptionError("give texts or --file, not both")
    if file and as_json:
        raise OptionError("--json is for texts and lines; name --out answers.jsonl to have a file's rows as JSON")
    if out and not file:
        raise OptionError("--out is for the rows of --file; redirect the answers with > instead")
    loaded = load(model)
    if loaded.bundle_.task.name == "forecast":
        if not file or as_json or text:
            raise OptionError(f"{model} is a forecaster: name the file with the series to go on with, --file FILE")
        # Loaded here, so that labelling a text waits for nothing of it.
        importlib.import_module("anaphora.tasks.forecast.predict_tmp").foretell(loaded, model, file, out, encoding, force, report)
        return
    if report:
        raise OptionError(f"--report is for forecasters, and {model} is none")
    classifier = as_classifier(loaded, model)
    if file:
        columns = text or text_columns(classifier, model)
        began = time.perf_counter()
        rows = labelled(classifier, file, columns, encoding)
        if out or not sys.stdout.isatty():  # elsewhere the rows themselves are seen going by
            rows = counted(rows, "rows")
        count = write_rows(rows, out, force)
        seconds = time.perf_counter() - began
        if out:
            say(f"{count:,} rows labelled in {duration(seconds)} ({count / seconds:,.0f} rows/s), in {out}")
        return
    if not texts and sys.stdin.isatty():
        raise OptionError("nothing to label: give a text in quotes, --file FILE, or lines on stdin")
    for some in [list(texts)] if texts else lines_of_stdin(encoding):
        print_answers(classifier, some, as_json)


def lines_of_stdin(encoding: str) -> Iterator[list[str]]:
    """The lines of the standard input, as many at a time as are there: a slow pipe gets its answers line by line."""
    raw = cast(io.BufferedReader, sys.stdin.buffer)
    decoder, rest, piece = codecs.getincrementaldecoder(codec(encoding))(), "", b" "
    try:
        while piece:
            piece = raw.read1(1 << 16)
            *lines, rest = (rest + decoder.decode(piece, final=not piece)).split("\n")
            if rest and not piece:
                lines.append(rest)  # the last line need not end in a line end
            if lines:
                yield [line.rstrip("\r") for line in lines]
    except UnicodeDecodeError as error:
        raise DataError(f"the standard input is not {error.encoding} (byte {error.start})") from error


def looks_like_file(text: str) -> bool:
    """Whether a positional text names a file that is there (a long text is no name, and asking would be an error)."""
    try:
        return "\0" not in text and Path(text).is_file()
    except OSError:  # too long for a name
        return False


def print_answers(classifier: TextClassifier, texts: list[str], as_json: bool) -> None:
    shares = classifier.predict_proba(texts)
    labels = classifier.classes_.tolist()
    for text, row in zip(texts, shares, strict=True):
        best = int(row.argmax())
        if as_json:
            every = {str(label): round(float(share), 6) for label, share in zip(labels, row, strict=True)}
            answer = {"text": text, "label": labels[best], "probability": every[str(labels[best])]}
            to_stdout(json.dumps(answer | {"probabilities": every}, ensure_ascii=False))
        else:
            to_stdout(f"{labels[best]}\t{row[best]:.4f}\t{text.translate(IN_ONE_LINE)}")
    sys.stdout.flush()


def labelled(
    classifier: TextClassifier, file: Path, columns: tuple[str, ...], encoding: str
) -> Iterator[dict[str, Any]]:
    """The rows of a file with their answers, a chunk at a time."""
    labels = classifier.classes_.tolist()
    rows: list[Row] = []
    for rows in chunks(read(file, columns, encoding), CHUNK):
        if taken := set(ANSWERS) & set(rows[0]):
            raise DataError(f"{file} has a column {taken.pop()!r} already; rename it first")
        shares = classifier.predict_proba([join(row, columns) for row in rows])
        for row, share in zip(rows, shares, strict=True):
            best = int(share.argmax())
            yield {**row, "predicted": labels[best], "probability": f"{share[best]:.4f}"}
    if not rows:
        raise DataError(f"{file} has a header but no rows")
