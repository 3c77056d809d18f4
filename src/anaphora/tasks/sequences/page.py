"""`report.html` of a sequence model: scores, and a confusion matrix of labels or a scatter plot of numbers."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anaphora.report import plots
from anaphora.report.frame import frame, made, section, table
from anaphora.report.label_scores import compared
from anaphora.tasks.sequences.scores import LabelScores, NumberScores

MAX_LABELS = 20
"""With more labels there is no confusion matrix: it would be unreadable."""
MAX_POINTS = 2_000
"""With more targets a sample of them is drawn."""


def label_page(examined: LabelScores, training: Mapping[str, Any], data: str) -> str:
    """The page of a classifier, as HTML; `training` holds the facts of the bundle, `data` names the rows."""
    scores = examined.scores
    models = [
        [html.escape(name), f"{one['accuracy']:.3f}", f"{one['macro_f1']:.3f}"]
        for name, one in compared(scores).items()
    ]
    labels = [
        [html.escape(label), *(f"{line[key]:.3f}" for key in ("precision", "recall", "f1")), f"{line['support']:,}"]
        for label, line in scores["per_class"].items()
    ]
    sections = [
        section("Scores", table(["", "accuracy", "macro F1"], models)),
        section("Scores per label", table(["", "precision", "recall", "F1", unit(scores)], labels)),
        *learning(training, "macro F1"),
    ]
    if len(scores["confusion_matrix"]["labels"]) <= MAX_LABELS:
        sections.append(section("Confusion matrix", matrix(scores["confusion_matrix"])))
    return page(scores, training, data, sections)


def number_page(examined: NumberScores, training: Mapping[str, Any], data: str) -> str:
    """The page of a regressor, as HTML; `training` holds the facts of the bundle, `data` names the rows."""
    scores = examined.scores
    rows = [
        [html.escape(name), *(f"{one[key]:.4g}" for key in ("mae", "rmse", "r2"))]
        for name, one in {"network": scores, **dict(reversed(scores["baselines"].items()))}.items()
    ]
    sections = [
        section("Scores", table(["", "MAE", "RMSE", "R2"], rows)),
        section("Predicted against true", scatter(examined)),
        *learning(training, "RMSE, negative"),
    ]
    return page(scores, training, data, sections)


def page(scores: Mapping[str, Any], training: Mapping[str, Any], data: str, sections: Sequence[str]) -> str:
    """The sections with their heading, and how the model was made."""
    title = f"{training.get('file', 'Sequences')}: {data} {unit(scores)}"
    of_rows = f" of {scores['rows']:,} rows" if "rows" in scores else ""
    subtitle = f"{scores['n']:,} {unit(scores)}{of_rows} that were not trained on"
    return frame(title, subtitle, scores["verdict"], [*sections, made(training)])


def unit(scores: Mapping[str, Any]) -> str:
    return "steps" if "rows" in scores else "rows"


def learning(training: Mapping[str, Any], score: str) -> list[str]:
    epochs = training.get("epochs")
    return [section("Learning curve", plots.learning_curves(epochs, score))] if epochs else []


def scatter(examined: NumberScores) -> str:
    """Predictions against targets, one point each, with the line on which they are equal."""
    truth, predicted = examined.truth.ravel(), examined.predicted.ravel()
    chosen = np.random.default_rng(0).permutation(len(truth))[:MAX_POINTS]
    figure, axes = plots.figure("true", "predicted")
    ends = [min(truth.min(), predicted.min()), max(truth.max(), predicted.max())]
    axes.plot(ends, ends, color=plots.INK, linewidth=0.7, linestyle=":")
    axes.scatter(truth[chosen], predicted[chosen], s=9, color=plots.NETWORK, alpha=0.6, linewidths=0)
    note = f"<p class=soft>A sample of {MAX_POINTS:,} of {len(truth):,} points.</p>" if len(truth) > MAX_POINTS else ""
    return plots.svg(figure) + note


def matrix(counts_of: Mapping[str, Any]) -> str:
    """True labels as rows, predicted labels as columns."""
    labels = [html.escape(label) for label in counts_of["labels"]]
    body = ""
    for k, (label, counts) in enumerate(zip(labels, counts_of["rows"], strict=True)):
        total = max(1, sum(counts))
        cells = ""
        for j, count in enumerate(counts):
            colour = f"rgb(var(--{'good' if k == j else 'bad'}) / {0.75 * count / total:.3f})"
            cells += f'<td style="background:{colour}">{count:,}</td>'
        body += f"<tr><th>{label}</th>{cells}</tr>"
    head = "".join(f"<th>{label}</th>" for label in labels)
    top = f"<thead><tr><th></th>{head}</tr></thead>"
    return f"<div class=scroll><table class=matrix>{top}<tbody>{body}</tbody></table></div>"
