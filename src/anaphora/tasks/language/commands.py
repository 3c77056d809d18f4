"""`anaphora train language`: from text to a model that writes."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from anaphora.cli.console import counted
from anaphora.cli.options import FILE, Request, Sections, encoding_option, takes_options_of, text_option
from anaphora.cli.training import check_share, output, output_options, say_where, show_scores
from anaphora.errors import OptionError
from anaphora.tasks.language.documents import Documents, held_out, read_documents
from anaphora.tasks.language.estimator import LanguageModel
from anaphora.tasks.language.scores import LanguageScores
from anaphora.tasks.language.task import LanguageConfig

OPTIMISTIC = (
    "This text also chose the best epoch, so the scores are slightly optimistic; --test-size 0.1 holds out another."
)


class LanguageCommand(Sections):
    config = LanguageConfig


@click.command("language", cls=LanguageCommand, short_help="Text -> a language model that writes.")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--text", multiple=True, help="Of a table: a column of text; each row is a document.")
@click.option("--valid", type=FILE, help="A text to check on while training. [default: --validation's share]")
@click.option("--test", type=FILE, help="A text to score the finished model on.")
@click.option(
    "--test-size",
    default=0.0,
    show_default=True,
    help="Share of the text that is held out of the training and scores the finished model.",
)
@encoding_option
@output_options
@takes_options_of(LanguageConfig)
def train(
    files: tuple[Path, ...],
    text: tuple[str, ...],
    valid: Path | None,
    test: Path | None,
    test_size: float,
    encoding: str,
    out: Path,
    force: bool,
    resume: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a language model on FILES: plain text (also .gz), folders of it, or tables with a column of texts.

    \b
    anaphora train language book.txt --out model/
    anaphora train language train.txt --valid valid.txt --test test.txt --level word --out model/
    anaphora train language reviews.csv --text text --level bpe --minutes 30 --out model/

    Without --valid, the tail of the text is kept for checking, or some of many documents (--validation). Samples of
    the model's writing are shown while it learns. Beside its perplexity stands that of an n-gram model, counted on the
    same text. A training that was stopped or killed goes on with the same command and --resume.
    """
    check_share(test_size)
    if test and test_size:
        raise OptionError("--test names a text to score on, --test-size holds one out: give one of them")
    LanguageConfig.from_dict(options)  # wrong values are told before the text is read
    model = LanguageModel(**options)
    with output(out, force, resume, quiet) as run:
        kept = read_documents(files, text, encoding)
        held: Documents | None = read_documents([test], text, encoding) if test else None
        if test_size:
            kept, held = held_out(kept, test_size, np.random.default_rng([options["seed"], 1]))
        checked: Documents | Sequence[str] = read_documents([valid], text, encoding) if valid else ()

        def finished() -> None:
            if held:
                model.annotate(test=model.evaluate(held))
            if model.examined_:
                data = "test" if held else "validation"
                model.annotate(report=model.examined_.page(model.bundle_.training, data))

        events = model.fit_events(kept, checked, partial=run.partial)
        file = ", ".join(file.name for file in files)
        run.train(model, events, finished, {"text": list(text)} if text else {}, file=file)
    if not quiet:
        show_scores(model.examined_, model.bundle_.training, OPTIMISTIC)
        say_where(out, "curves and samples", f'anaphora generate {out} --prompt "Once"')


EVALUATE_OPTIONS = [
    text_option,
    click.Option(
        ["--streams"],
        type=click.IntRange(1),
        help="Parts of the text that are read in parallel, each from the zero state. [default: up to 8]",
    ),
    click.Option(
        ["--dynamic"],
        is_flag=True,
        help="Also score by dynamic evaluation: the model learns from each part of the text after scoring it. Slower, "
        "and needs the extra train; the saved model is not changed.",
    ),
]


def evaluate(
    model: LanguageModel,
    folder: Path,
    file: Path,
    encoding: str,
    text: tuple[str, ...],
    streams: int | None,
    dynamic: bool,
) -> LanguageScores:
    """Score a language model on a text."""
    columns = text or tuple(model.bundle_.columns.get("text", ()))
    documents = read_documents([file], columns, encoding)
    return model.examine(documents, streams, dynamic, partial(counted, every=10))


PREDICT_OPTIONS: list[click.Option] = []


def predict(model: LanguageModel, folder: Path, request: Request) -> None:
    """A language model has no answers for rows."""
    raise OptionError(f"{folder} is a language model, which labels nothing: use anaphora generate {folder}")
