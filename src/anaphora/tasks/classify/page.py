"""`report.html` of a classifier: one self-contained page of scores, for light and dark, wide and narrow screens."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora.metrics import bootstrap
from anaphora.report import plots
from anaphora.report.frame import frame, made, section, table
from anaphora.report.label_scores import compared
from anaphora.tasks.classify.scores import ClassifierScores

MISTAKES = 12
MAX_TEXT = 400
MAX_LABELS = 20
"""With more labels there is no confusion matrix and no ROC curve: they would be unreadable."""


def page(evaluated: ClassifierScores, training: Mapping[str, Any], data: str) -> str:
    """The page, as HTML; `training` holds the facts of the bundle, `data` names the rows."""
    predicted = [evaluated.labels[k] for k in evaluated.probabilities_NK.argmax(axis=1)]
    right = np.array([a == b for a, b in zip(evaluated.truth, predicted, strict=True)])
    confidence = evaluated.probabilities_NK.max(axis=1)
    title = f"{training.get('file', 'A text classifier')}: {data} rows"
    sections = [
        section("Scores", _scores_table(evaluated, predicted)),
        section("Scores per label", _labels_table(evaluated.scores)),
    ]
    if training.get("epochs"):
        learning = "Learning curve of the network" if "members" in evaluated.scores else "Learning curve"
        sections.append(section(learning, plots.learning_curves(training["epochs"], "macro F1")))
    if len(evaluated.labels) <= MAX_LABELS:
        sections.append(section("Confusion matrix", _matrix(evaluated.scores["confusion_matrix"])))
        number = {label: k for k, label in enumerate(evaluated.labels)}
        truth = np.array([number.get(label, -1) for label in evaluated.truth])
        sections.append(section("ROC", plots.roc(truth, evaluated.probabilities_NK, evaluated.labels)))
    error = plots.calibration_error(right, confidence)
    note = f"<p class=soft>Expected calibration error {error:.3f}. Bars: number of rows.</p>"
    sections.append(section("Calibration", plots.reliability(right, confidence) + note))
    sections.append(
        section("Mistakes with the highest probability", _mistakes(evaluated, predicted, right, confidence), wide=True)
    )
    sections.append(made(training))
    subtitle = f"{evaluated.scores['n']:,} rows that were not trained on"
    return frame(title, subtitle, evaluated.scores["verdict"], sections)


def _scores_table(evaluated: ClassifierScores, predicted: Sequence[str]) -> str:
    ranges = bootstrap(evaluated.truth, predicted)

    def cell(name: str) -> str:
        low, high = ranges[name]
        return f"{evaluated.scores[name]:.3f}<span class=range>{low:.3f} to {high:.3f}</span>"

    (model, _), *others = compared(evaluated.scores).items()
    rows = [[model, cell("accuracy"), cell("macro_f1")]]
    for name, scores in others:
        rows.append([name, f"{scores['accuracy']:.3f}", f"{scores['macro_f1']:.3f}"])
    note = "<p class=soft>Small: 95 % interval over 1,000 bootstrap samples of the rows.</p>"
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
    evaluated: ClassifierScores, predicted: Sequence[str], right: NDArray[np.bool_], confidence: NDArray[np.float32]
) -> str:
    wrong = np.flatnonzero(~right)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    if not len(worst):
        return "<p>None: every prediction is right.</p>"
    parts = []
    for row in worst:
        text = " ".join(evaluated.texts[row].split())
        text = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + " ..."
        parts.append(
            f"<div class=mistake><span class=label>{html.escape(predicted[row])}</span> {confidence[row]:.1%}, "
            f"true label <span class=label>{html.escape(evaluated.truth[row])}</span><br>"
            f"<span class=soft>{html.escape(text) or '(an empty text)'}</span></div>"
        )
    return "".join(parts)
