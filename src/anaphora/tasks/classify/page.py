"""`report.html`: one self-contained page that tells how good a classifier is, for light and dark, wide and narrow."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.metrics import bootstrap
from anaphora.report import plots
from anaphora.report.frame import frame, made, section, table
from anaphora.report.scores import Evaluated
from anaphora.report.words import compared

MISTAKES = 12
LONGEST_TEXT = 400
MOST_LABELS = 20
"""With more labels the confusion matrix and the ROC curves would be unreadable, and are left out."""


def page(evaluated: Evaluated, training: Mapping[str, Any], rows: str) -> str:
    """The page, as HTML; `training` holds the facts of the bundle, `rows` says which rows these are."""
    predicted = [evaluated.labels[k] for k in evaluated.shares_NK.argmax(axis=1)]
    right = np.array([a == b for a, b in zip(evaluated.truth, predicted, strict=True)])
    certainty = evaluated.shares_NK.max(axis=1)
    title = f"{training.get('file', 'A text classifier')}: {rows} rows"
    sections = [
        section("Scores", _scores_table(evaluated, predicted)),
        section("Each label", _labels_table(evaluated.scores)),
    ]
    if training.get("epochs"):
        learning = "Learning of the network" if "parts" in evaluated.scores else "Learning"
        sections.append(section(learning, plots.learning_curves(training["epochs"], "macro F1")))
    if len(evaluated.labels) <= MOST_LABELS:
        sections.append(section("True labels down, answers across", _matrix(evaluated.scores["confusion_matrix"])))
        number = {label: k for k, label in enumerate(evaluated.labels)}
        truth = np.array([number.get(label, -1) for label in evaluated.truth])
        sections.append(section("ROC", plots.roc(truth, evaluated.shares_NK, evaluated.labels)))
    error = plots.calibration_error(right, certainty)
    note = f"<p class=soft>Expected calibration error {error:.3f}. Bars: how many rows.</p>"
    sections.append(section("Can its probabilities be believed?", plots.reliability(right, certainty) + note))
    sections.append(section("Most certain mistakes", _mistakes(evaluated, predicted, right, certainty), wide=True))
    sections.append(made(training))
    subtitle = f"{evaluated.scores['n']:,} rows that were not trained on"
    return frame(title, subtitle, evaluated.scores["verdict"], sections)


def _scores_table(evaluated: Evaluated, predicted: Sequence[str]) -> str:
    ranges = bootstrap(evaluated.truth, predicted)

    def cell(name: str) -> str:
        low, high = ranges[name]
        return f"{evaluated.scores[name]:.3f}<span class=range>{low:.3f} to {high:.3f}</span>"

    (ours, _), *others = compared(evaluated.scores).items()
    rows = [[ours, cell("accuracy"), cell("macro_f1")]]
    for name, scores in others:
        rows.append([name, f"{scores['accuracy']:.3f}", f"{scores['macro_f1']:.3f}"])
    note = "<p class=soft>Small: 95 % of 1,000 bootstrap samples of the rows.</p>"
    return table(["", "accuracy", "macro F1"], rows) + note


def _labels_table(scores: Mapping[str, Any]) -> str:
    rows = [
        [html.escape(label), *(f"{line[key]:.3f}" for key in ("precision", "recall", "f1")), f"{line['support']:,}"]
        for label, line in scores["per_class"].items()
    ]
    return table(["", "precision", "recall", "F1", "rows"], rows)


def _matrix(matrix: Mapping[str, Any]) -> str:
    labels = [html.escape(label) for label in matrix["labels"]]
    body = ""
    for k, (label, counts) in enumerate(zip(labels, matrix["rows"], strict=True)):
        total = max(1, sum(counts))
        cells = ""
        for j, count in enumerate(counts):
            colour = f"rgb(var(--{'good' if k == j else 'bad'}) / {0.75 * count / total:.3f})"
            cells += f'<td style="background:{colour}">{count:,}</td>'
        body += f"<tr><th>{label}</th>{cells}</tr>"
    head = "".join(f"<th>{label}</th>" for label in labels)
    top = f"<thead><tr><th></th>{head}</tr></thead>"
    return f"<div class=scroll><table class=matrix>{top}<tbody>{body}</tbody></table></div>"


def _mistakes(
    evaluated: Evaluated, predicted: Sequence[str], right: NDArray[np.bool_], certainty: NDArray[np.float32]
) -> str:
    wrong = np.flatnonzero(~right)
    worst = wrong[np.argsort(-certainty[wrong], kind="stable")][:MISTAKES]
    if not len(worst):
        return "<p>None: every answer is right.</p>"
    parts = []
    for place in worst:
        text = " ".join(evaluated.texts[place].split())
        text = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " ..."
        parts.append(
            f"<div class=mistake><span class=label>{html.escape(predicted[place])}</span> {certainty[place]:.1%}, "
            f"in truth <span class=label>{html.escape(evaluated.truth[place])}</span><br>"
            f"<span class=soft>{html.escape(text) or '(an empty text)'}</span></div>"
        )
    return "".join(parts)
