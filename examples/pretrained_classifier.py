"""Does it help a classifier that a language model has read its texts first, without their labels (ULMFiT)?

    python examples/pretrained_classifier.py politifact.csv --text title --text author --text text --label label
    python examples/pretrained_classifier.py train.jsonl.gz --test test.jsonl.gz --text text --label label \\
        --reading-minutes 50 --minutes 40 --seeds 0 \\
        --reader '{"hidden_size": 512, "window": 70, "sampled_softmax": 1000, "dropout": 0.2, "layer_dropout": 0.1}' \\
        --classifier '{"linear": true}'

For each seed a language model reads the training texts, and a classifier begins as it. Both are scored on the same held
out rows: those of --test, or a third of the file, near-duplicates together. The language model never sees these. The
last line, of several seeds, is the mean difference to the linear baseline with its 95 % interval: Student's t over the
seeds, whose held-out rows overlap, or are the same.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from anaphora import LanguageModel, TextClassifier
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.data.split import split
from anaphora.data.table import read_table

Rows = tuple[list[str], list[Any]]
READER: dict[str, Any] = {"level": "word", "lowercase": True, "strip_html": True}


def main(
    training: Rows, test: Rows | None, seeds: Sequence[int], reader: dict[str, Any], classifier: dict[str, Any]
) -> list[float]:
    differences = []
    for seed in seeds:
        kept, held = (training, test) if test else thirds(*training, seed)
        ours, linear = run(kept, held, seed, reader, classifier)
        differences.append(ours - linear)
        print(f"seed {seed}: classifier {ours:.4f}, linear {linear:.4f}, difference {ours - linear:+.4f}", flush=True)
    if len(differences) > 1:
        mean, half = np.mean(differences), stats.t.ppf(0.975, len(seeds) - 1) * stats.sem(differences)
        print(
            f"difference over {len(seeds)} seeds: {mean:+.4f}, 95 % between {mean - half:+.4f} and {mean + half:+.4f}"
        )
    return differences


def thirds(texts: list[str], labels: list[Any], seed: int) -> tuple[Rows, Rows]:
    """Two thirds of the rows to learn from, and one to score on."""
    groups = near_duplicate_groups(texts).tolist()
    parts = split(groups, labels, 1 / 3, np.random.default_rng([seed, 1]))
    kept, held = (([texts[i] for i in part], [labels[i] for i in part]) for part in parts)
    return kept, held


def run(kept: Rows, held: Rows, seed: int, reader: dict[str, Any], classifier: dict[str, Any]) -> tuple[float, float]:
    """The accuracies of the classifier and of the linear baseline."""
    with tempfile.TemporaryDirectory() as folder:
        read = LanguageModel(**READER | reader, seed=seed).fit(kept[0])
        print(f"seed {seed}: perplexity {read.bundle_.training['validation']['perplexity']:.1f}", flush=True)
        read.save(Path(folder) / "reader")
        model = TextClassifier(pretrained=str(Path(folder) / "reader"), **classifier, seed=seed).fit(*kept)
    scores = model.evaluate(*held)
    return scores["accuracy"], scores["baselines"]["linear"]["accuracy"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--text", action="append", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument("--reader", type=json.loads, default={}, help="options of the language model, as JSON")
    parser.add_argument("--classifier", type=json.loads, default={}, help="options of the classifier, as JSON")
    parser.add_argument("--reading-minutes", type=float)
    parser.add_argument("--minutes", type=float)
    given = parser.parse_args()
    tables = [
        read_table(file, tuple(given.text), given.label, drop_missing=True) for file in (given.file, given.test) if file
    ]
    rows = [(table.texts, table.labels) for table in tables]
    main(
        rows[0],
        rows[1] if given.test else None,
        given.seeds,
        {"minutes": given.reading_minutes} | given.reader,
        {"minutes": given.minutes} | given.classifier,
    )
