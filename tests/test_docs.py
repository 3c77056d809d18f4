"""The documentation is run: every command and every snippet, in the order in which a reader meets them."""

import csv
import datetime
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import generate  # noqa: E402 (it lies beside the pages)

PAGES = [
    "README.md",
    "docs/fake-news.md",
    "docs/sentiment.md",
    "docs/classifiers.md",
    "docs/language-models.md",
    "docs/writing.md",
    "docs/forecasting.md",
    "docs/sequences.md",
    "docs/numbers.md",
    "docs/music.md",
]
NOT_RUN = ("make", "pip", "git")
"""Set-up, which the test run itself has done already."""


def blocks(page: str) -> list[tuple[str, str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"^```(bash|python)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def write_data(folder):
    """Small files of the form that the pages speak of."""
    rng = random.Random(0)
    words = {"0": ["senate", "vote", "report", "official"], "1": ["shocking", "secret", "exposed", "hoax"]}

    def text(label, length):
        return " ".join(rng.choice([*words[label], "the", "a", "news", "people"]) for _ in range(length))

    with (folder / "news.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["title", "author", "text", "label"])
        rows.writerows([text(k, 4), "somebody", text(k, 30), k] for k in "01" * 60)
    (folder / "README.md").write_text((ROOT / "README.md").read_text(encoding="utf-8"))
    with (folder / "air.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["month", "passengers"])
        rows.writerows([f"{1950 + m // 12}-{m % 12 + 1:02d}", 100 + m + 20 * (m % 12)] for m in range(144))
    with (folder / "sales.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["day", "shop", "sold", "price"])
        for day in range(1, 89):
            stamp = datetime.date(2026, 1, 1) + datetime.timedelta(day)
            for shop in ("north", "south"):
                price = 1 + day % 3
                rows.writerow([stamp, shop, "" if day > 80 else 50 - 9 * price + day % 7, price])
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__", "out"))
    chords = [[48, 60, 64, 67], [53, 60, 65, 69], [55, 59, 62, 67], [48, 60, 67]] * 8
    chorales = {part: [[[note + key for note in chord] for chord in chords] for key in keys] for part, keys in (
        ("train", (12, 14, 17)), ("valid", (15,)), ("test", (19,)))}  # fmt: skip
    (folder / "chorales.json").write_text(json.dumps(chorales))
    (folder / "book.txt").write_text("It was a dark and stormy night. The wind blew.\n" * 400)
    with (folder / "tweets.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["text", "mood"])
        rows.writerows([text(k, 8), {"0": "good", "1": "bad"}[k]] for k in "01" * 60)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_snippet_runs(page, tmp_path):
    write_data(tmp_path)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ran = 0
    for language, code in blocks(page):
        if language == "python":
            commands = [[sys.executable, "-W", "error", "-c", code]]
        else:
            lines = [shlex.split(line, comments=True) for line in code.splitlines()]
            commands = [words for words in lines if words and words[0] not in NOT_RUN]
        for words in commands:
            done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{page}: {shlex.join(words)}\n{done.stderr}"
            ran += 1
    assert ran, f"{page} holds nothing to run"


@pytest.mark.parametrize("file", generate.PAGES)
def test_generated_page_is_up_to_date(file):
    """Run `python docs/generate.py` after a change of options or cells."""
    assert (ROOT / "docs" / file).read_text(encoding="utf-8") == generate.PAGES[file]()
