"""The page of a language model: self-contained, escaped, and the text that it paints stays that text."""

import math
import re
from html import unescape

import numpy as np
import pytest

from anaphora.report.plots import learning_curves
from anaphora.tasks.language.plots import loss_curves
from anaphora.tasks.language.scores import LanguageScores, compare

PASSAGE = [("ROMEO", 9.5, 4.0), (":", 0.1, 0.2), ("\n", 0.3, 2.9), ("  O", 2.5, 2.6), (" <b>&", 6.0, 8.5), ("\n", 5, 1)]
SAMPLES = [(0.5, "\nthe the\n"), (1.0, "a <b> & c"), (1.3, "")]
EPOCHS = [{"epoch": k, "training_loss": 4 - k / 2, "score": k / 2 - 3.9} for k in (1, 2, 3)]
TRAINING = {"file": "play.txt", "command": "anaphora train language", "tokens": 1234, "epochs": EPOCHS}


def scores_of(loss: float = 2.0, **baselines: float) -> dict[str, object]:
    """Of 1,000 tokens of four characters, each as surprising as the last."""
    network = {"perplexity": math.exp(loss), "next_token_accuracy": 0.437, "n": 1_000}
    hits_N = np.arange(1_000) % 4 == 0
    theirs = {name: np.column_stack([np.full(1_000, -value), hits_N]) for name, value in baselines.items()}
    return compare(network, np.full(1_000, -loss), theirs, 4_000)


def page_of(scores=None, passage=PASSAGE, samples=SAMPLES, training=TRAINING) -> str:
    scores = scores or scores_of(ngram=2.5, unigram=5.0)
    return LanguageScores(scores, passage, samples).page(training, "validation")


def painted(html: str) -> list[tuple[set[str], str, str]]:
    """The class, title and content of every token."""
    (passage,) = re.findall("<div class=passage>(.*?)</div>", html, re.DOTALL)
    tokens = re.findall('<span class="?([^">]*?)"? title="([^"]*)">(.*?)</span>', passage, re.DOTALL)
    return [(set(kind.split()), title, content) for kind, title, content in tokens]


def painted_token(network: float, ngram: float = 0.0) -> tuple[set[str], str, str]:
    (token,) = painted(page_of(passage=[("a", network, ngram)]))
    return token


def test_it_loads_nothing_from_elsewhere():
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page_of())
    assert "@import" not in page_of()


def test_whatever_a_person_named_or_wrote_is_escaped():
    evil = "<script>alert('{}')</script>\"&"
    training = {"file": evil.format(1), "command": evil.format(2), evil.format(3): evil.format(4), "epochs": EPOCHS}
    html = page_of(passage=[(evil.format(5), 1, 1)], samples=[(1, evil.format(6))], training=training)
    assert "<script" not in html
    for number in (1, 2, 3, 4, 5, 6):
        assert f"&lt;script&gt;alert(&#x27;{number}&#x27;)&lt;/script&gt;&quot;&amp;" in html


def test_it_has_every_part():
    html = page_of()
    parts = ["Scores", "Learning curve", "Probability of each token", "Generated samples", "Training"]
    assert re.findall("<h2>(.*?)</h2>", html) == parts
    assert "<title>play.txt: validation text</title>" in html
    assert "1,000 tokens that were not trained on" in html
    assert "prefers-color-scheme: dark" in html
    assert html.count("<svg") == 1


def test_what_there_is_nothing_to_say_of_is_left_out():
    assert re.findall("<h2>(.*?)</h2>", page_of(passage=[], samples=[], training={})) == ["Scores", "Training"]


def test_the_verdict_stands_on_top():
    html = page_of()
    assert 0 < html.index("<p class=verdict>The network is better than the n-gram model") < html.index("<section")


def test_the_table_holds_the_scores_of_every_model():
    text = re.sub("<[^>]+>", " ", page_of(scores_of(ngram=2.5, unigram=math.log(12_345))))
    bits = [f"{nats / 4 / math.log(2):.3f}" for nats in (2, 2.5, math.log(12_345))]
    line = rf"network\s+7\.389\s+{bits[0]}\s+43\.7%\s+n-gram\s+12\.18\s+{bits[1]}\s+25\.0%\s+"
    line += rf"unigram\s+12,345\s+{bits[2]}\s+25\.0%"
    assert re.search(line, text)


def test_a_model_that_was_not_asked_is_not_spoken_of():
    html = page_of(scores_of(unigram=5.0))
    assert "<span class=model>unigram</span>" in html
    assert "<span class=model>n-gram</span>" not in html
    assert "n-gram" not in page_of(scores_of(unigram=5.0), passage=[])


def test_the_passage_is_painted_and_stays_the_same_text():
    shown = "".join(content for _, _, content in painted(page_of())).replace("<i></i>", "")
    assert unescape(shown) == "".join(piece for piece, _, _ in PASSAGE)


