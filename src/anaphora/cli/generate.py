"""`anaphora generate`: what a language model writes, while it writes it."""

import json
import secrets
import sys
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from anaphora.cli.options import FILE, takes_options_of
from anaphora.cli.saved import load_language_model
from anaphora.cli.talk import say, to_stdout
from anaphora.data.read import mend
from anaphora.engine.native import PRECISIONS
from anaphora.errors import in_words
from anaphora.runtime.sampling import Sampling

SEEDS = 2**31


@click.command("generate", short_help="Write text with a language model.")
@click.argument("model", type=FILE)
@click.option("--prompt", default="", help="The beginning, which the model goes on with.")
@click.option("--length", default=400, show_default=True, type=click.IntRange(1), help="Tokens to write.")
@click.option("--stop", help="Stop before this text.")
@click.option("--samples", default=1, show_default=True, type=click.IntRange(1), help="Texts to write, side by side.")
@takes_options_of(Sampling)
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
    writer, prompt = load_language_model(model, precision), mend(prompt)
    if unknown := writer.unknown(prompt):
        say(f"never seen in training, and read as unknown: {in_words(map(repr, dict.fromkeys(unknown)))}")
    state = writer.start(prompt, samples)
    if samples == 1 and not as_json:
        sys.stdout.write(prompt)
        for (piece,) in state.stream(length, stop=stop, **sampling):
            sys.stdout.write(piece)
            sys.stdout.flush()
        to_stdout("")
        return
    for number, text in enumerate(state.write(length, stop=stop, **sampling), 1):
        if as_json:
            to_stdout(json.dumps({"sample": number, "prompt": prompt, "text": text}, ensure_ascii=False))
        else:
            say(f"{'' if number == 1 else chr(10)}--- {number}")
            to_stdout(prompt + text)
