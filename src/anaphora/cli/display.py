"""Progress of a training, and tables of scores. Messages go to stderr, results to stdout.

Rich is imported when something is shown: that takes longer than to classify a text.
"""

import sys
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from anaphora.cli.console import duration
from anaphora.events import Done, Epoch, Event, Sample, Stage, Start, Step
from anaphora.report.examined import Examined, Table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable


@cache
def messages() -> "Console":
    """The console of messages."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False)


@cache
def results() -> "Console":
    """The console of results. A table that goes to a file is not squeezed into a terminal's width."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140, highlight=False, markup=False)


def follow(events: Iterable[Event], quiet: bool = False) -> None:
    """Show the events of a training until it ends: a progress bar on a terminal, a line for each epoch elsewhere."""
    if quiet:
        for _ in events:
            pass
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = [TextColumn("{task.description}"), BarColumn(28), TextColumn("{task.fields[note]}")]
    with Progress(*columns, console=messages(), transient=True, disable=not messages().is_terminal) as bar:
        line = bar.add_task("", total=None, note="")
        score: float | None = None
        for event in events:
            match event:
                case Stage(what):
                    bar.update(line, description=what, completed=0, total=None, note="")
                    if not messages().is_terminal:
                        above(what)
                case Start():
                    above(started(event))
                    bar.update(line, description="training", total=event.steps)
                case Step():
                    description = f"epoch {event.epoch}"
                    bar.update(line, description=description, completed=event.step, note=stepped(event, score))
                case Epoch():
                    score = event.score
                    above(ended(event))
                case Sample(text):
                    above(f"           {text!r}")
                case Done():
                    above(done(event))


def above(message: str) -> None:
    """Print a line above the progress bar, if there is one."""
    messages().print(message, soft_wrap=True)


def started(event: Start) -> str:
    validation = f", {event.validation_rows:,} to validate on" if event.validation_rows else ""
    resumed = f"; resumed after step {event.steps_done:,}" if event.steps_done else ""
    rows = f"{event.rows:,} {event.unit} to train on{validation}"
    return f"{rows}; {event.parameters:,} parameters; {event.steps:,} steps{resumed}"


def stepped(event: Step, score: float | None) -> str:
    scored = "" if score is None else f"   score {abs(score):.3f}"  # the score of an error is its negative
    left = duration(event.seconds_left)
    return f"loss {event.loss:.3f}{scored}   {event.tokens_per_second:,.0f} tokens/s   {left} left"


def ended(event: Epoch) -> str:
    parts = [f"epoch {event.epoch:>3}", f"loss {event.training_loss:.4f}"]
    for name, value in event.metrics.items():
        if isinstance(value, float):
            parts.append(f"{name.replace('_', ' ')} {value:.4f}")
    return "   ".join([*parts[:5], duration(event.seconds)]) + ("   best so far" if event.best else "")


def done(event: Done) -> str:
    kept = f"the best epoch is {event.best_epoch}" if event.chosen else "the last epoch is kept"
    return f"{event.reason}; {kept}; {duration(event.seconds)}"


def show(examined: Examined, data: str) -> None:
    """Print the tables, the notes and the verdict of scores; `data` names what was scored."""
    for part in examined.tables(data):
        results().print(rich_table(part) if isinstance(part, Table) else part, soft_wrap=isinstance(part, str))
        if isinstance(part, Table):
            results().print("")
    results().print(examined.scores["verdict"], soft_wrap=True)


def rich_table(table: Table) -> "RichTable":
    from rich.table import Table as RichTable

    shown = RichTable(title=table.title or None, title_justify="left", box=None, pad_edge=False)
    for index, name in enumerate(table.columns):
        shown.add_column(name, justify="right" if index else "left")
    for row in table.rows:
        shown.add_row(*row)
    return shown
