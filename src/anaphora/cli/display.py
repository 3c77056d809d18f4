"""What a person sees while a model trains, and the tables of scores. Talk goes to stderr, results to stdout."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from anaphora.cli.console import duration
from anaphora.events import Done, Epoch, Event, Sample, Stage, Start, Step
from anaphora.report.words import FORECAST_SCORES, compared, dynamic_verdict

talk = Console(stderr=True, highlight=False, markup=False)
# A table that goes to a file is not squeezed into a terminal's width.
results = Console(width=None if sys.stdout.isatty() else 140, highlight=False, markup=False)


def follow(events: Iterable[Event], quiet: bool = False) -> None:
    """Draw the events of a training until it ends: a live bar on a terminal, a line an epoch elsewhere."""
    if quiet:
        for _ in events:
            pass
        return
    columns = [TextColumn("{task.description}"), BarColumn(28), TextColumn("{task.fields[note]}")]
    with Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal) as bar:
        line = bar.add_task("", total=None, note="")
        score: float | None = None
        for event in events:
            match event:
                case Stage(what):
                    bar.update(line, description=what, completed=0, total=None, note="")
                    if not talk.is_terminal:
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
    """A line of talk that goes above the live bar, if there is one."""
    talk.print(message, soft_wrap=True)


def started(event: Start) -> str:
    validation = f", {event.validation_rows:,} to check on" if event.validation_rows else ""
    done = f"; going on after step {event.steps_done:,}" if event.steps_done else ""
    rows = f"{event.rows:,} {event.unit} to learn from{validation}"
    return f"{rows}; {event.parameters:,} parameters; {event.steps:,} steps{done}"


def stepped(event: Step, score: float | None) -> str:
    scored = "" if score is None else f"   score {abs(score):.3f}"  # an error's score is its negative
    left = duration(event.seconds_left)
    return f"loss {event.loss:.3f}{scored}   {event.tokens_per_second:,.0f} tokens/s   {left} left"


def ended(event: Epoch) -> str:
    parts = [f"epoch {event.epoch:>3}", f"loss {event.training_loss:.4f}"]
    for name in ("accuracy", "macro_f1", "rmse", "perplexity", "loss"):
        if name in event.metrics:
            parts.append(f"{name.replace('_', ' ')} {event.metrics[name]:.4f}")
    return "   ".join([*parts, duration(event.seconds)]) + ("   best so far" if event.best else "")


def done(event: Done) -> str:
    kept = f"the best is epoch {event.best_epoch}" if event.chosen else "the last epoch is kept"
    return f"{event.reason}; {kept}; {duration(event.seconds)}"


def show_scores(scores: Mapping[str, Any], rows: str) -> None:
    """The model beside its parts and baselines, then the model in detail, then the verdict."""
    table = Table(title=f"{scores['n']:,} {rows} rows", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for name in ("accuracy", "macro F1", "weighted F1"):
        table.add_column(name, justify="right")
    for name, of in compared(scores).items():
        table.add_row(name, *(f"{of[key]:.4f}" for key in ("accuracy", "macro_f1", "weighted_f1")))
    results.print(table, "", report_table(scores), "", confusion_table(scores["confusion_matrix"]), "")
    if scores["unknown_labels"]:
        unknown = ", ".join(f"{label!r} ({count:,} rows)" for label, count in scores["unknown_labels"].items())
        results.print(f"Labels that the model has never seen, counted as mistakes: {unknown}.", soft_wrap=True)
    if scores["seen_in_training"]:
        share = f"{scores['seen_in_training']:,} of the {scores['n']:,} rows"
        results.print(f"{share} have a text that was trained on: on them the scores are too kind.", soft_wrap=True)
    results.print(scores["verdict"], soft_wrap=True)


def report_table(scores: Mapping[str, Any]) -> Table:
    """Precision, recall, F1 and support of every label."""
    table = Table(box=None, pad_edge=False)
    table.add_column("together" if "parts" in scores else "network")
    for name in ("precision", "recall", "F1", "rows"):
        table.add_column(name, justify="right")
    lines = {**scores["per_class"], "macro mean": scores["macro"], "weighted mean": scores["weighted"]}
    for name, line in lines.items():
        table.add_row(name, *(f"{line[key]:.4f}" for key in ("precision", "recall", "f1")), f"{line['support']:,}")
    return table


def confusion_table(matrix: Mapping[str, Any], most: int = 12) -> Table | str:
    """True labels down, predicted labels across."""
    labels = matrix["labels"]
    if len(labels) > most:
        return f"(The confusion matrix of {len(labels)} labels is in --json.)"
    table = Table(box=None, pad_edge=False)
    table.add_column("true \\ predicted")
    for label in labels:
        table.add_column(label, justify="right")
    for label, row in zip(labels, matrix["rows"], strict=True):
        table.add_row(label, *(f"{count:,}" for count in row))
    return table


def show_forecasts(scores: Mapping[str, Any], of: str) -> None:
    """A forecaster beside its baselines, then the verdict."""
    results.print(f"{scores['horizon']:,} steps ahead, {scores['windows']:,} windows of {of}")
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for shown in FORECAST_SCORES.values():
        table.add_column(shown, justify="right")
    for name, own in {"network": scores, **scores["baselines"]}.items():
        table.add_row(name, *(f"{own[key]:.4g}" for key in FORECAST_SCORES))
    results.print(table, "")
    held = ", ".join(f"{float(share):.0%} holds {found:.1%}" for share, found in scores["coverage"].items())
    if held:
        results.print(f"Of its ranges, the one of {held}.", soft_wrap=True)
    results.print(scores["verdict"], soft_wrap=True)


def show_reading(scores: Mapping[str, Any], of: str) -> None:
    """A language model beside its baselines, then the verdict."""
    title = f"{scores['n']:,} tokens of {of} text"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for name in ("perplexity", "bits per character", "next token right"):
        table.add_column(name, justify="right")
    dynamic = {"network, dynamic": scores["dynamic"]} if "dynamic" in scores else {}
    for name, own in {"network": scores, **dynamic, **scores["baselines"]}.items():
        right = f"{own['next_token_accuracy']:.1%}"
        table.add_row(name, f"{own['perplexity']:.4g}", f"{own['bits_per_character']:.3f}", right)
    results.print(table, "")
    results.print(scores["verdict"], soft_wrap=True)
    if dynamic:
        results.print(dynamic_verdict(scores), soft_wrap=True)
