"""Fake news: the classic pipeline, the default one, and what each choice between them costs or gains.

    python examples/fake_news.py politifact.csv

The file has the columns title, author, text and label (FakeNewsNet's PolitiFact articles, or any other). The classic
pipeline is that of many tutorials: title and author alone, without stopwords, signs and the endings of words, hashed
into 5,000 buckets, the last 20 kept; vectors of 40, one LSTM of 100 in one direction, its last output, no
regularisation, ten epochs of Adam. Then one choice after another becomes the default one; each line's change is to the
line above, on the same seeds, and would be another in another order. A third is held out.

The columns `source` and `url` are left alone: they say where a text was collected, and so give its label away.

The classic split is by chance, and articles that were copied lie on both sides of it. The first lines tell what that
does: how many held-out rows have a near-duplicate among those that were learned from, how often these and the others
are answered right, and how often rows of which there are copies, where all of these were held out together.

Printed on 2026-11-28 (2 cores, AMD EPYC):

    Split by chance, 22% of the held-out rows have a copy among those that were learned from. Right:
      rows with a copy there               0.830 (sd 0.044)
      the other rows                       0.720 (sd 0.015)
      rows with copies, all on one side    0.816 (sd 0.123)
    Right, mean of 5 seeds, and the change to the line above:
      the classic pipeline                 0.744 (sd 0.008)
      copies on one side of the split      0.721 (sd 0.037)   -0.022 (sd 0.035)
      stopwords, signs and endings kept    0.734 (sd 0.024)   +0.013 (sd 0.048)
      a vocabulary, no hashes              0.777 (sd 0.036)   +0.043 (sd 0.046)
      both directions, mean and maximum    0.774 (sd 0.060)   -0.003 (sd 0.035)
      dropout, smoothed labels             0.774 (sd 0.039)   +0.000 (sd 0.037)
      sizes, AdamW, one cycle              0.812 (sd 0.027)   +0.039 (sd 0.035)
      the naive-Bayes start                0.801 (sd 0.030)   -0.012 (sd 0.015)
      the article's text, too, 400 tokens  0.895 (sd 0.013)   +0.094 (sd 0.026)
      linear baseline, rows of the last line 0.896 (sd 0.024)

Here the copies add 0.02 to the score, which may be chance: rows with copies are right as often where none of them was
seen. Where labels are drawn by chance, copies are all that a score can come from: that is this example's test. (Of 969
rows 61 have neither title nor author, copies of one another: 34 real, 27 fake.) The text of the articles is worth more
than all else together. A change about as large as its deviation may be chance, too: of five seeds a mean has a standard
error of 0.45 times that.
"""

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import TextClassifier
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.data.split import split
from anaphora.data.table import read_table

CLASSIC: dict[str, Any] = {
    "stopwords": "english",
    "strip_special": True,
    "stem": True,
    "encode": "hash",
    "vocab_size": 5_000,
    "max_length": 20,
    "keep": "tail",
    "embedding_size": 40,
    "hidden_size": 100,
    "bidirectional": False,
    "pool": "last",
    "dropout": 0.0,
    "locked_dropout": 0.0,
    "word_dropout": 0.0,
    "label_smoothing": 0.0,
    "bayes_start": 0,
    "optimizer": "adam",
    "schedule": "constant",
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "batch_size": 64,
    "epochs": 10,
}
CLASSIC_LINE, APART, TEXT = (
    "the classic pipeline",
    "copies on one side of the split",
    "the article's text, too, 400 tokens",
)
TRAINING = ("embedding_size", "hidden_size", "optimizer", "schedule", "learning_rate", "weight_decay")
SEEN, OTHERS = "rows with a copy there", "the other rows"
UNSEEN = "rows with copies, all on one side"
STEPS: dict[str, tuple[str, ...]] = {
    CLASSIC_LINE: (),
    APART: (),
    "stopwords, signs and endings kept": ("stopwords", "strip_special", "stem"),
    "a vocabulary, no hashes": ("encode", "vocab_size"),
    "both directions, mean and maximum": ("bidirectional", "pool"),
    "dropout, smoothed labels": ("dropout", "locked_dropout", "word_dropout", "label_smoothing"),
    "sizes, AdamW, one cycle": (*TRAINING, "batch_size", "epochs"),
    "the naive-Bayes start": ("bayes_start",),
    TEXT: ("max_length", "keep"),
}
"""What becomes the default one at each line: after the last one nothing of the classic pipeline is left."""


