"""Scores in plain words."""

from collections.abc import Iterator, Mapping
from typing import Any

CHANCE = 0.05
WORTH_SAYING = 0.001
MUCH_SEEN = 0.1


def compared(scores: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Whose scores stand beside one another, by what they are called: the model's own first, then its parts' if several
    answer together, then the baselines'.
    """
    baselines = dict(reversed(scores["baselines"].items()))
    if "parts" not in scores:
        return {"network": scores, **baselines}
    parts = {"network alone": scores["parts"]["network"], "its linear model": scores["parts"]["linear"]}
    return {
        "together": scores,
        **parts,
        **{name.replace("linear", "linear baseline"): baselines[name] for name in baselines},
    }


def verdict(scores: Mapping[str, Any]) -> str:
    """Who is better on these rows, and whether the difference is more than chance."""
    who = "model" if "parts" in scores else "network"
    baselines, unit = scores["baselines"], "steps" if "rows" in scores else "rows"
    ours = f"{scores['accuracy']:.1%} of {scores['n']:,} {unit} right"
    name = "linear" if "linear" in baselines else "majority"
    if name not in baselines:
        return f"The {who} gets {ours}."
    called = {"linear": "the linear baseline", "majority": "always answering the most frequent label"}[name]
    against = f"{ours}, {called} {baselines[name]['accuracy']:.1%}"
    if "comparison" not in scores:
        return f"The {who} gets {against}."
    test = scores["comparison"]
    if "p_value" not in test:  # of steps
        return _winner(against, test["difference"], *_interval(test, "{:+.1%}"))
    p = test["p_value"]
    chance = f"McNemar's exact test p = {p:.2g}" if p >= 0.0001 else "McNemar's exact test p < 0.0001"
    return _winner(against, scores["accuracy"] - baselines[name]["accuracy"], p < CHANCE, chance, who)


def number_verdict(scores: Mapping[str, Any]) -> str:
    """The same of a regressor, by its mean absolute error."""
    baselines, unit = scores["baselines"], "steps" if "rows" in scores else "rows"
    ours = f"a mean absolute error of {scores['mae']:.4g} over {scores['n']:,} {unit}"
    if "linear" not in baselines:
        return f"The network gets {ours}."
    against, test = f"{ours}, the linear baseline {baselines['linear']['mae']:.4g}", scores["comparison"]
    return _winner(against, -test["difference"], *_interval(test, "{:+.3g}"))


def _interval(test: Mapping[str, float], form: str) -> tuple[bool, str]:
    """Whether a difference is more than chance, and its interval."""
    low, high = test["low"], test["high"]
    if low == float("-inf"):
        return False, "one row cannot tell"
    difference, low_said, high_said = (form.format(test[key]) for key in ("difference", "low", "high"))
    return not low <= 0 <= high, f"difference {difference}, 95 % between {low_said} and {high_said}"


def _winner(against: str, gained: float, certain: bool, how: str, who: str = "network") -> str:
    if not certain:
        return f"No clear winner: the {who} gets {against}; the difference may be chance ({how})."
    if gained > 0:
        return f"The {who} is better than the linear baseline: {against} ({how})."
    return f"The linear baseline is better than the {who}: {against} ({how}). Prefer it here; it is simpler, too."


def dynamic_verdict(scores: Mapping[str, Any]) -> str:
    """What it brings a language model to learn from a text while it is scored on it."""
    before, after = scores["perplexity"], scores["dynamic"]["perplexity"]
    how = f"{'better' if after < before else 'worse'} by {abs(1 - after / before):.1%}"
    return f"Learning from the text as it reads, the network is {how}: perplexity {after:.4g} instead of {before:.4g}."


def reading_verdict(scores: Mapping[str, Any]) -> str:
    """How surprising a text is to the network, whether an n-gram model does as well, and what makes that kind."""
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


FORECAST_SCORES = {"mae": "MAE", "rmse": "RMSE", "mase": "MASE", "smape": "sMAPE, %"}
"""Of a forecaster's scores, what is shown, and as what."""
CALLED = {
    "linear": "the linear autoregression",
    "seasonal": "the seasonal naive forecast",
    "last": "repeating the last value",
}


def forecast_verdict(scores: Mapping[str, Any]) -> str:
    """Whether the network foretells better than the best of its baselines, and how far it is from each."""
    baselines = scores["baselines"]
    names = sorted(baselines, key=lambda name: float(baselines[name]["mase"]))
    against = "; ".join(_against(scores, name) for name in names)
    few = " The windows are too few, or overlap too much, to say that this is not chance." * _untold(scores)
    return f"{_ahead(scores, names[0])} Of mean absolute scaled errors it has {scores['mase']:.3f}: {against}.{few}"


def _ahead(scores: Mapping[str, Any], best: str) -> str:
    """Who wins, the network or the `best` of its baselines."""
    difference, low, high = (scores["comparison"][best][key] for key in ("difference", "low", "high"))
    if difference == 0:
        return f"The network foretells as well as {CALLED[best]}; prefer that, it is simpler."
    if low == float("-inf"):
        ahead, behind = ("the network", CALLED[best])[:: -1 if difference > 0 else 1]
        return f"{_begin(ahead)} is ahead of {behind}."
    if low <= 0 <= high:
        return f"No clear winner between the network and {CALLED[best]}."
    if difference < 0:
        return f"The network is better than {CALLED[best]}."
    return f"{_begin(CALLED[best])} is better than the network: prefer it here, it is simpler, too."


def _begin(words: str) -> str:
    return words[0].upper() + words[1:]


def _untold(scores: Mapping[str, Any]) -> bool:
    return any(test["low"] == float("-inf") for test in scores["comparison"].values())


def _against(scores: Mapping[str, Any], name: str) -> str:
    theirs, test = scores["baselines"][name]["mase"], scores["comparison"][name]
    difference, low, high = test["difference"], test["low"], test["high"]
    if difference == 0:
        return f"as much as {CALLED[name]}"
    beside = f"{abs(difference):.3f} {'less' if difference < 0 else 'more'} than {CALLED[name]} ({theirs:.3f}"
    if low == float("-inf"):
        return f"{beside})"
    interval = f"95 % between {low:+.3f} and {high:+.3f}"
    return f"{beside}; {interval}{', which may be chance' if low <= 0 <= high else ''})"


def _reservations(scores: Mapping[str, Any]) -> Iterator[str]:
    if (unknown := scores.get("unknown_tokens", 0)) >= WORTH_SAYING:
        yield (
            f"{unknown:.1%} of the tokens are unknown to both models, which need not spell them: their bits per "
            "character are too low."
        )
    if scores.get("cleaned"):
        yield "What cleaning takes from the text need not be spelled either, and their bits per character count it."
    if (seen := scores.get("passages_seen", 0)) >= MUCH_SEEN:
        yield f"But {seen:.0%} of the passages looked up stand in the training text: of a new one this says little."
