"""In the style of an author: lines of words, gone on with from given ones, greedily and by chance.

    python examples/in_the_style.py
    python examples/in_the_style.py input.txt --begin "My lord" --begin "The king" --minutes 3

Each line is a document of its own, so that the model learns where one ends. Written greedily, with a temperature of 0,
every word is the likeliest, and the same beginning always ends in the same way; drawn by their probabilities, lines
differ. Without a file it learns from lines that are made here: of each animal some doings, a place, and times.

Printed on 2026-11-28 (2 cores, AMD EPYC), of Shakespeare's lines:

    perplexity of held-out lines: 78.7
    greedy: My lord, I am not to the king, and I
    drawn:  My lord.
    drawn:  My lord and wrong of the country, and your health,
    drawn:  My lord, I prithee, to my leave, with mine
    greedy: The king is not a little thing,
    drawn:  The king was than you; but, sir, he is dead
    drawn:  The king was received.
    drawn:  The king is no couldst; to the rest, he like
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anaphora import LanguageModel
from anaphora.data.read import opened_text

DOINGS = {"The owl": "calls sleeps waits", "The fox": "runs hunts hides", "The trout": "swims leaps turns"}
PLACES = {"The owl": "over the roof", "The fox": "behind the hedge", "The trout": "under the bridge"}


TIMES = ("at noon", "at dawn", "at night", "in the rain", "in spring", "all day")
SMALL: dict[str, Any] = {"hidden_size": 32, "layers": 1, "steps": 300, "batch_size": 8, "learning_rate": 0.02}


def made(rounds: int = 8) -> list[str]:
    """Lines that go by a rule: who, what it does, where, and when."""
    return [
        f"{who} {doing} {PLACES[who]} {time}."
        for _ in range(rounds)
        for who, doings in DOINGS.items()
        for doing in doings.split()
        for time in TIMES
    ]


def main(
    lines: Sequence[str], beginnings: Sequence[str], samples: int = 3, **options: Any
) -> dict[str, tuple[str, list[str]]]:
    """Of each beginning the greedy line, and some that were drawn."""
    model = LanguageModel(level="word", **options).fit(lines)
    if checked := model.bundle_.training.get("validation"):
        print(f"perplexity of held-out lines: {checked['perplexity']:.1f}")
    written = {}
    for begin in beginnings:
        greedy = begin + model.generate(begin, 20, temperature=0)
        drawn = [begin + model.generate(begin, 20, temperature=0.8, seed=seed) for seed in range(samples)]
        written[begin] = greedy, drawn
        print("\n".join([f"greedy: {greedy}", *(f"drawn:  {line}" for line in drawn)]))
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--begin", action="append")
    parser.add_argument("--minutes", type=float, default=3)
    given = parser.parse_args()
    if given.file:
        with opened_text(given.file, "utf-8") as content:
            read = [line.strip() for line in content if line.strip()]
        main(read, given.begin or ["My lord", "The king"], hidden_size=256, layers=1, minutes=given.minutes)
    else:
        main(made(), given.begin or list(DOINGS), **SMALL)
