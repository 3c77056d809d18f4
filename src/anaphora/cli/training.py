"""What every command that trains does: claim the output, train, save, and say what came of it."""

import os
import shlex
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from anaphora.estimators.base import Estimator
from anaphora.bundle import REPORT, check_free
from anaphora.cli.display import follow
from anaphora.cli.interrupt import GentleInterrupt
from anaphora.cli.options import FILE
from anaphora.cli.console import say
from anaphora.cli.run_dir import CHECKPOINTS, claimed, may_be_replaced
from anaphora.errors import OptionError, TrainingFailed, UserError
from anaphora.events import Event

test_size_option = click.option(
    "--test-size",
    default=0.0,
    show_default=True,
    help="Share of the rows, or of the text, to hold out of everything and to score the finished model on.",
)


def output_options(command: Any) -> Any:
    """Decorator: where the model goes, and what is there already."""
    options = (
        click.option("--out", required=True, type=FILE, help="The model's folder."),
        click.option("--force", is_flag=True, help="Replace the model's folder if it exists."),
        click.option("--resume", is_flag=True, help="Go on with a training that was stopped or killed."),
        click.option("--quiet", is_flag=True, help="Show no progress and no scores."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Output:
    """The folder of a model to be trained, and the one beside it that its checkpoints are in."""

    folder: Path
    partial: Path
    force: bool
    quiet: bool

    def train(
        self,
        model: Estimator,
        events: Generator[Event, None, None],
        finished: Callable[[], None],
        columns: Mapping[str, Any],
        **facts: Any,
    ) -> None:
        """Train and save. `finished` scores the model of a training that came to its end.

        A training that is stopped or breaks down leaves the best model so far, and raises what stopped it.
        """
        broken: BaseException | None = None
        try:
            with GentleInterrupt() as interrupt, closing(events):
                follow(interrupt.watch(events), self.quiet)
        except (KeyboardInterrupt, TrainingFailed) as error:
            if not model.__sklearn_is_fitted__():
                raise
            broken = error
        model.annotate(columns, **facts, command=typed(), interrupted=broken is not None)
        try:
            if broken is None:
                finished()
        except UserError:
            say(f"The model is trained, and is in {self.folder}; scoring it went wrong:")
            raise
        finally:
            model.save(self.folder, self.force)
        if isinstance(broken, TrainingFailed):
            raise TrainingFailed(f"{broken}; the last good model is in {self.folder}")
        if broken:
            later = "; --resume goes on with the training" if any(self.partial.glob(CHECKPOINTS)) else ""
            say(f"The best model so far is in {self.folder}{later}")
            raise broken


@contextmanager
def output(out: Path, force: bool, resume: bool, quiet: bool) -> Iterator[Output]:
    """Keep the output for this training alone. Raises OutputExists."""
    out = Path(os.path.normpath(out.resolve() if out.is_symlink() else out))
    force = force or (resume and may_be_replaced(out))
    check_free(out, force)
    with claimed(out, resume, force, typed()) as partial:
        yield Output(out, partial, force, quiet)


def check_share(test_size: float) -> None:
    if not 0 <= test_size < 1:
        raise OptionError(f"test_size={test_size} is out of range: it must be at least 0 and below 1")


def typed() -> str:
    """The command that was typed."""
    return shlex.join(["anaphora", *click.get_current_context().find_root().obj])


def say_where(out: Path, shown: str, example: str) -> None:
    """Where the page and the model are, and what to do next; `shown` is on the page, too."""
    if (out / REPORT).exists():
        say(f"\nThe same as a page, with {shown}: {out / REPORT}")
    say(f"\nSaved in {out}. Next:\n  {example}\n  anaphora inspect {out}")
