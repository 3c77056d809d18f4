"""`anaphora train classify`: from a file of texts and labels to a model folder."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from anaphora.cli.display import show_scores
from anaphora.cli.options import FILE, Sections, encoding_option, takes_options_of
from anaphora.cli.console import say
from anaphora.tasks.forecast.commands import forecast
from anaphora.tasks.language.commands import language
from anaphora.cli.training import check_share, output, output_options, say_where, test_size_option
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.data.split import split
from anaphora.data.table import Table, read_table
from anaphora.errors import DataError, OptionError, in_words
from anaphora.tasks.classify.estimator import TextClassifier
from anaphora.tasks.classify.page import page
from anaphora.tasks.classify.task import ClassifyConfig
from anaphora.task import ENOUGH_TO_CHOOSE


@click.group("train", short_help="Train a model on a file.")
def command() -> None:
    """Train a model on a file."""


command.add_command(language)
command.add_command(forecast)


class ClassifyCommand(Sections):
    config = ClassifyConfig


@command.command("classify", cls=ClassifyCommand, short_help="Texts and labels -> a classifier.")
@click.argument("file", type=FILE)
@click.option("--text", required=True, multiple=True, help="A column of text; give it again to join several.")
@click.option("--label", required=True, help="The column of the labels.")
@click.option("--group", multiple=True, help="A column whose rows of one value never straddle a split, such as a film.")
@test_size_option
@click.option("--drop-missing", is_flag=True, help="Leave out the rows that have no label.")
@click.option("--drop-duplicates", is_flag=True, help="Keep only the first row of each text.")
@encoding_option
@output_options
@takes_options_of(ClassifyConfig)
def classify(
    file: Path,
    text: tuple[str, ...],
    label: str,
    group: tuple[str, ...],
    test_size: float,
    drop_missing: bool,
    drop_duplicates: bool,
    encoding: str,
    out: Path,
    force: bool,
    resume: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a text classifier on FILE: CSV, TSV or JSON lines (each also .gz), or Parquet.

    \b
    anaphora train classify news.csv --text title --text body --label label --out model/
    anaphora train classify tweets.csv --text text --label mood --out model/ --test-size 0.2

    With few labels, let a language model read the texts first, without them; the classifier begins as it:

    \b
    anaphora train language reviews.csv --text text --level word --out reader/
    anaphora train classify reviews.csv --text text --label label --pretrained reader/ --out model/

    Rows that the language model has read are not new to the classifier: keep those of a final score in another file.

    A training that was stopped or killed goes on with the same command and --resume, to the same model as if it had
    not been. A share of the rows is kept for checking (--validation). Rows with almost the same text never straddle a
    split; --group names what else rows have in common that new ones will not, such as the film of a review. Beside the
    network's scores stand those of the most frequent label and of a linear model, fitted on the same rows; --linear
    lets such a model answer together with the network, which is often better than either alone.
    """
    check_share(test_size)
    if len({*text, label}) <= len(text):
        raise OptionError(f"the columns {in_words([*text, label])} are not all different")
    model = TextClassifier(**options)
    model.check_options()  # what is wrong with them is told before the file is read
    with output(out, force, resume, quiet) as place:
        table = read_table(
            file,
            text,
            label,
            encoding=encoding,
            drop_missing=drop_missing,
            drop_duplicates=drop_duplicates,
            groups=group,
        )
        if not quiet:
            say(noticed(file, table))
        groups = near_duplicate_groups(table.texts, table.groups).tolist()
        kept, held = parted(table, groups, test_size, options["seed"])

        def finished() -> None:
            if held.texts:
                model.annotate(test=model.evaluate(held.texts, held.labels))
            if model.examined_:
                rows = "test" if held.texts else "validation"
                model.annotate(report=page(model.examined_, model.bundle_.training, rows))

        columns = {"text": list(text), "label": label}
        place.train(model, model.fit_events(*kept, partial=place.partial), finished, columns, file=file.name)
    if not quiet:
        report(model.bundle_.training, out)


class Part(NamedTuple):
    """Rows on one side of a split; `groups` tell which are near-duplicates of one another."""

    texts: list[str]
    labels: list[str]
    groups: list[int]


def parted(table: Table, groups: list[int], test_size: float, seed: int) -> tuple[Part, Part]:
    """The rows to train on, and those held out for the final score."""
    if not test_size:
        return Part(table.texts, table.labels, groups), Part([], [], [])
    kept, held = split(groups, table.labels, test_size, np.random.default_rng([seed, 1]))
    if not len(held):
        raise DataError("no row could be held out for --test-size: all rows of each label have almost the same text")

    def part(rows: Iterable[int]) -> Part:
        rows = list(rows)
        return Part([table.texts[i] for i in rows], [table.labels[i] for i in rows], [groups[i] for i in rows])

    return part(kept), part(held)


def noticed(file: Path, table: Table) -> str:
    """What reading the file showed."""
    parts = [f"{file}: {len(table.texts):,} rows, {len(set(table.labels))} labels"]
    for count, of in (
        (table.empty_texts, "empty texts"),
        (table.dropped_missing, "rows without a label left out"),
        (table.dropped_duplicates, "rows with a text seen before left out"),
    ):
        parts += [f"{count:,} {of}"] * (count > 0)
    return "; ".join(parts)


def report(training: dict[str, Any], out: Path) -> None:
    """The scores on rows that were not trained on, and what to do next."""
    rows = "test" if "test" in training else "validation"
    if scores := training.get(rows):
        show_scores(scores, "held-out test" if rows == "test" else rows)
        if rows == "validation" and scores["n"] >= ENOUGH_TO_CHOOSE:
            say("These rows chose the best epoch, so the scores are a little kind; --test-size 0.2 holds out others.")
        if "linear" in scores["baselines"] and "parts" not in scores:
            say("With --linear a linear model and the network answer together: often better than either alone.")
    else:
        say("No rows were held out, so there are no scores; try the model on rows that it has not seen.")
    say_where(out, "curves and mistakes", f'anaphora predict {out} "a text"')
