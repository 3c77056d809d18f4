"""`anaphora generate`: text from a language model, shown while it is generated."""

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


@click.command("generate", short_help="Generate text with a language model.")
@click.argument("model", type=FILE)
@click.option("--prompt", default="", help="The beginning of the text, which the model continues.")
@click.option("--length", default=400, show_default=True, type=click.IntRange(1), help="Tokens to generate.")
@click.option("--stop", help="Stop before this text.")
@click.option("--samples", default=1, show_default=True, type=click.IntRange(1), help="Texts to generate, in parallel.")
@takes_options_of(Sampling, seed="a new one for each call")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="float32",
    show_default=True,
    help="Number format of the products; int8 and bfloat16 are faster.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each sample.")
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
    """Generate text with MODEL, after a prompt or from the beginning.

    \b
    anaphora generate model/
    anaphora generate model/ --prompt "ROMEO:" --length 500 --temperature 0.8
    anaphora generate model/ --prompt "It was" --samples 3 --top-p 0.9 --stop "."

    Without --seed each call generates another text and prints its seed, with which it can be repeated. Words or
    characters of the prompt that are not in the vocabulary are read as [UNK], which is never generated.
    """
    if click.get_current_context().get_parameter_source("seed") is ParameterSource.DEFAULT:
        sampling["seed"] = secrets.randbelow(SEEDS)
        say(f"--seed {sampling['seed']}")
    Sampling.from_dict(sampling)  # report wrong values before the model is read
    loaded, prompt = load(model, precision), replace_surrogates(prompt)
    if not isinstance(loaded, LanguageModel):
        raise OptionError(
            f"{model} is a model for the task {loaded.bundle_.task.name!r}: generate is for language models"
        )
    if unknown := loaded.unknown(prompt):
        say(f"not in the vocabulary, read as [UNK]: {in_words(map(repr, dict.fromkeys(unknown)))}")
    state = loaded.start(prompt, samples)
    if as_json:
        for number, text in enumerate(state.write(length, stop=stop, **sampling), 1):
            result = {"sample": number, "seed": sampling["seed"], "prompt": prompt, "text": text}
            to_stdout(json.dumps(result, ensure_ascii=False))
    else:
        show(prompt, state.stream(length, stop=stop, **sampling), samples)


def show(prompt: str, pieces: Iterator[list[str]], samples: int) -> None:
    """Print the first sample while it is generated, and then the others."""
    others = [prompt] * (samples - 1)
    if others:
        say("--- 1")
    sys.stdout.write(prompt)
    for first, *rest in pieces:
        sys.stdout.write(first)
        sys.stdout.flush()
        others = [text + piece for text, piece in zip(others, rest, strict=True)]
    to_stdout("")
    for number, text in enumerate(others, 2):
        say(f"\n--- {number}")
        to_stdout(text)
