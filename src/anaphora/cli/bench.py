"""`anaphora bench`: how fast the engine is here, beside torch."""

import importlib
import json
from dataclasses import asdict
from typing import Any

import click
from rich.table import Table

from anaphora import _native
from anaphora.cli.console import say
from anaphora.cli.display import results
from anaphora.engine.native import environment
from anaphora.extras import load_extra

SHAPES = ("small", "char", "word", "news")
CELLS = ("lstm", "gru", "rnn")


@click.command("bench", short_help="Measure the engine beside torch, on this machine.")
@click.option("--shape", "shapes", type=click.Choice(SHAPES), multiple=True, help="Only this work; may be repeated.")
@click.option("--cell", "cells", type=click.Choice(CELLS), multiple=True, help="Only this cell; may be repeated.")
@click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="Calls of each; medians count.")
@click.option("--threads", type=click.IntRange(1), help="Threads of both. [default: torch's number]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
def command(shapes: tuple[str, ...], cells: tuple[str, ...], repeats: int, threads: int | None, as_json: bool) -> None:
    """Time training steps and inference of one recurrent stack, ours and torch's in turn.

    \b
    anaphora bench
    anaphora bench --shape small --cell gru --threads 1

    The work: small B32 T50 D64 H128; char B64 T100 D256 H512; word B20 T35 D650 H650, two layers; news B64 T500 D300
    H199. A ratio is the time of the fastest other over ours: above 1, ours is faster. In the column float32 all are in
    float32; in the column auto, ours is in the precision that training chooses, and the others in any. Nothing else
    should be running.
    """
    torch = load_extra("torch")
    benchmark = importlib.import_module("anaphora.cli.benchmark")
    if threads:
        torch.set_num_threads(threads)
    isa = environment()[0] or _native.isas()[0]
    where = f"{isa}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    say(f"{where}; a large product of matrices runs at {benchmark.peak():.0f} GFLOP/s")
    rows = []
    for row in benchmark.measure(shapes or SHAPES, cells or CELLS, repeats):
        rows.append(row)
        if as_json:
            click.echo(json.dumps(asdict(row) | {"ratio_float32": row.ratio(False), "ratio_auto": row.ratio(True)}))
        else:
            say(f"  {row.shape} {row.cell} {row.work}: {row.ratio(half=False):.2f}, auto {row.ratio(half=True):.2f}")
    if not as_json:
        results().print(table(rows))
        auto = benchmark.geometric_means(rows, half=True)
        for (cell, work), mean in benchmark.geometric_means(rows, half=False).items():
            others = f"{mean:.2f} in float32, {auto[cell, work]:.2f} auto"
            results().print(f"{cell} {work}, geometric mean of the ratios: {others}")


def table(rows: list[Any]) -> Table:
    shown = Table("work", "cell", "", *(f"{name} ms" for name in rows[0].seconds), "GFLOP/s", "float32", "auto")
    for row in rows:
        times = (f"{1000 * seconds:.1f}" for seconds in row.seconds.values())
        shown.add_row(
            row.shape,
            row.cell,
            row.work,
            *times,
            f"{row.gflop / row.ours(half=True):.0f}",
            f"{row.ratio(False):.2f}",
            f"{row.ratio(True):.2f}",
        )
    return shown
