"""`anaphora generate`: what a language model writes, while it writes it."""

import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from anaphora.cli.console import say, to_stdout
from anaphora.cli.options import FILE, takes_options_of
from anaphora.data.read import replace_surrogates
from anaphora.engine.native import PRECISIONS
from anaphora.errors import OptionError, in_words
from anaphora.estimators.load import load
from anaphora.runtime.decoding.sampling import Sampling
from anaphora.tasks.language.estimator import LanguageModel

SEEDS = 2**31


@click.command("generate", short_help="Write text with a language model.")
@click.argument("model", type=FILE)
@click.option("--prompt", default="", help="The beginning, which the model goes on with.")
@click.option("--length", default=400, show_default=True, type=click.IntRange(1), help="Tokens to write.")
@click.option("--stop", help="Stop before this text.")
@click.option("--samples", default=1, show_default=True, type=click.IntRange(1), help="Texts to write, side by side.")
@takes_options_of(Sampling, seed="a new one for each call")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="What the products are computed in; int8 and bfloat16 are faster.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a sample.")
def command(
    model: Path,
    prompt: str,
    length: int,
    stop: str | None,
    samples: int,
    precision: str,
    as_json: bool,
    **sampling: Any,
) -> None:
    """Write with MODEL, from its beginning or after a prompt; seen while it is written.

    \b
    anaphora generate model/
    anaphora generate model/ --prompt "ROMEO:" --length 500 --temperature 0.8
    anaphora generate model/ --prompt "It was" --samples 3 --top-p 0.9 --stop "."

    Without --seed each call writes something new, and says its seed, with which it can be repeated. Words or characters
    of the prompt that the model has never seen are read as unknown ones; none are ever written.
    """
    if click.get_current_context().get_parameter_source("seed") is ParameterSource.DEFAULT:
        sampling["seed"] = secrets.randbelow(SEEDS)
        say(f"--seed {sampling['seed']}")
    Sampling.from_dict(sampling)  # wrong values are told before the model is read
    writer, prompt = load(model, precision), replace_surrogates(prompt)
    if not isinstance(writer, LanguageModel):
        task = writer.bundle_.task.name
        raise OptionError(f"{model} is a model for the task {task!r}: anaphora generate needs a language model")
    if unknown := writer.unknown(prompt):
        say(f"never seen in training, and read as unknown: {in_words(map(repr, dict.fromkeys(unknown)))}")
    state = writer.start(prompt, samples)
    if as_json:
        for number, text in enumerate(state.write(length, stop=stop, **sampling), 1):
            told = {"sample": number, "seed": sampling["seed"], "prompt": prompt, "text": text}
            to_stdout(json.dumps(told, ensure_ascii=False))
    else:
        show(prompt, state.stream(length, stop=stop, **sampling), samples)


def show(prompt: str, written: Iterator[list[str]], samples: int) -> None:
    """The first sample as it is written; the others, which are written beside it, below."""
    others = [prompt] * (samples - 1)
    if others:
        say("--- 1")
    sys.stdout.write(prompt)
    for first, *rest in written:
        sys.stdout.write(first)
        sys.stdout.flush()
        others = [text + piece for text, piece in zip(others, rest, strict=True)]
    to_stdout("")
    for number, text in enumerate(others, 2):
        say(f"\n--- {number}")
        to_stdout(text)
