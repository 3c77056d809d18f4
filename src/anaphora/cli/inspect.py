"""`anaphora inspect`: what a saved model is made of, and how it was made."""

import json
import math
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from anaphora.cli.display import results, to_stdout
from anaphora.cli.options import FILE
from anaphora.estimators import load
from anaphora.networks.network import shapes


@click.command("inspect", short_help="Show a model's layers and how it was made.")
@click.argument("model", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(model: Path, as_json: bool) -> None:
    """Show the layers, shapes and parameters of MODEL, its options, and how it was made.

    \b
    anaphora inspect model/
    """
    facts = described(load(model).bundle_)
    if as_json:
        to_stdout(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    layers = Table(box=None, pad_edge=False)
    for name in ("layer", "kind", "array"):
        layers.add_column(name)
    for name in ("shape", "parameters"):
        layers.add_column(name, justify="right")
    for layer in facts["layers"]:
        first = True
        for array, shape in layer["arrays"].items() or [("", [])]:
            size = f"{math.prod(shape):,}" if array else ""
            names = (layer["name"], layer["kind"]) if first else ("", "")
            layers.add_row(*names, array, " x ".join(map(str, shape)), size)
            first = False
    layers.add_row("in all", "", "", "", f"{facts['parameters']:,}")
    results.print(layers)
    for title in ("columns", "learned", "options", "training"):
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for key, value in facts[title].items():
            if not isinstance(value, dict | list) or title in ("columns", "learned"):
                table.add_row(key, in_short(value))
        if table.row_count:
            results.print("", table)
    for part in ("validation", "test"):
        if part in facts["training"]:
            results.print("", f"On the {part} rows: {facts['training'][part]['verdict']}", soft_wrap=True)


def described(bundle: Any) -> dict[str, Any]:
    """Everything that the table shows, as JSON."""
    spec = bundle.task.spec()
    return {
        "task": bundle.task.name,
        "layers": [
            {
                "name": name,
                "kind": type(block).__name__,
                "arrays": {key: list(parameter.shape) for key, parameter in block.parameters().items()},
            }
            for name, block in spec.items()
        ],
        "parameters": sum(math.prod(shape) for shape in shapes(spec).values()),
        "options": bundle.task.options.to_dict(),
        "learned": bundle.task.learned(),
        "columns": bundle.columns,
        "training": bundle.training,
    }


def in_short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else text[:197] + "..."
