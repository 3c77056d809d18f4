"""The scores of sequence models, with every answer: of labels, and of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.extras import load_name
from anaphora.report import label_scores
from anaphora.report.examined import Table
from anaphora.report.verdict import interval, winner

PAGE = "anaphora.tasks.sequences.page."


@dataclass(frozen=True)
class LabelScores:
    """`scores` as of `report.label_scores.compare`."""

    scores: dict[str, Any]

    @classmethod
    def compare(
        cls,
        truth: Sequence[str],
        predicted: Sequence[str],
        baselines: Mapping[str, Sequence[str]],
        labels: Sequence[str],
        lengths: Sequence[int] | None = None,
    ) -> Self:
        """Compare the network with its baselines; with `lengths`, the labels are those of the steps of rows."""
        return cls(label_scores.compare(truth, predicted, baselines, labels, lengths))

    def tables(self, data: str) -> list[Table | str]:
        return label_scores.tables(self.scores, data)

    def page(self, training: Mapping[str, Any], data: str) -> str:
        html: str = load_name(PAGE + "label_page")(self, training, data)
        return html


@dataclass(frozen=True)
class NumberScores:
    """`scores` as of `compare_numbers`; `truth` and `predicted` are `[N]` or `[N, outputs]`."""

    truth: NDArray[np.float64]
    predicted: NDArray[np.float64]
    scores: dict[str, Any]

    @classmethod
    def compare(
        cls,
        truth: NDArray[Any],
        predicted: NDArray[Any],
        baselines: Mapping[str, NDArray[Any]],
        lengths: Sequence[int] | None = None,
    ) -> Self:
        """Compare the network with its baselines; with `lengths`, the numbers are those of the steps of rows."""
        return cls(truth, predicted, compare_numbers(truth, predicted, baselines, lengths))

    def tables(self, data: str) -> list[Table | str]:
        unit = "steps" if "rows" in self.scores else "rows"
        models = {"network": self.scores, **dict(reversed(self.scores["baselines"].items()))}
        rows = [[name, *(f"{one[key]:.4g}" for key in ("mae", "rmse", "r2"))] for name, one in models.items()]
        return [Table(["", "MAE", "RMSE", "R2"], rows, f"{self.scores['n']:,} {data} {unit}")]

    def page(self, training: Mapping[str, Any], data: str) -> str:
        html: str = load_name(PAGE + "number_page")(self, training, data)
        return html


def compare_numbers(
    truth: NDArray[Any],
    predicted: NDArray[Any],
    baselines: Mapping[str, NDArray[Any]],
    lengths: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The network's scores, and those of every baseline on the same rows under `baselines`.

    `comparison` holds the difference of the mean absolute errors, the network's minus the linear baseline's, with an
    interval over rows (`metrics.paired`), and `verdict` its result as a sentence. With `lengths`, the targets are those
    of the steps of rows.
    """
    scores = metrics.regression(truth, predicted) | ({} if lengths is None else {"rows": len(lengths)})
    scores["baselines"] = {name: metrics.regression(truth, answers) for name, answers in baselines.items()}
    if "linear" in baselines:
        network, linear = (
            np.abs(answers - truth).reshape(len(truth), -1).mean(1) for answers in (predicted, baselines["linear"])
        )
        scores["comparison"] = metrics.paired(network - linear, lengths)
    scores["verdict"] = number_verdict(scores)
    return scores


def number_verdict(scores: Mapping[str, Any]) -> str:
    """Who is better by the mean absolute error, and whether the difference may be chance."""
    baselines, unit = scores["baselines"], "steps" if "rows" in scores else "rows"
    network = f"a mean absolute error of {scores['mae']:.4g} over {scores['n']:,} {unit}"
    if "linear" not in baselines:
        return f"The network gets {network}."
    against, test = f"{network}, the linear baseline {baselines['linear']['mae']:.4g}", scores["comparison"]
    return winner(against, -test["difference"], *interval(test, "{:+.3g}"))
