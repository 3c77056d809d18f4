"""What every training command does: lock the output, train, save, and print where the results are."""

import os
import shlex
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from anaphora.bundle import REPORT, check_free
from anaphora.cli.console import say
from anaphora.cli.display import follow, show
from anaphora.cli.interrupt import GentleInterrupt
from anaphora.cli.options import FILE
from anaphora.cli.run_dir import CHECKPOINTS, lock_run_dir, may_be_replaced
from anaphora.errors import OptionError, TrainingFailed, UserError
from anaphora.estimators.base import Estimator
from anaphora.events import Event
from anaphora.report.examined import Examined
from anaphora.task import ENOUGH_TO_CHOOSE

test_size_option = click.option(
    "--test-size",
    default=0.2,
    show_default=True,
    help="Share of the rows that is held out of the training and scores the finished model; 0 holds out none.",
)


def output_options(command: Any) -> Any:
    """Decorator: the options for the output of a training."""
    options = (
        click.option("--out", required=True, type=FILE, help="The model's folder."),
        click.option("--force", is_flag=True, help="Replace the model's folder if it exists."),
        click.option("--resume", is_flag=True, help="Resume a training that was stopped or killed."),
        click.option("--quiet", is_flag=True, help="Show no progress and no scores."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Output:
    """The folder of a model to be trained, and the folder of its checkpoints."""

    folder: Path
    partial: Path
    force: bool
    quiet: bool

    def train(
        self,
        model: Estimator[Any, Any],
        events: Generator[Event, None, None],
        finished: Callable[[], None],
        columns: Mapping[str, Any],
        **facts: Any,
    ) -> None:
        """Train and save. `finished` scores the model after a training that was not stopped.

        A training that is stopped or fails saves the best model so far, and raises what stopped it.
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
            say(f"The model is trained and saved in {self.folder}; scoring it failed:")
            raise
        finally:
            model.save(self.folder, self.force)
        if isinstance(broken, TrainingFailed):
            raise TrainingFailed(f"{broken}; the last good model is in {self.folder}")
        if broken:
            later = "; --resume continues the training" if any(self.partial.glob(CHECKPOINTS)) else ""
            say(f"The best model so far is in {self.folder}{later}")
            raise broken


@contextmanager
def output(out: Path, force: bool, resume: bool, quiet: bool) -> Iterator[Output]:
    """Lock the output for this training. Raises OutputExists."""
    out = Path(os.path.normpath(out.resolve() if out.is_symlink() else out))
    force = force or (resume and may_be_replaced(out))
    check_free(out, force)
    with lock_run_dir(out, resume, force, typed()) as partial:
        yield Output(out, partial, force, quiet)


def check_share(test_size: float) -> None:
    if not 0 <= test_size < 1:
        raise OptionError(f"test_size={test_size} is out of range: it must be at least 0 and below 1")


def typed() -> str:
    """The command that was typed."""
    return shlex.join(["anaphora", *click.get_current_context().find_root().obj])


def say_where(out: Path, shown: str, example: str) -> None:
    """Print where the page and the model are, and what to do next; `shown` is what else the page shows."""
    if (out / REPORT).exists():
        say(f"\nReport with {shown}: {out / REPORT}")
    say(f"\nSaved in {out}. Next:\n  {example}\n  anaphora inspect {out}")


OPTIMISTIC = (
    "These rows also chose the best epoch, so the scores are slightly optimistic; --test-size 0.2 holds out others."
)


def show_scores(examined: Examined | None, training: Mapping[str, Any], optimistic: str = OPTIMISTIC) -> None:
    """Print the scores at the end of a training; `optimistic` is printed where validation data chose the epoch."""
    if examined is None:
        say("No data were held out, so there are no scores; try the model on data that it has not seen.")
        return
    show(examined, "test" if "test" in training else "validation")
    chosen = any(epoch["score"] is not None for epoch in training["epochs"])
    if "test" not in training and chosen and examined.scores["n"] >= ENOUGH_TO_CHOOSE:
        say(optimistic)
