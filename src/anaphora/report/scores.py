"""One set of rows, several models: the scores, and who wins."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.report.words import number_verdict, reading_verdict, verdict

BLOCK = 100
MOST_NATS = 700.0
"""A perplexity of more would not be a number."""


@dataclass(frozen=True)
class Evaluated:
    """A classifier's answers on some rows: `shares_NK` are the probabilities of its `labels`, `scores` those of
    `compare`.
    """

    texts: Sequence[str]
    truth: Sequence[str]
    labels: Sequence[str]
    shares_NK: NDArray[np.float32]
    scores: dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """What a language model made of a text, for a page.

    Its scores beside those of an n-gram model (`compare_readings`), each token of a passage with its surprise (nats) by
    the network and by the n-gram model, and samples of the model's own writing with their temperatures.
    """

    scores: dict[str, Any]
    passage: Sequence[tuple[str, float, float]]
    samples: Sequence[tuple[float, str]]


def compare(
    truth: Sequence[str],
    predicted: Sequence[str],
    baselines: Mapping[str, Sequence[str]],
    known: Sequence[str],
    lengths: Sequence[int] | None = None,
    parts: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """The model's scores, with those of every baseline on the same rows under `baselines`, and of each of the `parts`
    that answer together, where there are some.

    `known` are the model's labels: a true label that is none of them counts as a mistake for everyone, and is listed
    under `unknown_labels`. `comparison` holds McNemar's exact test of the model (`only_network_right`, of its parts
    together) against the linear baseline, and `verdict` the same in plain words. Where the labels are those of the
    steps of rows with these `lengths`, steps of a row are alike, and `comparison` holds the difference of the shares
    that are right with an interval over rows (`metrics.paired`).
    """
    others = [*baselines.values(), *(parts or {}).values()]
    labels = sorted({*truth, *predicted, *(label for answers in others for label in answers)})
    scores = metrics.classification(truth, predicted, labels) | ({} if lengths is None else {"rows": len(lengths)})
    scores["baselines"] = {name: metrics.classification(truth, answers, labels) for name, answers in baselines.items()}
    if parts:
        scores["parts"] = {name: metrics.classification(truth, answers, labels) for name, answers in parts.items()}
    scores["unknown_labels"] = dict(Counter(label for label in truth if label not in set(known)))
    if "linear" in baselines and lengths is None:
        test = metrics.mcnemar(truth, predicted, baselines["linear"])
        scores["comparison"] = {
            "only_network_right": test["only_first_right"],
            "only_linear_right": test["only_second_right"],
            "p_value": test["p_value"],
        }
    elif "linear" in baselines:
        right, theirs = (
            np.array([answer == label for answer, label in zip(answers, truth, strict=True)], float)
            for answers in (predicted, baselines["linear"])
        )
        scores["comparison"] = metrics.paired(right - theirs, lengths)
    scores["verdict"] = verdict(scores)
    return scores


def compare_numbers(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    baselines: Mapping[str, NDArray[Any]],
    lengths: Sequence[int] | None = None,
) -> dict[str, Any]:
    """A regressor's scores, with those of every baseline on the same rows under `baselines`.

    `comparison` holds the difference of the mean absolute errors, the network's less the linear baseline's, with an
    interval over rows (`metrics.paired`), and `verdict` the same in plain words. Where the targets are those of steps,
    `lengths` are their rows'.
    """
    scores = metrics.regression(truth, predicted) | ({} if lengths is None else {"rows": len(lengths)})
    scores["baselines"] = {name: metrics.regression(truth, answers) for name, answers in baselines.items()}
    if "linear" in baselines:
        ours, theirs = (
            np.abs(answers - truth).reshape(len(truth), -1).mean(1) for answers in (predicted, baselines["linear"])
        )
        scores["comparison"] = metrics.paired(ours - theirs, lengths)
    scores["verdict"] = number_verdict(scores)
    return scores


def compare_readings(
    network: Mapping[str, Any], own_N: NDArray[Any], baselines: Mapping[str, NDArray[Any]], characters: int
) -> dict[str, Any]:
    """A language model's scores of a text, with those of every baseline under `baselines`.

    `own_N` `[N]` are the log-probabilities of the tokens; each baseline's `[N, 2]` have beside them 1 where no token
    had a higher one. `comparison` says by how many nats a token is less surprising to the network than to the n-gram
    model, with its 95 % interval (of blocks of 100 tokens, nearly independent of each other), and `verdict` the same in
    plain words.
    """
    scores = dict(network) | {"bits_per_character": bits_per_character(own_N, characters)}
    scores["baselines"] = {
        name: {
            "perplexity": math.exp(min(-float(theirs_N2[:, 0].mean()), MOST_NATS)),
            "bits_per_character": bits_per_character(theirs_N2[:, 0], characters),
            "next_token_accuracy": float(theirs_N2[:, 1].mean()),
        }
        for name, theirs_N2 in baselines.items()
    }
    if "ngram" in baselines:
        gain_N = own_N - baselines["ngram"][:, 0]
        blocks = np.array([block.mean() for block in np.array_split(gain_N, max(1, len(gain_N) // BLOCK))])
        half = 1.96 * float(blocks.std(ddof=1)) / math.sqrt(len(blocks)) if len(blocks) > 1 else math.inf
        gain = float(gain_N.mean())
        scores["comparison"] = {"nats_gained": gain, "low": gain - half, "high": gain + half}
    scores["verdict"] = reading_verdict(scores)
    return scores


def bits_per_character(log_probabilities_N: NDArray[Any], characters: int) -> float:
    """Of the raw text, whatever its tokens are."""
    return -float(log_probabilities_N.sum(dtype=np.float64)) / math.log(2) / max(1, characters)