def main(
    headlines: Sequence[str], articles: Sequence[str], labels: Sequence[str], seeds: Sequence[int], **fixed: Any
) -> dict[str, list[float]]:
    """Accuracies by line and seed; SEEN, OTHERS and UNSEEN are the classic pipeline's on some of the rows."""
    copies = near_duplicate_groups(articles, [str(group) for group in near_duplicate_groups(headlines)])
    found: dict[str, list[float]] = {name: [] for name in (*STEPS, SEEN, OTHERS, UNSEEN, "linear")}
    shares: list[float] = []
    for seed in seeds:
        options, groups, texts = dict(CLASSIC), np.arange(len(labels)), headlines
        for name, given_up in STEPS.items():
            options = {key: value for key, value in options.items() if key not in given_up}
            groups, texts = copies if name == APART else groups, articles if name == TEXT else texts
            kept, held = split(groups.tolist(), labels, 1 / 3, np.random.default_rng([seed, 1]))
            model = TextClassifier(**{"validation": 0.0, "seed": seed} | options | fixed)
            model.fit([texts[i] for i in kept], [labels[i] for i in kept])
            right = model.predict([texts[i] for i in held]) == np.array([labels[i] for i in held])
            found[name].append(float(right.mean()))
            if name == CLASSIC_LINE:
                copied = np.isin(copies[held], copies[kept])
                shares.append(copied.mean())
                found[SEEN].append(share(right[copied]))
                found[OTHERS].append(share(right[~copied]))
            elif name == APART:
                found[UNSEEN].append(share(right[np.bincount(copies)[copies[held]] > 1]))
        found["linear"].append(linear(model, texts, labels, held))
    show(found, float(np.mean(shares)))
    return found


def share(right: NDArray[np.bool_]) -> float:
    """Of no rows it is not a number."""
    return float(right.mean()) if len(right) else float("nan")


def linear(model: TextClassifier, texts: Sequence[str], labels: Sequence[str], held: NDArray[np.int64]) -> float:
    """The accuracy of the linear baseline that was fitted beside the model."""
    scores = model.evaluate([texts[i] for i in held], [labels[i] for i in held])
    return float(scores["baselines"]["linear"]["accuracy"])


def show(found: dict[str, list[float]], copied: float) -> None:
    print(f"Split by chance, {copied:.0%} of the held-out rows have a copy among those that were learned from. Right:")
    for name in (SEEN, OTHERS, UNSEEN):
        print(f"  {name:<36} {mean_and_spread(found[name])}")
    print(f"Right, mean of {len(found['linear'])} seeds, and the change to the line above:")
    print(f"  {CLASSIC_LINE:<36} {mean_and_spread(found[CLASSIC_LINE])}")
    for before, name in pairwise(STEPS):
        changes = [new - old for new, old in zip(found[name], found[before], strict=True)]
        print(f"  {name:<36} {mean_and_spread(found[name])}   {mean(changes):+.3f} (sd {deviation(changes):.3f})")
    print(f"  {'linear baseline, rows of the last line':<36} {mean_and_spread(found['linear'])}")


def mean_and_spread(values: list[float]) -> str:
    return f"{mean(values):.3f} (sd {deviation(values):.3f})"


def deviation(values: list[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    given = parser.parse_args()
    short, whole = (
        read_table(given.file, columns, "label") for columns in (("title", "author"), ("title", "author", "text"))
    )
    main(short.texts, whole.texts, whole.labels, given.seeds)
