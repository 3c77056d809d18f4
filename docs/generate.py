"""Write the pages that follow from the code: docs/options.md and docs/cells.md. Run it after changing either."""

import inspect
from pathlib import Path

from anaphora.cells import CELLS
from anaphora.config import Config, declared
from anaphora.tasks.classify import ClassifyConfig
from anaphora.tasks.regress import RegressConfig

TABLES = {
    ClassifyConfig: "`anaphora train classify`, `TextClassifier`",
    RegressConfig: "`SequenceRegressor`",
}


def options_page() -> str:
    lines = [
        "# Options",
        "",
        "Each is a field of one dataclass; the command line's `--hidden-size` is Python's `hidden_size`. An option "
        "that is on unless told otherwise is turned off with `--no-...`; *auto* is what suits the number of rows.",
    ]
    for config, used_by in TABLES.items():
        lines += ["", f"## {used_by}", "", "| option | default | what it is | allowed |", "|---|---|---|---|"]
        lines += [row(config, name) for name in config.__dataclass_fields__]
    return "\n".join(lines) + "\n"


def row(config: type[Config], name: str) -> str:
    rules = declared(config, name)
    allowed = [", ".join(f"`{choice}`" for choice in rules["choices"])] if rules["choices"] else []
    for key in ("at_least", "at_most", "below"):
        if rules[key] is not None:
            allowed.append(f"{key.replace('_', ' ')} {rules[key]}")
    default = config.__dataclass_fields__[name].default
    return f"| `{name}` | {'auto' if default is None else f'`{default}`'} | {rules['help']} | {'; '.join(allowed)} |"


def cells_page() -> str:
    lines = [
        "# Cells",
        "",
        "A cell is one step of an equation, in one file of `src/anaphora/cells/`. Weights have torch's names and "
        "layout: `weight_ih` `[G, D]`, `weight_hh` `[G, H]`, `bias_ih`, `bias_hh` `[G]`, the gates' rows one after the "
        "other in the order given here. `weight_hh` starts orthogonal for each gate, `weight_ih` Glorot-uniform, "
        "biases zero unless said otherwise.",
        "",
        "To add one: write the file, add its line to the table in `cells/__init__.py`, run `python docs/generate.py`. "
        "The command line, the estimators, the runtime and the parity tests have it then.",
    ]
    for name, cell in CELLS.items():
        lines += ["", f"## `{name}`", "", (inspect.getdoc(inspect.getmodule(cell)) or "").strip(), ""]
        equations = (inspect.getdoc(cell) or "").split("\n", 2)[2]  # after the first line and a blank one
        lines += ["```text", equations.rstrip(), "```", ""]
        lines += [f"Gates: {', '.join(cell.gates)}. State: {', '.join(cell.state)}."]
        lines += [f"Activations: {', '.join(cell.activations)}."]
    return "\n".join(lines) + "\n"


PAGES = {"options.md": options_page, "cells.md": cells_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (Path(__file__).parent / file).write_text(page(), encoding="utf-8")
