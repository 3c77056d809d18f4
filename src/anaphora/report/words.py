"""Scores in plain words."""

from collections.abc import Mapping
from typing import Any

CHANCE = 0.05


def verdict(scores: Mapping[str, Any]) -> str:
    """Who is better on these rows, and whether the difference is more than chance."""
    baselines = scores["baselines"]
    name = "linear" if "linear" in baselines else "majority"
    ours, theirs = scores["accuracy"], baselines[name]["accuracy"]
    called = {"linear": "the linear baseline", "majority": "always answering the most frequent label"}[name]
    against = f"{ours:.1%} of {scores['n']:,} rows right, {called} {theirs:.1%}"
    if "comparison" not in scores:
        return f"The network gets {against}."
    p = scores["comparison"]["p_value"]
    chance = f"McNemar's exact test p = {p:.2g}" if p >= 0.0001 else "McNemar's exact test p < 0.0001"
    if p >= CHANCE:
        return f"No clear winner: the network gets {against}; the difference may be chance ({chance})."
    if ours > theirs:
        return f"The network is better than the linear baseline: {against} ({chance})."
    return f"The linear baseline is better than the network: {against} ({chance}). Prefer it here; it is simpler, too."
