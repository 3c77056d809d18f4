"""The page of a language model: its scores on a text, the tokens that it predicts badly, and generated samples."""

import html
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from anaphora.report.frame import frame, made, section, table
from anaphora.tasks.language.plots import loss_curves
from anaphora.tasks.language.scores import MANY_SEEN, MAX_NATS, LanguageScores, compared

STEPS = (0.5, 0.1, 0.01, 0.001, 0.0001)
"""The colour of a token is stronger with each of these probabilities that is above the token's. The steps are the same
on every page, so that pages can be compared."""
FAR = math.log(10)
"""Nats by which one model is far better than another at a token: the probability was ten times as high."""


def page(examined: LanguageScores, training: Mapping[str, Any], data: str) -> str:
    """The page, as HTML; `training` holds the facts of the bundle, `data` names the text."""
    scores = examined.scores
    sections = [section("Scores", _scores_table(scores))]
    if training.get("epochs"):
        sections.append(section("Learning curve", _learning(training["epochs"], scores["baselines"])))
    if examined.passage:
        sections.append(section("Probability of each token", _passage(examined.passage), wide=True))
    if examined.samples:
        sections.append(section("Generated samples", _samples(examined.samples), wide=True))
    sections.append(made(training))
    title = f"{training.get('file', 'A language model')}: {data} text"
    seen = scores.get("passages_seen", 0) >= MANY_SEEN
    subtitle = f"{scores['n']:,} tokens{'' if seen else ' that were not trained on'}"
    style = files("anaphora.tasks.language").joinpath("page.css").read_text(encoding="utf-8")
    return frame(title, subtitle, scores["verdict"], sections, style)


def _scores_table(scores: Mapping[str, Any]) -> str:
    rows = [_row(name, one) for name, one in compared(scores).items()]
    note = (
        "<p class=soft>Perplexity: a uniform choice among so many tokens would be as uncertain. "
        f"Next-token accuracy: how often the most probable token was the next one, over {scores['n']:,} tokens.</p>"
    )
    return table(["", "perplexity", "bits per character", "next-token accuracy"], rows) + note


def _row(model: str, scores: Mapping[str, Any]) -> list[str]:
    name = f"<span class=model>{model}</span>"
    bits, right = f"{scores['bits_per_character']:.3f}", f"{scores['next_token_accuracy']:.1%}"
    return [name, _perplexity(scores["perplexity"]), bits, right]


def _perplexity(value: float) -> str:
    return f"{value:,.0f}" if 1_000 <= value < 1e9 else f"{value:.4g}"


def _learning(epochs: Sequence[Mapping[str, Any]], baselines: Mapping[str, Any]) -> str:
    note = "The training loss is computed with dropout, so it may be above the validation loss."
    ngram = None
    if "ngram" in baselines:
        ngram = math.log(baselines["ngram"]["perplexity"])
        note += " The n-gram model's loss is that on the text scored here."
    return f"{loss_curves(epochs, ngram)}<p class=soft>{note}</p>"


def _passage(passage: Sequence[tuple[str, float, float]]) -> str:
    ahead = sum(ngram - network >= FAR for _, network, ngram in passage)
    behind = sum(network - ngram >= FAR for _, network, ngram in passage)
    note = (
        "<p class=soft>The stronger the colour, the lower the probability that the network gave the token. "
        "<span class=ahead>Underlined</span>: the network's probability is at least ten times the n-gram model's, "
        f"{ahead:,} of {len(passage):,} tokens; the other way round: {behind:,}. "
        "Point at a token for its probabilities.</p>"
    )
    return f"{note}{_legend()}<div class=passage>{''.join(_token(*token) for token in passage)}</div>"


def _legend() -> str:
    """Each colour with its range of probabilities, and the same in nats."""
    parts = []
    for level, (high, low) in enumerate(zip((1.0, *STEPS), (*STEPS, 0.0), strict=True)):
        if level == 0:
            probability, nats = f"{low:.0%} or more", f"to {-math.log(low):.1f} nats"
        elif low:
            probability, nats = f"{100 * low:g} to {100 * high:g}%", f"to {-math.log(low):.1f}"
        else:
            probability, nats = f"below {100 * high:g}%", "more"
        parts.append(f"<span class=s{level}>{probability}<small>{nats}</small></span>")
    return f"<div class=legend>{''.join(parts)}</div>"


def _token(piece: str, network: float, ngram: float) -> str:
    level = sum(math.exp(-network) < step for step in STEPS)
    kind = f'"s{level} ahead"' if ngram - network >= FAR else f"s{level}"
    shown = html.escape(piece).replace("\n", "<i></i>\n")  # the style sheet shows <i> as a sign that is not copied
    return (
        f'<span class={kind} title="network {_probability(network)}, n-gram model {_probability(ngram)}">{shown}</span>'
    )


def _probability(nats: float) -> str:
    one_in = math.exp(min(nats, MAX_NATS))
    if one_in <= 1_000:
        return f"{1 / one_in:.1%}"
    return f"1 in {one_in:,.0f}" if one_in < 1e9 else f"1 in {one_in:.1e}"


def _samples(samples: Sequence[tuple[float, str]]) -> str:
    """The samples, in columns where the page is wide enough."""
    note = (
        "<p class=soft>At temperature 1 tokens are drawn with the network's probabilities; below 1 probable tokens are "
        "drawn more often.</p>"
    )
    # HTML drops a line end right after <pre>; this one is dropped instead of one at the beginning of a sample.
    blocks = (
        f"<div><h3>Temperature {temperature:g}</h3><pre>\n{html.escape(text)}</pre></div>"
        for temperature, text in samples
    )
    return f"{note}<div class=samples>{''.join(blocks)}</div>"
