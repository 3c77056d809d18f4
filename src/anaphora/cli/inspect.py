"""`anaphora inspect`: what a saved model is made of and how it was made; or what is in a file of rows."""

import math
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from anaphora.tasks.classify.linear import from_folder
from anaphora.cli.display import results
from anaphora.cli.options import FILE, encoding_option, json_option
from anaphora.cli.console import to_stdout
from anaphora.data.profile import columns_of, telltales, texts_of
from anaphora.data.read import read
from anaphora.data.table import join
from anaphora.data.write import to_json
from anaphora.errors import DataError
from anaphora.estimators.load import load
from anaphora.net.build import shapes


@click.command("inspect", short_help="Show a model's layers, or what is in a file.")
@click.argument("model", type=FILE)
@click.option("--text", multiple=True, help="Of a file: a column of text; shows lengths and duplicates.")
@click.option("--label", help="Of a file: the column of the labels; shows their balance and what gives them away.")
@encoding_option
@json_option
def command(model: Path, text: tuple[str, ...], label: str | None, encoding: str, as_json: bool) -> None:
    """Show the layers, shapes and parameters of MODEL, its options, and how it was made; or the columns of a file.

    \b
    anaphora inspect model/
    anaphora inspect news.csv --text title --text body --label label
    """
    facts = profiled(model, text, label, encoding) if model.is_file() else described(load(model).bundle_)
    if as_json:
        to_stdout(to_json(facts))
    elif model.is_file():
        show_file(facts)
    else:
        show_model(facts)


def profiled(file: Path, text: tuple[str, ...], label: str | None, encoding: str) -> dict[str, Any]:
    """What is in a file, as JSON."""
    rows = list(read(file, [*text, *([label] if label else [])], encoding))
    if not rows:
        raise DataError(f"{file} has a header but no rows")
    facts: dict[str, Any] = {"rows": len(rows), "columns": [asdict(column) for column in columns_of(rows)]}
    if text:
        texts = [join(row, text) for row in rows]
        facts["texts"] = asdict(texts_of(texts, [row[label] for row in rows] if label else None))
    if label:
        facts["labels"] = dict(Counter(row[label].strip() for row in rows).most_common())
        facts["telltales"] = dict(telltales(rows, label, text))
    return facts


def show_file(facts: dict[str, Any]) -> None:
    rows = facts["rows"]
    table = Table(title=f"{rows:,} rows", title_justify="left", box=None, pad_edge=False)
    table.add_column("column")
    for name in ("filled", "different", "words"):
        table.add_column(name, justify="right")
    table.add_column("the first")
    for column in facts["columns"]:
        low, middle, high = column["words"]
        table.add_row(
            column["name"],
            f"{column['filled']:,}",
            f"{column['different']:,}",
            f"{low:,} - {middle:,} - {high:,}",
            in_short(" ".join(column["example"].split()), 36),
        )
    results.print(table)
    results.print("(words: 5 % of the filled rows have fewer than the first number, half fewer than the second, ...)")
    if "texts" in facts:
        texts = facts["texts"]
        results.print(
            f"\nTexts: {texts['empty']:,} empty; {texts['equal']:,} rows repeat an earlier text, {texts['near']:,} "
            f"almost do; {texts['disagreeing']:,} rows have near-duplicates with another label.",
            soft_wrap=True,
        )
    if "labels" in facts:
        shown = ", ".join(
            f"{label or '(none)'} {count:,} ({count / rows:.1%})" for label, count in facts["labels"].items()
        )
        results.print(f"\nLabels: {in_short(shown)}", soft_wrap=True)
        for name, right in facts["telltales"].items():
            results.print(
                f"Careful: the column {name!r} alone gives the label of {right:.1%} of the rows; a model that reads it "
                f"learns that, and nothing of the texts.",
                soft_wrap=True,
            )


def show_model(facts: dict[str, Any]) -> None:
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
    networks = f"in {facts['networks']} networks" if facts["networks"] > 1 else "in all"
    layers.add_row(networks, "", "", "", f"{facts['parameters']:,}")
    if partner := facts["partner"]:
        layers.add_row("linear model", "", "", f"{partner['terms']:,} terms", f"{partner['parameters']:,}")
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
        if "verdict" in facts["training"].get(part, {}):
            results.print("", f"On the {part} rows: {facts['training'][part]['verdict']}", soft_wrap=True)


def described(bundle: Any) -> dict[str, Any]:
    """Everything that the table shows, as JSON; `layers` and `parameters` are of the networks, `partner` is the linear
    model that answers together with them, if there is one.
    """
    spec, partner = bundle.task.spec(), from_folder(bundle.linear) if bundle.linear else None
    size = {"terms": len(partner.terms), "parameters": partner.weight.size + partner.bias.size} if partner else None
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
        "partner": size,
        "networks": bundle.members,
        "parameters": bundle.members * sum(math.prod(shape) for shape in shapes(spec).values()),
        "options": bundle.task.options.to_dict(),
        "learned": bundle.task.learned(),
        "columns": bundle.columns,
        "training": bundle.training,
    }


def in_short(value: Any, most: int = 200) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= most else text[: most - 3] + "..."
