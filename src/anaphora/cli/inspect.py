"""`anaphora inspect`: what a saved model is made of and how it was made; or what is in a file of rows."""

import math
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from anaphora.bundle import Bundle
from anaphora.cli.console import to_stdout
from anaphora.cli.display import results, rich_table
from anaphora.cli.options import FILE, encoding_option, json_option
from anaphora.data.profile import columns_of, label_leakage, texts_of
from anaphora.data.read import read
from anaphora.data.table import join
from anaphora.data.write import to_json
from anaphora.errors import DataError
from anaphora.estimators.load import load
from anaphora.net.build import shapes
from anaphora.report.examined import Table


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
        facts["label_leakage"] = dict(label_leakage(rows, label, text))
    return facts


def show_file(facts: dict[str, Any]) -> None:
    rows, out = facts["rows"], results()
    lines = []
    for column in facts["columns"]:
        low, middle, high = column["words"]
        example = shorten(" ".join(column["example"].split()), 36)
        words = f"{low:,} - {middle:,} - {high:,}"
        lines.append([column["name"], f"{column['filled']:,}", f"{column['different']:,}", words, example])
    out.print(rich_table(Table(["column", "filled", "different", "words", "the first"], lines, f"{rows:,} rows")))
    out.print("(words: the 5 %, 50 % and 95 % quantiles over the filled rows)")
    if "texts" in facts:
        texts = facts["texts"]
        out.print(
            f"\nTexts: {texts['empty']:,} empty; {texts['equal']:,} rows repeat an earlier text, {texts['near']:,} "
            f"nearly; {texts['disagreeing']:,} rows have near-duplicates with another label.",
            soft_wrap=True,
        )
    if "labels" in facts:
        shown = ", ".join(
            f"{label or '(none)'} {count:,} ({count / rows:.1%})" for label, count in facts["labels"].items()
        )
        out.print(f"\nLabels: {shorten(shown)}", soft_wrap=True)
        for name, accuracy in facts["label_leakage"].items():
            out.print(
                f"Label leakage: the column {name!r} alone predicts the label of {accuracy:.1%} of the rows; a model "
                "that reads it learns nothing from the texts.",
                soft_wrap=True,
            )


def show_model(facts: dict[str, Any]) -> None:
    out, lines = results(), []
    for layer in facts["layers"]:
        names = [layer["name"], layer["kind"]]
        for array, shape in layer["arrays"].items() or [("", [])]:
            size = f"{math.prod(shape):,}" if array else ""
            lines.append([*names, array, " x ".join(map(str, shape)), size])
            names = ["", ""]
    networks = f"in {facts['networks']} networks" if facts["networks"] > 1 else "in all"
    lines.append([networks, "", "", "", f"{facts['parameters']:,}"])
    out.print(rich_table(Table(["layer", "kind", "array", "shape", "parameters"], lines)))
    for title in ("columns", "learned", "options", "training"):
        pairs = [
            [key, shorten(value)]
            for key, value in facts[title].items()
            if not isinstance(value, dict | list) or title in ("columns", "learned")
        ]
        if pairs:
            out.print("", rich_table(Table(["", ""], pairs, title)))
    for part in ("validation", "test"):
        if "verdict" in facts["training"].get(part, {}):
            out.print("", f"{part.capitalize()}: {facts['training'][part]['verdict']}", soft_wrap=True)


def described(bundle: Bundle) -> dict[str, Any]:
    """Everything that the tables show, as JSON; `layers` and `parameters` are those of the networks."""
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
        "files": {name: len(content) for name, content in bundle.task.files().items()},
        "networks": bundle.members,
        "parameters": bundle.members * sum(math.prod(shape) for shape in shapes(spec).values()),
        "options": bundle.task.options.to_dict(),
        "learned": bundle.task.learned(),
        "columns": bundle.columns,
        "training": bundle.training,
    }


def shorten(value: Any, most: int = 200) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= most else text[: most - 3] + "..."
