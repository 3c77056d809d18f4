"""The task of sequences of numbers: labels or numbers, for each row or for each of its steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.config import option
from anaphora.data.batch import Examples
from anaphora.net.blocks import Spec
from anaphora.net.build import Arrays
from anaphora.net.label_options import LabelOptions
from anaphora.task import EnsembleOptions
from anaphora.tasks.sequences import network
from anaphora.tasks.sequences.inputs import InputScale
from anaphora.tasks.sequences.network import SequenceOptions
from anaphora.tasks.sequences.outputs import LabelOutput, NumberOutput, Output, flatten
from anaphora.tasks.sequences.scale import Scale

MISSING = ("refuse", "mask")


@dataclass(frozen=True)
class SequencesConfig(EnsembleOptions, SequenceOptions):
    """Options of a model of sequences, whatever it answers."""

    OUTPUT: ClassVar[type[Output]]

    missing: str = option(
        "refuse",
        "missing values (NaN) in the inputs: refuse them, or mask them, which reads the column's mean instead, and for "
        "each column whether it was observed",
        choices=MISSING,
    )

    @property
    def masks(self) -> bool:
        return self.missing == "mask"


@dataclass(frozen=True)
class LabelsConfig(LabelOptions, SequencesConfig):
    """Options of a sequence classifier."""

    OUTPUT: ClassVar[type[Output]] = LabelOutput

    learning_rate: float = 1e-2
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class NumbersConfig(SequencesConfig):
    """Options of a sequence regressor."""

    OUTPUT: ClassVar[type[Output]] = NumberOutput


@dataclass(frozen=True)
class Sequences:
    """Options, the scale of the inputs, and the labels or the scale of the outputs."""

    options: SequencesConfig
    inputs: InputScale
    output: Output

    name: ClassVar[str] = "sequences"
    unit: ClassVar[str] = "rows"
    example: ClassVar[str] = "model.predict([[0.1, 0.2, 0.3]])"
    note: ClassVar[str] = ""
    card_scores: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1", "mae", "rmse", "r2")
    recipe: ClassVar[ModuleType] = network

    @classmethod
    def learn(cls, options: SequencesConfig, rows: Sequence[NDArray[Any]], targets: Sequence[Any]) -> Self:
        output = options.OUTPUT.learn(flatten(targets, options.stepwise))
        return cls(options, InputScale.learn(rows, options.masks), output)

    @property
    def estimator(self) -> str:
        return self.output.estimator

    @property
    def ragged(self) -> bool:
        """Whether each step has an answer; otherwise each row has one."""
        return self.options.stepwise

    def spec(self) -> Spec:
        sizes = {"inputs": self.inputs.inputs, "outputs": self.output.size}
        return network.spec(self.options, **sizes, loss=self.output.loss(self.options))

    def encode(self, rows: Sequence[NDArray[Any]], targets: Sequence[Any] | None = None) -> Examples:
        """Rows `[T_i, D]`, and a target for each, or a sequence with a target for each of its steps."""
        inputs = (self.inputs.read(rows),)
        if targets is None:
            return Examples(inputs)
        return Examples(inputs, list(map(self.output.encode, targets)) if self.ragged else self.output.encode(targets))

    def blank(self) -> NDArray[np.float64]:
        return np.zeros((0, self.inputs.width))

    def start(self, arrays: Arrays, training: Any) -> Arrays:
        return arrays

    def answers(self, decoded: NDArray[Any]) -> NDArray[Any]:
        return self.output.answers(decoded)

    def metrics(self, target_scores: NDArray[Any], targets: NDArray[Any]) -> dict[str, Any]:
        return self.output.metrics(target_scores, targets)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return self.output.score(metrics)

    def facts(self) -> dict[str, Any]:
        return {}

    def learned(self) -> dict[str, Any]:
        return {**self.output.to_dict(), "inputs": self.inputs.scale.to_dict()}

    def files(self) -> dict[str, bytes]:
        return {}

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        kind: type[SequencesConfig] = LabelsConfig if "labels" in learned else NumbersConfig
        config = kind.from_saved(options)
        inputs = InputScale(Scale.from_dict(learned["inputs"]), config.masks)
        return cls(config, inputs, config.OUTPUT.from_dict(learned))
