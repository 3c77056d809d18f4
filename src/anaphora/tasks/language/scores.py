"""The scores of a language model on a text, with those of its baselines."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_name
from anaphora.report.examined import Table

BLOCK = 100
"""Tokens of a block; the means of blocks are nearly independent, those of neighbouring tokens are not."""
MAX_NATS = 700.0
"""exp of more is not a float."""
MIN_UNKNOWN = 0.001
"""The verdict mentions unknown tokens from this share on."""
MANY_SEEN = 0.1
"""The verdict mentions passages of the training text from this share on."""


@dataclass(frozen=True)
class LanguageScores:
    """`scores` as of `compare`; each token of a passage with its nats (minus log-probability) by the network and by the
    n-gram model; and generated samples with their temperatures.
    """

    scores: dict[str, Any]
    passage: Sequence[tuple[str, float, float]]
    samples: Sequence[tuple[float, str]]

    def tables(self, data: str) -> list[Table | str]:
        return tables(self.scores, data)

    def page(self, training: Mapping[str, Any], data: str) -> str:
        html: str = load_name("anaphora.tasks.language.page.page")(self, training, data)
        return html


def compare(
    network: Mapping[str, Any],
    log_probabilities_N: NDArray[Any],
    baselines: Mapping[str, NDArray[Any]],
    characters: int,
) -> dict[str, Any]:
    """The scores of the network on a text, and those of every baseline under `baselines`.

    `log_probabilities_N` are the network's; each baseline has `[N, 2]`: log-probabilities, and 1 where no token had a
    higher one. `comparison` holds by how many nats per token the network is better than the n-gram model, with a 95 %
    interval over blocks of 100 tokens, and `verdict` its result in words.
    """
    scores = dict(network) | {"bits_per_character": bits_per_character(log_probabilities_N, characters)}
    scores["baselines"] = {
        name: {
            "perplexity": math.exp(min(-float(scores_N2[:, 0].mean()), MAX_NATS)),
            "bits_per_character": bits_per_character(scores_N2[:, 0], characters),
            "next_token_accuracy": float(scores_N2[:, 1].mean()),
        }
        for name, scores_N2 in baselines.items()
    }
    if "ngram" in baselines:
        gain_N = log_probabilities_N - baselines["ngram"][:, 0]
        blocks = np.array([block.mean() for block in np.array_split(gain_N, max(1, len(gain_N) // BLOCK))])
        half = 1.96 * float(blocks.std(ddof=1)) / math.sqrt(len(blocks)) if len(blocks) > 1 else math.inf
        gain = float(gain_N.mean())
        scores["comparison"] = {"nats_gained": gain, "low": gain - half, "high": gain + half}
    scores["verdict"] = verdict(scores)
    return scores


def bits_per_character(log_probabilities_N: NDArray[Any], characters: int) -> float:
    """Bits per character of the original text; independent of how the text is tokenized."""
    return -float(log_probabilities_N.sum(dtype=np.float64)) / math.log(2) / max(1, characters)


def tables(scores: Mapping[str, Any], data: str) -> list[Table | str]:
    """The network and its baselines, and what dynamic evaluation changes."""
    rows = [
        [name, f"{one['perplexity']:.4g}", f"{one['bits_per_character']:.3f}", f"{one['next_token_accuracy']:.1%}"]
        for name, one in compared(scores).items()
    ]
    columns = ["", "perplexity", "bits per character", "next-token accuracy"]
    parts: list[Table | str] = [Table(columns, rows, f"{scores['n']:,} {data} tokens")]
    if "dynamic" in scores:
        parts.append(dynamic_verdict(scores))
    return parts


def compared(scores: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scores to compare, by name."""
    dynamic = {"network, dynamic": scores["dynamic"]} if "dynamic" in scores else {}
    names = {"ngram": "n-gram"}
    return {"network": scores, **dynamic, **{names.get(name, name): one for name, one in scores["baselines"].items()}}


def dynamic_verdict(scores: Mapping[str, Any]) -> str:
    """What dynamic evaluation changes."""
    static, dynamic = scores["perplexity"], scores["dynamic"]["perplexity"]
    how = f"{'better' if dynamic < static else 'worse'} by {abs(1 - dynamic / static):.1%}"
    return f"With dynamic evaluation the network is {how}: perplexity {dynamic:.4g} instead of {static:.4g}."


def verdict(scores: Mapping[str, Any]) -> str:
    """Whether the network or the n-gram model is better, and what limits the scores."""
    network = f"perplexity {scores['perplexity']:.4g} over {scores['n']:,} tokens"
    return " ".join([_against_ngram(scores, network), *_limits(scores)])


def _against_ngram(scores: Mapping[str, Any], network: str) -> str:
    if "comparison" not in scores:
        return f"The network has {network}."
    against = f"{network}, the n-gram model {scores['baselines']['ngram']['perplexity']:.4g}"
    gained, low, high = (scores["comparison"][key] for key in ("nats_gained", "low", "high"))
    smaller, larger = sorted((abs(low), abs(high)))
    interval = f"{abs(gained):.3f} nats per token, 95 % between {smaller:.3f} and {larger:.3f}"
    if low <= 0 <= high:
        return f"No clear winner: the network has {against}; the difference may be chance."
    if gained > 0:
        return f"The network is better than the n-gram model: {against} ({interval})."
    return f"The n-gram model is better than the network: {against} ({interval})."


def _limits(scores: Mapping[str, Any]) -> Iterator[str]:
    if (unknown := scores.get("unknown_tokens", 0)) >= MIN_UNKNOWN:
        yield (
            f"{unknown:.1%} of the tokens are unknown to both models, which predict only that they are unknown: the bits "
            "per character are too low."
        )
    if scores.get("cleaned"):
        yield "The text is cleaned; the bits per character still count the removed characters, so they are too low."
    if (seen := scores.get("passages_seen", 0)) >= MANY_SEEN:
        yield f"But {seen:.0%} of the sampled passages are in the training text: the scores say little about new text."
