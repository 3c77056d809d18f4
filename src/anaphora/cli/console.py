"""Plain lines for a person. Talk goes to stderr, results to stdout.

Nothing here needs rich (`display.py` does), which takes longer to load than a text takes to label.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

import click

Item = TypeVar("Item")


def say(message: str) -> None:
    """A line of talk."""
    click.echo(message, err=True)


def to_stdout(text: str) -> None:
    """A line of results, as it is."""
    sys.stdout.write(text + "\n")


def counted(items: Iterable[Item], what: str, every: int = 1_000) -> Iterator[Item]:
    """The items, while a terminal shows how many have gone by, and how fast; the length need not be known."""
    began, note = time.perf_counter(), ""
    of = f"of {len(items):,} " if isinstance(items, Sized) else ""
    try:
        for count, item in enumerate(items, 1):
            if count % every == 0 and sys.stderr.isatty():
                speed = count / (time.perf_counter() - began)
                note = f"{count:,} {of}{what}   {speed:,.0f} {what}/s".ljust(len(note))
                click.echo("\r" + note, nl=False, err=True)
            yield item
    finally:
        click.echo("\r" + " " * len(note) + "\r" if note else "", nl=False, err=True)


def duration(seconds: float) -> str:
    """90 -> '1 min 30 s'."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
