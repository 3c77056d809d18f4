"""The parts of every page of scores: one self-contained HTML file, its head, its sections, its tables."""

import html
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any


def frame(title: str, subtitle: str, verdict: str, sections: Sequence[str], style: str = "") -> str:
    """The page around its `sections`, which are HTML; the other texts are escaped. `style` is additional CSS."""
    style = files("anaphora.report").joinpath("style.css").read_text(encoding="utf-8") + style
    return (
        "<!doctype html>\n<html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{style}</style></head><body>\n"
        f"<h1>{html.escape(title)}</h1><p class=soft>{html.escape(subtitle)}</p>\n"
        f"<p class=verdict>{html.escape(verdict)}</p>\n"
        f"<div class=grid>\n{''.join(sections)}</div></body></html>\n"
    )


def section(title: str, content: str, wide: bool = False) -> str:
    """A card with its heading; `content` is HTML."""
    return f"<section{' class=wide' if wide else ''}><h2>{html.escape(title)}</h2>{content}</section>\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML."""
    top = "".join(f"<th>{cell}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class=scroll><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def made(training: Mapping[str, Any]) -> str:
    """The section on the training: the command, and every fact that is a single value."""
    command = f"<pre>{html.escape(training['command'])}</pre>" if "command" in training else ""
    facts = {
        key.replace("_", " "): str(value)
        for key, value in training.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool) and key != "command"
    }
    rows = [[html.escape(key), html.escape(value)] for key, value in facts.items()]
    return section("Training", command + table(["", ""], rows), wide=True)
