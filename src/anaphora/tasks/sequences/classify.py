"""Sequences of numbers -> one label each, or one for each of their steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import Batch, Examples
from anaphora.net.blocks import Spec
from anaphora.tasks.labels import Labelled, LabelOptions, counted, restored
from anaphora.tasks.sequences.scale import Scale
from anaphora.tasks.sequences.inputs import Reader, ReadingOptions, ReadsNumbers


@dataclass(frozen=True)
class ClassifySequencesConfig(LabelOptions, ReadingOptions):
    """Options of a sequence classifier."""

    learning_rate: float = 1e-2
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class ClassifySequences(ReadsNumbers, Labelled):
    """A sequence classifier's task: options, the labels with their training targets, the scale of the inputs."""

    options: ClassifySequencesConfig

    name: ClassVar[str] = "classify_sequences"
    Config: ClassVar = ClassifySequencesConfig

    @classmethod
    def learn(cls, options: ClassifySequencesConfig, rows: Sequence[NDArray[Any]], targets: Sequence[Any]) -> Self:
        labels, counts = counted(stacked(targets, options.stepwise))
        return cls(options, labels, counts, Reader.learn(rows, options.masks))

    def spec(self) -> Spec:
        return self._spec(len(self.labels))

    def encode(self, rows: Sequence[NDArray[Any]], targets: Sequence[Any] | None = None) -> Examples:
        """Rows `[T_i, D]`, and a label for each, or a list of the labels of its steps."""
        numbers = None if targets is None else self.numbers(stacked(targets, self.stepwise))
        return self._examples(rows, numbers)

    def loss(self, net: Any, features: Any, batch: Batch) -> Any:
        return super().loss(net, self._answered(features, batch), batch)

    def judge(self, net: Any, features: Any, batch: Batch) -> NDArray[np.float32]:
        return super().judge(net, self._answered(features, batch), batch)

    def learned(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "counts": list(self.counts), "inputs": self.reader.scale.to_dict()}

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], tokenizer: str | None) -> Self:
        config = ClassifySequencesConfig.from_dict(options)
        return cls(config, *restored(learned), Reader(Scale.from_dict(learned["inputs"]), config.masks))


def stacked(targets: Sequence[Any], stepwise: bool) -> Sequence[Any]:
    """All targets in one list; those of steps row after row."""
    return list(chain.from_iterable(targets)) if stepwise else targets
