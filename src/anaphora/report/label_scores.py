"""Scores of predicted labels against those of the baselines on the same rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anaphora import metrics
from anaphora.report.examined import Table
from anaphora.report.verdict import interval, winner

CHANCE = 0.05
MAX_LABELS = 12
"""Above this number of labels, a confusion matrix is too wide for a terminal."""


def compare(
    truth: Sequence[str],
    predicted: Sequence[str],
    baselines: Mapping[str, Sequence[str]],
    known: Sequence[str],
    lengths: Sequence[int] | None = None,
    members: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """The model's scores, those of every baseline under `baselines`, and those of each member under `members`.

    `known` are the model's labels: another true label counts as a mistake for every model and is listed under
    `unknown_labels`. `comparison` holds McNemar's exact test of the model against the linear baseline, and `verdict`
    its result as a sentence. With `lengths`, the labels are those of the steps of rows, which are dependent:
    `comparison` then holds the difference of the accuracies with an interval over rows (`metrics.paired`).
    """
    others = [*baselines.values(), *(members or {}).values()]
    labels = sorted({*truth, *predicted, *(label for answers in others for label in answers)})
    scores = metrics.classification(truth, predicted, labels) | ({} if lengths is None else {"rows": len(lengths)})
    scores["baselines"] = {name: metrics.classification(truth, answers, labels) for name, answers in baselines.items()}
    if members:
        scores["members"] = {name: metrics.classification(truth, answers, labels) for name, answers in members.items()}
    scores["unknown_labels"] = dict(Counter(label for label in truth if label not in set(known)))
    if "linear" in baselines and lengths is None:
        test = metrics.mcnemar(truth, predicted, baselines["linear"])
        scores["comparison"] = {
            "only_network_right": test["only_first_right"],
            "only_linear_right": test["only_second_right"],
            "p_value": test["p_value"],
        }
    elif "linear" in baselines:
        right, linear_right = (
            np.array([answer == label for answer, label in zip(answers, truth, strict=True)], float)
            for answers in (predicted, baselines["linear"])
        )
        scores["comparison"] = metrics.paired(right - linear_right, lengths)
    scores["verdict"] = verdict(scores)
    return scores


def verdict(scores: Mapping[str, Any]) -> str:
    """Who is better on these rows, and whether the difference may be chance."""
    who = "model" if "members" in scores else "network"
    baselines, unit = scores["baselines"], "steps" if "rows" in scores else "rows"
    model = f"{scores['accuracy']:.1%} of {scores['n']:,} {unit} right"
    name = "linear" if "linear" in baselines else "majority"
    if name not in baselines:
        return f"The {who} gets {model}."
    baseline = {"linear": "the linear baseline", "majority": "always answering the most frequent label"}[name]
    against = f"{model}, {baseline} {baselines[name]['accuracy']:.1%}"
    if "comparison" not in scores:
        return f"The {who} gets {against}."
    test = scores["comparison"]
    if "p_value" not in test:  # of steps
        return winner(against, test["difference"], *interval(test, "{:+.1%}"))
    p = test["p_value"]
    chance = f"McNemar's exact test p = {p:.2g}" if p >= 0.0001 else "McNemar's exact test p < 0.0001"
    return winner(against, scores["accuracy"] - baselines[name]["accuracy"], p < CHANCE, chance, who)


def compared(scores: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The scores to compare, by name: the model's first, then its members', if there are several, then the
    baselines'.
    """
    baselines = dict(reversed(scores["baselines"].items()))
    if "members" not in scores:
        return {"network": scores, **baselines}
    members = {"network": scores["members"]["network"], "linear member": scores["members"]["linear"]}
    return {
        "network + linear member": scores,
        **members,
        **{name.replace("linear", "linear baseline"): baselines[name] for name in baselines},
    }


def tables(scores: Mapping[str, Any], data: str) -> list[Table | str]:
    """The model and its baselines, each label, the confusion matrix, and what limits the scores."""
    unit = "steps" if "rows" in scores else "rows"
    models = [
        [name, *(f"{one[key]:.4f}" for key in ("accuracy", "macro_f1", "weighted_f1"))]
        for name, one in compared(scores).items()
    ]
    columns = ["", "accuracy", "macro F1", "weighted F1"]
    parts: list[Table | str] = [Table(columns, models, f"{scores['n']:,} {data} {unit}"), per_label(scores)]
    parts.append(confusion_matrix(scores["confusion_matrix"]))
    if scores["unknown_labels"]:
        unknown = ", ".join(f"{label!r} ({count:,} {unit})" for label, count in scores["unknown_labels"].items())
        parts.append(f"Labels that do not occur in the training data, counted as mistakes: {unknown}.")
    if scores.get("seen_in_training"):
        parts.append(
            f"{scores['seen_in_training']:,} of the {scores['n']:,} rows have a text from the training data: their "
            "scores are optimistic."
        )
    return parts


def per_label(scores: Mapping[str, Any]) -> Table:
    """Precision, recall, F1 and support of every label."""
    lines = {**scores["per_class"], "macro mean": scores["macro"], "weighted mean": scores["weighted"]}
    rows = [
        [name, *(f"{line[key]:.4f}" for key in ("precision", "recall", "f1")), f"{line['support']:,}"]
        for name, line in lines.items()
    ]
    return Table(["label", "precision", "recall", "F1", "support"], rows)


def confusion_matrix(matrix: Mapping[str, Any]) -> Table | str:
    """True labels as rows, predicted labels as columns."""
    labels = matrix["labels"]
    if len(labels) > MAX_LABELS:
        return f"(The confusion matrix of {len(labels)} labels is in --json.)"
    rows = [[label, *(f"{count:,}" for count in row)] for label, row in zip(labels, matrix["rows"], strict=True)]
    return Table(["true \\ predicted", *labels], rows)
