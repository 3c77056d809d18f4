"""`anaphora train language`: from text to a model that writes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from anaphora.cli.display import show_reading
from anaphora.cli.options import FILE, Sections, encoding_option, takes_options_of
from anaphora.cli.console import say
from anaphora.cli.training import check_share, output, output_options, say_where, test_size_option
from anaphora.tasks.language.documents import Documents, held_out, read_documents
from anaphora.errors import OptionError
from anaphora.tasks.language.estimator import LanguageModel
from anaphora.tasks.language.page import page
from anaphora.tasks.language.task import LanguageConfig
from anaphora.task import ENOUGH_TO_CHOOSE


class LanguageCommand(Sections):
    config = LanguageConfig


@click.command("language", cls=LanguageCommand, short_help="Text -> a language model that writes.")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("--text", multiple=True, help="Of a table: a column of text; each row is a document.")
@click.option("--valid", type=FILE, help="A text to check on while training. [default: --validation's share]")
@click.option("--test", type=FILE, help="A text to score the finished model on.")
@test_size_option
@encoding_option
@output_options
@takes_options_of(LanguageConfig)
def language(
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
    with output(out, force, resume, quiet) as place:
        kept = read_documents(files, text, encoding)
        held: Documents | None = read_documents([test], text, encoding) if test else None
        if test_size:
            kept, held = held_out(kept, test_size, np.random.default_rng([options["seed"], 1]))
        checked: Documents | Sequence[str] = read_documents([valid], text, encoding) if valid else ()

        def finished() -> None:
            if held:
                model.annotate(test=model.evaluate(held))
            if model.examined_:
                of = "held-out test" if held else "validation"
                model.annotate(report=page(model.examined_, model.bundle_.training, of))

        events = model.fit_events(kept, checked, partial=place.partial)
        file = ", ".join(file.name for file in files)
        place.train(model, events, finished, {"text": list(text)} if text else {}, file=file)
    if not quiet:
        report(model.bundle_.training, out)


def report(training: dict[str, Any], out: Path) -> None:
    """The scores on text that was not trained on, and what to do next."""
    if "test" in training:
        show_reading(training["test"], "held-out test")
    elif "validation" in training:
        show_reading(training["validation"], "validation")
        if training["validation_tokens"] >= ENOUGH_TO_CHOOSE:
            say("This text chose the best epoch, so the scores are a little kind; --test-size 0.1 holds out another.")
    else:
        say("No text was held out, so there are no scores.")
    say_where(out, "curves and samples", f'anaphora generate {out} --prompt "Once"')
