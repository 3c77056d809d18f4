"""What all tasks share that answer with a label: its numbers, the loss, the probabilities."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics
from anaphora.config import option
from anaphora.data.batch import Batch
from anaphora.task import EnsembleOptions

Label = str | int | float | bool


@dataclass(frozen=True)
class LabelOptions(EnsembleOptions):
    """How labels are learned."""

    label_smoothing: float = option(
        None, "share of each training label's certainty that is given to all labels alike", at_least=0, below=1
    )
    class_weights: str = option(
        "none", "none counts rows alike, balanced lets every label weigh the same", choices=("none", "balanced")
    )


@dataclass(frozen=True)
class Labelled:
    """A task with its options, and the labels in order with how often each is a target of the training rows."""

    options: Any
    labels: tuple[Label, ...]
    counts: tuple[int, ...]

    def numbers(self, targets: Sequence[Label]) -> NDArray[np.int64]:
        """The labels' places."""
        places = {label: k for k, label in enumerate(self.labels)}
        return np.array([places[label] for label in targets], np.int64)

    def loss(self, net: Any, features: Any, batch: Batch) -> Any:
        return net.cross_entropy(net.head(features), batch.targets, self._class_weights(), self.options.label_smoothing)

    def decode(self, net: Any, features: Any) -> NDArray[np.float32]:
        """Probabilities `[..., K]`, a column for each label."""
        logits: NDArray[np.float32] = net.numpy(net.head(features))
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def judge(self, net: Any, features: Any, batch: Batch) -> NDArray[np.float32]:
        return self.decode(net, features)

    def metrics(self, judged: NDArray[np.float32], targets: NDArray[np.int64]) -> dict[str, Any]:
        names = [str(label) for label in self.labels]
        predicted = [names[k] for k in judged.argmax(axis=1)]
        return metrics.classification([names[k] for k in targets], predicted)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return float(metrics["macro_f1"])

    def _class_weights(self) -> NDArray[np.float32] | None:
        """`[K]`, with a mean of 1 over the training targets; None where all count alike."""
        if self.options.class_weights == "none":
            return None
        counts_K = np.array(self.counts, np.float32)
        return counts_K.sum() / (len(counts_K) * counts_K)


def counted(targets: Sequence[Label]) -> tuple[tuple[Label, ...], tuple[int, ...]]:
    """The labels in order, and how often each occurs."""
    labels, counts = zip(*sorted(Counter(targets).items()), strict=True)
    return labels, counts


def restored(learned: Mapping[str, Any]) -> tuple[tuple[Label, ...], tuple[int, ...]]:
    """The same of a saved model. Raises ValueError, KeyError or TypeError where the data do not fit."""
    labels, counts = learned["labels"], tuple(map(int, learned["counts"]))
    if (
        not isinstance(labels, list)
        or not all(isinstance(label, str | int | float) for label in labels)
        or len(labels) < 2
        or len({isinstance(label, str) for label in labels}) > 1
        or len(set(labels)) != len(labels)
        or len(labels) != len(counts)
    ):
        raise ValueError(f"labels={labels!r} is not a list of two or more different labels")
    return tuple(labels), counts
