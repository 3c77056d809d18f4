"""Every example at full length, one after another, each with its name, what it prints and how long it took.

    python examples/run_all.py                         those that make their own data
    ANAPHORA_DATA=folder python examples/run_all.py    those, too, that read real data from the folder

What they write goes to examples/out. penn_treebank and pretrained_classifier take hours, and are left out.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
LONG = ("penn_treebank", "pretrained_classifier")
TWEETS = "DATA/airline/Tweets.csv --text text --label airline_sentiment"
TEMPERATURES = "DATA/brownlee_ts/daily-min-temperatures.csv --time Date --value Temp --horizon 7 --lookback 28"
COMMANDS = (
    "next_number",
    "stacked_regression",
    "sequence_vectors",
    "long_memory",
    "four_sentences",
    "hello_world",
    "in_the_style",
    f"four_sentences {TWEETS}",
    "four_sentences DATA/imdb/train.jsonl.gz --test DATA/imdb/test.jsonl.gz --text text --label label",
    f"four_cells {TWEETS}",
    "fake_news DATA/fakenewsnet/politifact.csv",
    "plain_language_model DATA/imdb/train.jsonl.gz",
    "in_the_style DATA/tinyshakespeare/input.txt",
    "hello_world DATA/tinyshakespeare/input.txt",
    "forecasts DATA/brownlee_ts/airline-passengers.csv --time Month --value Passengers --horizon 12",
    f"forecasts {TEMPERATURES}",
    "chorales DATA/jsb/jsb-chorales-quarter.json",
)


def main(commands: Sequence[str], data: str | None, out: Path) -> list[str]:
    """Run the commands, in which DATA stands for the folder of the data; return those that failed."""
    out.mkdir(exist_ok=True)
    data = data and str(Path(data).resolve())
    failed = []
    for command in commands:
        name, *options = shlex.split(command)
        if "DATA/" in command and not data:
            print(f"== {name}: left out, as it reads real data, and ANAPHORA_DATA names no folder", flush=True)
            continue
        given = [option.replace("DATA/", f"{data}/") for option in options]
        print(f"== {command}", flush=True)
        began = time.perf_counter()
        done = subprocess.run([sys.executable, HERE.resolve() / f"{name}.py", *given], cwd=out, check=False)
        print(f"== {name}: {time.perf_counter() - began:.0f} s{', failed' * (done.returncode != 0)}", flush=True)
        failed += [command] * (done.returncode != 0)
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(COMMANDS, os.environ.get("ANAPHORA_DATA"), HERE / "out")))