def test_every_line_end_has_a_sign():
    passage = [("a\n\n b", 1, 1), ("\r\n", 1, 1)]
    (_, _, first), (_, _, second) = painted(page_of(passage=passage))
    assert (first, second) == ("a<i></i>\n<i></i>\n b", "\r<i></i>\n")


@pytest.mark.parametrize(
    ("probability", "kind"),
    [(1, "s0"), (0.51, "s0"), (0.49, "s1"), (0.11, "s1"), (0.09, "s2"), (0.009, "s3"), (0.0009, "s4"), (1e-6, "s5")],
)
def test_the_colour_is_stronger_the_less_probable_a_token_was(probability, kind):
    assert painted_token(-math.log(probability))[0] == {kind}


def test_the_legend_has_every_colour_with_its_range():
    (legend,) = re.findall("<div class=legend>(.*?)</div>", page_of())
    ranges = re.findall("<span class=(s.)>(.*?)<small>(.*?)</small></span>", legend)
    assert ranges == [
        ("s0", "50% or more", "to 0.7 nats"),
        ("s1", "10 to 50%", "to 2.3"),
        ("s2", "1 to 10%", "to 4.6"),
        ("s3", "0.1 to 1%", "to 6.9"),
        ("s4", "0.01 to 0.1%", "to 9.2"),
        ("s5", "below 0.01%", "more"),
    ]


def test_the_tokens_that_the_network_foresaw_far_better_are_underlined_and_the_others_counted():
    passage = [("a", 1, 1 + 2.31), ("b", 1, 1 + 2.30), ("c", 5, 1), ("d", 4, 1)]
    html = page_of(passage=passage)
    assert ["ahead" in kind for kind, _, _ in painted(html)] == [True, False, False, False]
    assert "1 of 4 tokens; the other way round: 2." in html


@pytest.mark.parametrize(
    ("nats", "said"),
    [
        (0, "100.0%"),
        (-math.log(0.123), "12.3%"),
        (-math.log(0.0011), "0.1%"),
        (math.log(22_026), "1 in 22,026"),
        (25, "1 in 7.2e+10"),
        (1e6, "1 in 1.0e+304"),
    ],
)
def test_a_token_tells_its_probability_by_both_models(nats, said):
    assert painted_token(nats, math.log(2))[1] == f"network {said}, n-gram model 50.0%"
    assert painted_token(math.log(2), nats)[1] == f"network 50.0%, n-gram model {said}"


def test_samples_stand_as_they_were_written():
    found = re.findall("<h3>Temperature (.*?)</h3><pre>\n(.*?)</pre>", page_of(), re.DOTALL)
    assert [(float(heat), unescape(text)) for heat, text in found] == SAMPLES


def test_curves_take_the_colours_of_the_page():
    svg = loss_curves(EPOCHS, 2.5)
    assert "var(--network)" in svg
    assert "var(--linear)" in svg
    assert not re.search("#0[1-9]0[1-9]0[1-9]", svg)


def test_losses_and_the_n_gram_model_share_an_axis():
    """A validation loss that is the n-gram model's, and is reached by the training loss, lies on its line."""
    epochs = [{"epoch": k, "training_loss": 5 - k, "score": -2.0} for k in (1, 2, 3)]
    svg = loss_curves(epochs, 2.0)
    training, validation, ngram = (heights(svg, colour)[0] for colour in ("var(--linear)", "var(--network)", "dash"))
    assert set(ngram) == set(validation) == {training[2]}
    assert training[0] < training[1] < training[2]  # SVG counts from the top


def test_what_was_not_measured_has_no_line():
    svg = loss_curves([{**epoch, "score": None} for epoch in EPOCHS], None)
    assert ">training<" in svg
    assert ">validation<" not in svg
    assert ">n-gram model<" not in svg


@pytest.mark.parametrize(("curves", "more"), [(loss_curves, [None]), (learning_curves, ["macro F1"])])
def test_each_network_of_an_ensemble_has_its_own_line(curves, more):
    svg = curves([*EPOCHS, *EPOCHS], *more)
    (line,) = re.findall(r'<path d="(M [^"]*)" clip-path="[^"]*" style="fill: none; stroke: var\(--net', svg)
    assert [len(part.split("L")) for part in line.split("M")[1:]] == [3, 3]


def heights(svg: str, colour: str) -> list[list[float]]:
    """The heights of the points of every line in that colour, or with "dash" of every dotted one."""
    inside = re.findall(r'<path d="(M [^"]*)" clip-path="[^"]*" style="fill: none; ([^"]*)"', svg)
    kind = "stroke-dasharray" if colour == "dash" else f"stroke: {colour}"
    return [[float(y) for y in re.findall(r"[ML] \S+ (\S+)", line)] for line, style in inside if style.startswith(kind)]
