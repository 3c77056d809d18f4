"""Class labels: their order, their numbers, and the metrics of predicted probabilities."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import metrics

Label = str | int | float | bool


@dataclass(frozen=True)
class Labels:
    """The labels in order, and how often each occurs among the training targets."""

    names: tuple[Label, ...]
    counts: tuple[int, ...]

    @classmethod
    def learn(cls, targets: Sequence[Label]) -> Self:
        names, counts = zip(*sorted(Counter(targets).items()), strict=True)
        return cls(names, counts)

    def __len__(self) -> int:
        return len(self.names)

    def encode(self, targets: Sequence[Label]) -> NDArray[np.int64]:
        """The index of each target's label, `[N]`."""
        index = {label: k for k, label in enumerate(self.names)}
        return np.array([index[label] for label in targets], np.int64)

    def metrics(self, probabilities_NK: NDArray[np.float32], targets_N: NDArray[np.int64]) -> dict[str, Any]:
        """`metrics.classification` of the most likely labels."""
        texts = [str(label) for label in self.names]
        predicted = [texts[k] for k in probabilities_NK.argmax(axis=1)]
        return metrics.classification([texts[k] for k in targets_N], predicted)

    def class_weights(self) -> tuple[float, ...]:
        """A weight for each label, inverse to its frequency; their mean over the training targets is 1."""
        counts_K = np.array(self.counts, np.float32)
        return tuple((counts_K.sum() / (len(counts_K) * counts_K)).tolist())

    def to_dict(self) -> dict[str, Any]:
        return {"labels": list(self.names), "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, learned: Mapping[str, Any]) -> Self:
        """The labels of a saved model. Raises ValueError, KeyError or TypeError where the data do not fit."""
        names, counts = learned["labels"], tuple(map(int, learned["counts"]))
        if (
            not isinstance(names, list)
            or not all(isinstance(label, str | int | float) for label in names)
            or len(names) < 2
            or len({isinstance(label, str) for label in names}) > 1
            or len(set(names)) != len(names)
            or len(names) != len(counts)
        ):
            raise ValueError(f"labels={names!r} is not a list of two or more different labels")
        return cls(tuple(names), counts)
