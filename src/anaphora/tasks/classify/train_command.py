"""`anaphora train classify`: from a file of texts and labels to a model folder."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from anaphora.cli.console import say
from anaphora.cli.options import FILE, Sections, encoding_option, takes_options_of
from anaphora.cli.training import check_share, output, output_options, say_where, show_scores, test_size_option
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.data.split import split
from anaphora.data.table import Table, read_table
from anaphora.errors import DataError, OptionError, in_words
from anaphora.tasks.classify.estimator import TextClassifier
from anaphora.tasks.classify.task import ClassifyConfig


class ClassifyCommand(Sections):
    config = ClassifyConfig


@click.command("classify", cls=ClassifyCommand, short_help="Texts and labels -> a classifier.")
@click.argument("file", type=FILE)
@click.option("--text", required=True, multiple=True, help="A column of text; give it again to join several columns.")
@click.option("--label", required=True, help="The column of the labels.")
@click.option("--group", multiple=True, help="A column: rows with the same value are never on both sides of a split.")
@test_size_option
@click.option("--drop-missing", is_flag=True, help="Ignore rows without a label.")
@click.option("--drop-duplicates", is_flag=True, help="Keep only the first row of each text.")
@encoding_option
@output_options
@takes_options_of(ClassifyConfig)
def train(
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
    anaphora train classify tweets.csv --text text --label mood --out model/ --with-linear

    With few labels, pretrain a language model on the texts first; the classifier starts from it:

    \b
    anaphora train language reviews.csv --text text --level word --out reader/
    anaphora train classify reviews.csv --text text --label label --pretrained reader/ --out model/

    Rows that the language model was trained on are not new to the classifier: keep the test rows in another file.

    The same command with --resume continues a training that was stopped or killed, to the same model. A share of the
    rows chooses the best epoch (--validation), another share scores the model (--test-size). Rows with almost the same
    text are never on both sides of a split; --group names what else rows have in common that new rows will not, such as
    the film of a review. The scores are compared with those of the most frequent label and of a linear model, fitted on
    the same rows. --with-linear averages the network's answers with a linear model's, which is often better than
    either.
    """
    check_share(test_size)
    if len({*text, label}) <= len(text):
        raise OptionError(f"the columns {in_words([*text, label])} are not all different")
    model = TextClassifier(**options)
    model.check_options()  # report wrong options before the file is read
    with output(out, force, resume, quiet) as run:
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
            say(summary(file, table))
        groups = near_duplicate_groups(table.texts, table.groups).tolist()
        kept, held = split_rows(table, groups, test_size, options["seed"])

        def finished() -> None:
            if held.texts:
                model.annotate(test=model.evaluate(held.texts, held.labels))
            if model.examined_:
                data = "test" if held.texts else "validation"
                model.annotate(report=model.examined_.page(model.bundle_.training, data))

        columns = {"text": list(text), "label": label}
        run.train(model, model.fit_events(*kept, partial=run.partial), finished, columns, file=file.name)
    if not quiet:
        scores = model.bundle_.training.get("test") or model.bundle_.training.get("validation", {})
        show_scores(model.examined_, model.bundle_.training)
        if scores and "members" not in scores and "linear" in scores["baselines"]:
            say("--with-linear averages the network's answers with a linear model's: often better than either alone.")
        say_where(out, "plots and mistakes", f'anaphora predict {out} "a text"')


class Part(NamedTuple):
    """Rows on one side of a split; near-duplicates have the same group."""

    texts: list[str]
    labels: list[str]
    groups: list[int]


def split_rows(table: Table, groups: list[int], test_size: float, seed: int) -> tuple[Part, Part]:
    """The rows to train on, and the test rows."""
    if not test_size:
        return Part(table.texts, table.labels, groups), Part([], [], [])
    kept, held = split(groups, table.labels, test_size, np.random.default_rng([seed, 1]))
    if not len(held):
        raise DataError(
            "no row can be held out for --test-size: all rows of each label have almost the same text; "
            "give --test-size 0"
        )

    def part(rows: Iterable[int]) -> Part:
        rows = list(rows)
        return Part([table.texts[i] for i in rows], [table.labels[i] for i in rows], [groups[i] for i in rows])

    return part(kept), part(held)


def summary(file: Path, table: Table) -> str:
    """What the file holds, for a message."""
    parts = [f"{file}: {len(table.texts):,} rows, {len(set(table.labels))} labels"]
    for count, of in (
        (table.empty_texts, "empty texts"),
        (table.dropped_missing, "rows without a label ignored"),
        (table.dropped_duplicates, "rows with a repeated text ignored"),
    ):
        parts += [f"{count:,} {of}"] * (count > 0)
    return "; ".join(parts)
