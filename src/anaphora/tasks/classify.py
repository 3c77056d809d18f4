"""Texts -> one label each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anaphora import metrics
from anaphora.data.batch import Batch, Examples
from anaphora.networks import classifier
from anaphora.networks.blocks import Spec
from anaphora.networks.classifier import ClassifierOptions
from anaphora.networks.network import Arrays
from anaphora.tasks.bayes import head_start, log_count_ratios
from anaphora.tasks.options import TrainingOptions
from anaphora.text.encode import TextEncoder, TextOptions
from anaphora.text.tokenize import UNKNOWN_ID

BAYES_DEVIATION = 0.2
Label = str | int | float | bool


FEW_ROWS = 3_000
SUITS_FEW: dict[str, Any] = {
    "epochs": 10,
    "batch_size": 16,
    "hidden_size": 64,
    "dropout": 0.5,
    "locked_dropout": 0.5,
    "word_dropout": 0.3,
}
SUITS_MANY: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 64,
    "hidden_size": 128,
    "dropout": 0.3,
    "locked_dropout": 0.3,
    "word_dropout": 0.1,
}
"""What suits few training rows and many; measured in docs/decisions.md."""


@dataclass(frozen=True)
class ClassifyConfig(TrainingOptions, ClassifierOptions, TextOptions):
    """Options of a text classifier."""

    def suited(self, rows: int) -> Mapping[str, Any]:
        return SUITS_FEW if rows < FEW_ROWS else SUITS_MANY


@dataclass(frozen=True)
class Classify:
    """A text classifier's task: options, the labels in order, and the text encoder."""

    options: ClassifyConfig
    labels: tuple[Label, ...]
    encoder: TextEncoder

    name: ClassVar[str] = "classify"
    Config: ClassVar = ClassifyConfig
    recipe: ClassVar[ModuleType] = classifier

    @classmethod
    def learn(cls, options: ClassifyConfig, rows: Sequence[str], targets: Sequence[Label]) -> Self:
        labels = np.unique(np.asarray(targets)).tolist()
        return cls(options, tuple(labels), TextEncoder.learn(options, rows))

    def spec(self) -> Spec:
        sizes = {"vocabulary": self.encoder.size, "unknown": UNKNOWN_ID, "classes": len(self.labels)}
        return classifier.spec(self.options, **sizes)

    def encode(self, rows: Sequence[str], targets: Sequence[Label] | None = None) -> Examples:
        numbers = {label: k for k, label in enumerate(self.labels)}
        encoded = None if targets is None else np.array([numbers[label] for label in targets], np.int64)
        return Examples(self.encoder.encode(rows), encoded)

    def start(self, arrays: Arrays, training: Examples) -> Arrays:
        """Some numbers of each token's vector begin as naive-Bayes weights of the labels; see `tasks.bayes`."""
        width = min(self.options.bayes_start, self.options.embedding_size)
        if not width:
            return arrays
        assert training.targets is not None
        embedding_VD = arrays["embedding.weight"].copy()
        ratios_VK = log_count_ratios(training.rows, training.targets, len(embedding_VD), len(self.labels))
        ratios_VK[UNKNOWN_ID] = 0
        embedding_VD[:, :width] = head_start(ratios_VK, width, BAYES_DEVIATION, self.options.seed)
        return {**arrays, "embedding.weight": embedding_VD}

    def loss(self, net: Any, features: Any, batch: Batch) -> Any:
        return net.cross_entropy(net.head(features), batch.targets)

    def decode(self, net: Any, features: Any) -> NDArray[np.float32]:
        """Probabilities `[B, K]`, a column for each label."""
        logits_BK = net.numpy(net.head(features))
        e_BK = np.exp(logits_BK - logits_BK.max(axis=1, keepdims=True))
        return e_BK / e_BK.sum(axis=1, keepdims=True)

    def metrics(self, predictions: NDArray[np.float32], targets: NDArray[np.int64]) -> dict[str, Any]:
        names = [str(label) for label in self.labels]
        predicted = [names[k] for k in predictions.argmax(axis=1)]
        return metrics.classification([names[k] for k in targets], predicted)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return float(metrics["macro_f1"])

    def learned(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "stopwords": sorted(self.encoder.stopwords)}

    def tokenizer(self) -> str:
        return self.encoder.tokenizer.to_str()

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], tokenizer: str | None) -> Self:
        config = ClassifyConfig.from_dict(options)
        if tokenizer is None:
            raise ValueError("the tokenizer is missing")
        labels = learned["labels"]
        if not isinstance(labels, list) or len(labels) < 2 or len(set(labels)) != len(labels):
            raise ValueError(f"labels={labels!r} is not a list of two or more different labels")
        stopwords = frozenset(map(str, learned["stopwords"]))
        encoder = TextEncoder(config, Tokenizer.from_str(tokenizer), stopwords)
        if config.encode == "vocabulary" and max(encoder.tokenizer.get_vocab().values()) != encoder.size - 1:
            raise ValueError("the tokenizer's ids are not 0, 1, 2, ...")
        return cls(config, tuple(labels), encoder)
