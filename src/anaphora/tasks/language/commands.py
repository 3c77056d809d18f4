"""The commands of language models: train and evaluate; `predict` refers to `generate`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

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

OPTIMISTIC = "This text also chose the best epoch, so the scores are slightly optimistic; --test-size 0.1 holds out another part."


class LanguageCommand(Sections):
    config = LanguageConfig


@click.command("language", cls=LanguageCommand, short_help="Text -> a language model that generates text.")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--text", multiple=True, help="A column of text, for tables: each row is a document.")
@click.option("--valid", type=FILE, help="A validation text. [default: the share of --validation]")
@click.option("--test", type=FILE, help="A text that scores the finished model.")
@click.option(
    "--test-size",
    default=0.0,
    show_default=True,
    help="Share of the text that is held out of the training and scores the finished model. By default 0: a text is not "
    "independent rows, and its tail may differ from the rest.",
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

    Without --valid, the tail of the text is the validation text, or some of many documents (--validation). Generated
    samples are shown during the training. The scores are compared with those of an n-gram model, fitted on the same
    text. The same command with --resume continues a training that was stopped or killed.
    """
    check_share(test_size)
    if test and test_size:
        raise OptionError("--test names a text to score on, --test-size holds one out: give one of them")
    model = LanguageModel(**options)
    model.check_options()  # report wrong options before the text is read
    with output(out, force, resume, quiet) as run:
        kept = read_documents(files, text, encoding)
        held: Documents | None = read_documents([test], text, encoding) if test else None
        if test_size:
            kept, held = held_out(kept, test_size, np.random.default_rng([options["seed"], 1]))
        checks: Documents | Sequence[str] = read_documents([valid], text, encoding) if valid else ()

        def finished() -> None:
            if held:
                model.annotate(test=model.evaluate(held))
            if model.examined_:
                data = "test" if held else "validation"
                model.annotate(report=model.examined_.page(model.bundle_.training, data))

        events = model.fit_events(kept, checks, partial=run.partial)
        file = ", ".join(file.name for file in files)
        run.train(model, events, finished, {"text": list(text)} if text else {}, file=file)
    if not quiet:
        show_scores(model.examined_, model.bundle_.training, OPTIMISTIC)
        say_where(out, "plots and samples", f'anaphora generate {out} --prompt "Once"')


EVALUATE_OPTIONS = [
    text_option,
    click.Option(
        ["--streams"],
        type=click.IntRange(1),
        help="Parallel parts in which a text is read, each from the zero state. [default: up to 8]",
    ),
    click.Option(
        ["--dynamic"],
        is_flag=True,
        help="Also score the text with dynamic evaluation: a copy of the language model learns from each part after the "
        "part is scored. Slower; needs the extra train.",
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
    """Score a language model on a text, or on the documents of a table."""
    columns = text or tuple(model.bundle_.columns.get("text", ()))
    documents = read_documents([file], columns, encoding)
    return model.examine(documents, streams, dynamic, partial(counted, every=10))


PREDICT_OPTIONS: list[click.Option] = []


def predict(model: LanguageModel, folder: Path, request: Request) -> NoReturn:
    """Refer to `generate`."""
    raise OptionError(f"{folder} is a language model, which labels nothing: use anaphora generate {folder}")
