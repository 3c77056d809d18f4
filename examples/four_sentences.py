"""Sentiment: learned from four sentences, and then, by the same lines, from real ones.

    python examples/four_sentences.py
    python examples/four_sentences.py Tweets.csv --text text --label airline_sentiment
    python examples/four_sentences.py train.jsonl.gz --test test.jsonl.gz --text text --label label

Four sentences are learned by heart, and a new one is only understood where it has their words. Of a file a fifth is
held out, copies with their like, unless --test names another file; the scores stand beside the linear baseline's.

Printed on 2026-11-28 (2 cores, AMD EPYC), of the four sentences and of the airline tweets:

    I love this film: good, 0.95
    what a wonderful story: good, 0.96
    I hate this film: bad, 0.96
    what a boring story: bad, 0.94
    a wonderful film: good, 0.95
    accuracy on the four: 1.0
    network    accuracy 0.8098   macro F1 0.7486
    linear     accuracy 0.7982   macro F1 0.7318
    majority   accuracy 0.6279   macro F1 0.2571
    No clear winner: the network gets 81.0% of 2,929 rows right, the linear baseline 79.8%; the difference may be chance
    (McNemar's exact test p = 0.067).

and of IMDb's reviews, whose test part is of other films:

    network    accuracy 0.8919   macro F1 0.8919
    linear     accuracy 0.9056   macro F1 0.9056
    majority   accuracy 0.5000   macro F1 0.3333
    The linear baseline is better than the network: 89.2% of 25,000 rows right, the linear baseline 90.6% (McNemar's
    exact test p < 0.0001). Prefer it here; it is simpler, too.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anaphora import TextClassifier
from anaphora.data.duplicates import near_duplicate_groups
from anaphora.data.split import split
from anaphora.data.table import read_table

Rows = tuple[Sequence[str], Sequence[Any]]
SENTENCES = ["I love this film", "what a wonderful story", "I hate this film", "what a boring story"]
MOODS = ["good", "good", "bad", "bad"]


def four() -> float:
    """The accuracy on the four sentences themselves."""
    model = TextClassifier(min_count=1).fit(SENTENCES, MOODS)
    for sentence in (*SENTENCES, "a wonderful film"):
        print(f"{sentence}: {model.predict([sentence])[0]}, {model.predict_proba([sentence]).max():.2f}")
    right = model.score(SENTENCES, MOODS)
    print(f"accuracy on the four: {right}")
    return right


def real(training: Rows, test: Rows | None, **options: Any) -> dict[str, Any]:
    """Scores on held-out rows beside the baselines': `anaphora.report.scores.compare`."""
    kept, held = (training, test) if test else fifths(*training)
    model = TextClassifier(**options).fit(*kept)
    scores = model.evaluate(*held)
    for name, own in {"network": scores, **dict(reversed(scores["baselines"].items()))}.items():
        print(f"{name:<8}   accuracy {own['accuracy']:.4f}   macro F1 {own['macro_f1']:.4f}")
    print(scores["verdict"])
    return scores


def fifths(texts: Sequence[str], labels: Sequence[Any]) -> tuple[Rows, Rows]:
    """Four fifths of the rows to learn from, and one to score on."""
    groups = near_duplicate_groups(texts).tolist()
    parts = split(groups, labels, 0.2, np.random.default_rng(0))
    kept, held = (([texts[i] for i in part], [labels[i] for i in part]) for part in parts)
    return kept, held


def main(training: Rows | None = None, test: Rows | None = None, **options: Any) -> tuple[float, dict[str, Any] | None]:
    """The accuracy on the four sentences, and the scores on real ones, if there are some."""
    return four(), real(training, test, **options) if training else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--test", type=Path)
    parser.add_argument("--text", action="append", default=[])
    parser.add_argument("--label", default="label")
    parser.add_argument("--minutes", type=float)
    given = parser.parse_args()
    tables = [read_table(file, given.text or ["text"], given.label) for file in (given.file, given.test) if file]
    main(*((table.texts, table.labels) for table in tables), minutes=given.minutes)
