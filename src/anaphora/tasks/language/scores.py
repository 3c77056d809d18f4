"""The scores of a language model on a text, with a passage and generated samples."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.extras import load_name
from anaphora.report.examined import Table

BLOCK = 100
MAX_NATS = 700.0
"""A larger exponent would overflow."""
WORTH_SAYING = 0.001
MUCH_SEEN = 0.1


@dataclass(frozen=True)
class LanguageScores:
    """`scores` as of `compare_readings`, each token of a passage with its negative log-probability (nats) under the
    network and under the n-gram model, and generated samples with their temperatures.
    """

    scores: dict[str, Any]
    passage: Sequence[tuple[str, float, float]]
    samples: Sequence[tuple[float, str]]

    def tables(self, data: str) -> list[Table | str]:
        scores = self.scores
        dynamic = {"network, dynamic": scores["dynamic"]} if "dynamic" in scores else {}
        rows = [
            [name, f"{one['perplexity']:.4g}", f"{one['bits_per_character']:.3f}", f"{one['next_token_accuracy']:.1%}"]
            for name, one in {"network": scores, **dynamic, **scores["baselines"]}.items()
        ]
        columns = ["", "perplexity", "bits per character", "next-token accuracy"]
        parts: list[Table | str] = [Table(columns, rows, f"{scores['n']:,} tokens of {data} text")]
        return parts + ([dynamic_verdict(scores)] if dynamic else [])

    def page(self, training: Mapping[str, Any], data: str) -> str:
        html: str = load_name("anaphora.tasks.language.page.page")(self, training, data)
        return html


def compare_readings(
    network: Mapping[str, Any],
    log_probabilities_N: NDArray[Any],
    baselines: Mapping[str, NDArray[Any]],
    characters: int,
) -> dict[str, Any]:
    """A language model's scores of a text, with those of every baseline under `baselines`.

    `log_probabilities_N` are the tokens' log-probabilities; each baseline's `[N, 2]` also say whether no token had a
    higher one. `comparison` has the mean difference of the log-probabilities, the network's less the n-gram model's, in
    nats a token, with its 95 % interval over blocks of 100 tokens, which are nearly independent; `verdict` is its
    sentence.
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
    scores["verdict"] = reading_verdict(scores)
    return scores


def bits_per_character(log_probabilities_N: NDArray[Any], characters: int) -> float:
    """Bits per character of the raw text, whatever its tokens are."""
    return -float(log_probabilities_N.sum(dtype=np.float64)) / math.log(2) / max(1, characters)


def dynamic_verdict(scores: Mapping[str, Any]) -> str:
    """The effect of dynamic evaluation."""
    before, after = scores["perplexity"], scores["dynamic"]["perplexity"]
    how = f"{'better' if after < before else 'worse'} by {abs(1 - after / before):.1%}"
    return f"With dynamic evaluation the network is {how}: perplexity {after:.4g} instead of {before:.4g}."


def reading_verdict(scores: Mapping[str, Any]) -> str:
    """The network's perplexity, whether it beats the n-gram model, and what limits the comparison."""
    network = f"perplexity {scores['perplexity']:.4g} over {scores['n']:,} tokens"
    return " ".join([_against_ngram(scores, network), *_reservations(scores)])


def _against_ngram(scores: Mapping[str, Any], network: str) -> str:
    if "comparison" not in scores:
        return f"The network's {network}."
    against = f"{network}, the n-gram model's {scores['baselines']['ngram']['perplexity']:.4g}"
    gained, low, high = (scores["comparison"][key] for key in ("nats_gained", "low", "high"))
    interval = f"{abs(gained):.3f} nats a token, 95 % between {min(abs(low), abs(high)):.3f} and "
    interval += f"{max(abs(low), abs(high)):.3f}"
    if low <= 0 <= high:
        return f"No clear winner: the network's {against}; the difference may be chance."
    if gained > 0:
        return f"The network is better than the n-gram model: {against} ({interval})."
    return f"The n-gram model is better than the network: {against} ({interval})."


def _reservations(scores: Mapping[str, Any]) -> Iterator[str]:
    if (unknown := scores.get("unknown_tokens", 0)) >= WORTH_SAYING:
        yield (f"{unknown:.1%} of the tokens are unknown to both models: the bits per character of both are too low.")
    if scores.get("cleaned"):
        yield "Cleaning removes text that the bits per character still count."
    if (seen := scores.get("passages_seen", 0)) >= MUCH_SEEN:
        yield f"{seen:.0%} of the sampled passages occur in the training text, so the scores are optimistic."
