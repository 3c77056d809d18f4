"""Characters: "hello world" is learned, and written back from its "h"; then a whole play, if there is one.

    python examples/hello_world.py
    python examples/hello_world.py input.txt --minutes 20

After "h" comes "e", but after "l" comes "l", "o" or "d": only the state knows which. Of a play the last tenth is held
out, and the scores stand beside an n-gram model's. Printed on 2026-11-28 (2 cores, AMD EPYC), of Shakespeare:

    hello world
    The network is better than the n-gram model: perplexity 5.013 over 111,540 tokens, the n-gram model's 5.349 (0.065
    nats a token, 95 % between 0.055 and 0.074).
    ROMEO:
    There's a that remember his name, whose liee
    Will be his duke is Elbow's country's veins
    Unless they sing, they live by me on me.

    MONTAGUE:
    Go, now my lords, people, fie, would I show him,
    We have contented all provern'd the air.

and 300 characters more.
"""

import argparse
from pathlib import Path
from typing import Any

from anaphora import LanguageModel
from anaphora.data.read import opened_text

TEXT = "hello world"


def hello() -> str:
    """What is written after "h"."""
    model = LanguageModel(hidden_size=32, layers=1, steps=100, learning_rate=0.02).fit(TEXT)
    written = TEXT[0] + model.generate(TEXT[0], len(TEXT) - 1, temperature=0)
    print(written)
    return written


def play(text: str, prompt: str = "", length: int = 500, **options: Any) -> dict[str, Any]:
    """Scores of the last tenth of the text: `LanguageModel.evaluate`."""
    border = len(text) * 9 // 10
    model = LanguageModel(**options).fit(text[:border])
    scores = model.evaluate(text[border:])
    print(scores["verdict"])
    print(prompt + model.generate(prompt, length, temperature=0.8))
    return scores


def main(text: str | None = None, **options: Any) -> tuple[str, dict[str, Any] | None]:
    """What was written of "hello world", and the scores of the play, if there is one."""
    return hello(), play(text, **options) if text else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--prompt", default="ROMEO:")
    parser.add_argument("--minutes", type=float, default=20)
    given = parser.parse_args()
    content = None
    if given.file:
        with opened_text(given.file, "utf-8") as lines:
            content = lines.read()
    main(content, prompt=given.prompt, minutes=given.minutes)
