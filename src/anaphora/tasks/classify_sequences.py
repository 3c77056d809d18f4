"""Sequences of numbers -> one label each, or one for each of their steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.data.batch import Batch, Examples
from anaphora.networks import sequence
from anaphora.networks.blocks import Spec
from anaphora.networks.network import Arrays
from anaphora.tasks.labels import Labelled, LabelOptions, counted, restored
from anaphora.tasks.scale import Scale
from anaphora.tasks.sequences import Reader, ReadingOptions, answered, encoded


@dataclass(frozen=True)
class ClassifySequencesConfig(LabelOptions, ReadingOptions):
    """Options of a sequence classifier."""

    learning_rate: float = 1e-2
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class ClassifySequences(Labelled):
    """A sequence classifier's task: options, the labels with their training targets, the scale of the inputs."""

    options: ClassifySequencesConfig
    reader: Reader

    name: ClassVar[str] = "classify_sequences"
    unit: ClassVar[str] = "rows"
    example: ClassVar[str] = "model.predict([[0.1, 0.2, 0.3]])"
    note: ClassVar[str] = ""
    Config: ClassVar = ClassifySequencesConfig
    recipe: ClassVar[ModuleType] = sequence

    @classmethod
    def learn(cls, options: ClassifySequencesConfig, rows: Sequence[NDArray[Any]], targets: Sequence[Any]) -> Self:
        labels, counts = counted(stacked(targets, options.stepwise))
        return cls(options, labels, counts, Reader.learn(rows, options.masks))

    @property
    def stepwise(self) -> bool:
        return self.options.stepwise

    def spec(self) -> Spec:
        return sequence.spec(self.options, inputs=self.reader.inputs, outputs=len(self.labels))

    def encode(self, rows: Sequence[NDArray[Any]], targets: Sequence[Any] | None = None) -> Examples:
        """Rows `[T_i, D]`, and a label for each, or a list of the labels of its steps."""
        numbers = None if targets is None else self.numbers(stacked(targets, self.stepwise))
        return encoded(self.reader.read(rows), numbers, self.stepwise)

    def blank(self) -> NDArray[np.float64]:
        return np.zeros((0, self.reader.width))

    def start(self, arrays: Arrays, training: Examples) -> Arrays:
        return arrays

    def loss(self, net: Any, features: Any, batch: Batch) -> Any:
        return super().loss(net, answered(features, batch, self.stepwise), batch)

    def judge(self, net: Any, features: Any, batch: Batch) -> NDArray[np.float32]:
        return super().judge(net, answered(features, batch, self.stepwise), batch)

    def facts(self) -> dict[str, Any]:
        return {}

    def learned(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "counts": list(self.counts), "inputs": self.reader.scale.to_dict()}

    def tokenizer(self) -> None:
        return None

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], tokenizer: str | None) -> Self:
        config = ClassifySequencesConfig.from_dict(options)
        return cls(config, *restored(learned), Reader(Scale.from_dict(learned["inputs"]), config.masks))


def stacked(targets: Sequence[Any], stepwise: bool) -> Sequence[Any]:
    """All targets in one list; those of steps row after row."""
    return list(chain.from_iterable(targets)) if stepwise else targets
