"""A toy set that any working classifier learns, and options that learn it within a second."""

from typing import NamedTuple

import numpy as np

WORDS = {
    "pos": ("good", "great", "lovely", "superb", "happy"),
    "neg": ("bad", "awful", "boring", "poor", "sad"),
}
FILLERS = ("the", "film", "was", "plot", "and", "actors", "scene", "music")
TINY = {
    "embedding_size": 8,
    "hidden_size": 8,
    "epochs": 12,
    "batch_size": 8,
    "learning_rate": 0.02,
    "patience": 12,
    "validation": 0.2,
    "dropout": 0.0,
    "locked_dropout": 0.0,
    "word_dropout": 0.0,
    "max_length": 20,
    "min_count": 1,
}


class Toy(NamedTuple):
    texts: list[str]
    labels: list[str]


def make_toy(rows: int = 80) -> Toy:
    """Texts of eight words, two of which tell the label; no text twice."""
    rng = np.random.default_rng(0)
    made: dict[str, str] = {}
    while len(made) < rows:
        label = ("pos", "neg")[len(made) % 2]
        words = [*rng.choice(FILLERS, 6), *rng.choice(WORDS[label], 2)]
        made[" ".join(rng.permutation(words).tolist())] = label
    return Toy(list(made), list(made.values()))
