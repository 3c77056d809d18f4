"""The plain RNN, the LSTM, the GRU and the textbook's GRU as classifiers of the same rows, in one table.

    python examples/four_cells.py Tweets.csv --text text --label airline_sentiment

A fifth of the rows is held out, the same for all, copies with their like. Each cell is trained with several seeds; what
the seeds alone change is the measure of what the cells do. The linear baseline is in the last row; it is fitted on the
rows that each seed leaves to learn from.

Printed on 2026-11-28 (2 cores, AMD EPYC):

                          accuracy          macro F1  seconds  parameters
    rnn            0.8021 sd 0.0056   0.7427 sd 0.0024        6     803,203
    lstm           0.8063 sd 0.0033   0.7471 sd 0.0020       10   1,001,347
    gru            0.8089 sd 0.0062   0.7525 sd 0.0065        9     935,299
    gru_textbook   0.8086 sd 0.0068   0.7526 sd 0.0067       39     935,299
    linear         0.8020 sd 0.0033   0.7344 sd 0.0022
    By macro F1 gru_textbook is 0.0001 ahead of gru, which may be the seeds; 0.0055 ahead of lstm, which may be the
    seeds; 0.0099 ahead of rnn, more than the seeds' spread.

The textbook's GRU has no kernel of its own, and runs through its equation: that is what takes its time.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from anaphora import TextClassifier
from anaphora.cells import CELLS
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.data.split import split
from anaphora.data.table import read_table


@dataclass
class Found:
    """Of one cell, a value for each seed."""

    accuracy: list[float] = field(default_factory=list)
    macro_f1: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    parameters: int = 0


def main(
    texts: Sequence[str], labels: Sequence[str], seeds: Sequence[int] = range(3), **options: Any
) -> tuple[dict[str, Found], str]:
    """What each cell got, the linear baseline as `linear`, and a sentence on whether the cells differ."""
    parts = split(near_duplicate_groups(texts).tolist(), labels, 0.2, np.random.default_rng(0))
    kept, held = (([texts[i] for i in part], [labels[i] for i in part]) for part in parts)
    found = {cell: Found() for cell in CELLS}
    linear = Found()
    for seed in seeds:
        for cell, own in found.items():
            model = TextClassifier(cell=cell, seed=seed, **options).fit(*kept)
            scores, saved = model.evaluate(*held), model.bundle_
            own.accuracy.append(scores["accuracy"])
            own.macro_f1.append(scores["macro_f1"])
            own.seconds.append(saved.training["seconds"])
            own.parameters = sum(array.size for array in saved.arrays.values())
        linear.accuracy.append(scores["baselines"]["linear"]["accuracy"])
        linear.macro_f1.append(scores["baselines"]["linear"]["macro_f1"])
    print(f"{'':<12} {'accuracy':>18} {'macro F1':>18} {'seconds':>8} {'parameters':>11}")
    for name, own in {**found, "linear": linear}.items():
        line = f"{name:<12} {shown(own.accuracy)} {shown(own.macro_f1)}"
        print(f"{line} {mean(own.seconds):>8.0f} {own.parameters:>11,}" if own.seconds else line)
    print(sentence := verdict({cell: own.macro_f1 for cell, own in found.items()}))
    return {**found, "linear": linear}, sentence


def shown(values: Sequence[float]) -> str:
    return f"{mean(values):>8.4f} sd {stdev(values):.4f}"


def verdict(scores: dict[str, list[float]]) -> str:
    """Whether the best cell and the others are further apart than twice the standard error that the seeds make."""
    best, *others = sorted(scores, key=lambda cell: -mean(scores[cell]))
    seeds = len(scores[best])
    parts = []
    for cell in others:
        apart = mean(scores[best]) - mean(scores[cell])
        chance = ((stdev(scores[best]) ** 2 + stdev(scores[cell]) ** 2) / seeds) ** 0.5
        said = "more than the seeds' spread" if apart > 2 * chance else "which may be the seeds"
        parts.append(f"{apart:.4f} ahead of {cell}, {said}")
    return f"By macro F1 {best} is {'; '.join(parts)}."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--text", action="append", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(3), help="two or more")
    given = parser.parse_args()
    table = read_table(given.file, given.text, given.label)
    main(table.texts, table.labels, given.seeds)
