"""Texts -> one label each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anaphora import metrics
from anaphora.config import option
from anaphora.data.batch import Batch, Examples
from anaphora.errors import OptionError
from anaphora.networks import classifier
from anaphora.networks.blocks import Spec
from anaphora.networks.classifier import ClassifierOptions
from anaphora.networks.network import Arrays
from anaphora.tasks.bayes import head_start, log_count_ratios
from anaphora.tasks.options import TrainingOptions
from anaphora.text.encode import TextEncoder, TextOptions
from anaphora.text.tokenize import UNKNOWN, UNKNOWN_ID
from anaphora.text.vectors import read_vectors

BAYES_DEVIATION = 0.2
EMBEDDING_SIZE = 128
Label = str | int | float | bool


FEW_ROWS = 3_000
SUITS_FEW: dict[str, Any] = {
    "epochs": 10,
    "batch_size": 16,
    "hidden_size": 64,
    "dropout": 0.5,
    "locked_dropout": 0.5,
    "word_dropout": 0.3,
    "bayes_start": 8,
    "label_smoothing": 0.1,
}
SUITS_MANY: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 64,
    "hidden_size": 128,
    "dropout": 0.3,
    "locked_dropout": 0.3,
    "word_dropout": 0.1,
    "bayes_start": 0,
    "label_smoothing": 0.0,
}
"""What suits few training rows and many; measured in docs/decisions.md."""


@dataclass(frozen=True)
class ClassifyConfig(TrainingOptions, ClassifierOptions, TextOptions):
    """Options of a text classifier."""

    label_smoothing: float = option(
        None, "share of each training label's certainty that is given to all labels alike", at_least=0, below=1
    )
    class_weights: str = option(
        "none", "none counts rows alike, balanced lets every label weigh the same", choices=("none", "balanced")
    )

    def suited(self, rows: int) -> Mapping[str, Any]:
        return SUITS_FEW if rows < FEW_ROWS else SUITS_MANY


@dataclass(frozen=True)
class Classify:
    """A text classifier's task: options, the labels in order with their training rows, and the text encoder."""

    options: ClassifyConfig
    labels: tuple[Label, ...]
    counts: tuple[int, ...]
    encoder: TextEncoder
    vectors: Mapping[int, NDArray[np.float32]] = field(default_factory=dict, repr=False)
    """Ready-made vectors of some token ids; they matter when a training begins, and are not saved."""

    name: ClassVar[str] = "classify"
    unit: ClassVar[str] = "rows"
    Config: ClassVar = ClassifyConfig
    recipe: ClassVar[ModuleType] = classifier

    @classmethod
    def learn(cls, options: ClassifyConfig, rows: Sequence[str], targets: Sequence[Label]) -> Self:
        labels, counts = zip(*sorted(Counter(targets).items()), strict=True)
        encoder = TextEncoder.learn(options, rows)
        vectors = _ready_made(options, encoder)
        width = len(next(iter(vectors.values()))) if vectors else EMBEDDING_SIZE
        if vectors and options.embedding_size and options.embedding_size != width:
            raise OptionError(
                f"embedding_size={options.embedding_size}, but the vectors of {options.vectors} have {width}"
            )
        options = replace(options, embedding_size=options.embedding_size or width)
        return cls(options, labels, counts, encoder, vectors)

    def spec(self) -> Spec:
        sizes = {"vocabulary": self.encoder.size, "unknown": UNKNOWN_ID, "classes": len(self.labels)}
        return classifier.spec(self.options, **sizes)

    def encode(self, rows: Sequence[str], targets: Sequence[Label] | None = None) -> Examples:
        numbers = {label: k for k, label in enumerate(self.labels)}
        encoded = None if targets is None else np.array([numbers[label] for label in targets], np.int64)
        return Examples(self.encoder.encode(rows), encoded)

    def blank(self) -> str:
        return ""

    def start(self, arrays: Arrays, training: Examples) -> Arrays:
        """Token vectors begin as the ready-made ones, or with some naive-Bayes weights of the labels."""
        embedding_VD = arrays["embedding.weight"].copy()
        for token, vector in self.vectors.items():
            embedding_VD[token] = vector
        if self.options.bayes_start and not self.vectors:
            self._start_from_counts(embedding_VD, training)
        return {**arrays, "embedding.weight": embedding_VD}

    def _start_from_counts(self, embedding_VD: NDArray[np.float32], training: Examples) -> None:
        width = min(self.options.bayes_start, self.options.embedding_size)
        assert training.targets is not None
        ratios_VK = log_count_ratios(training.rows, training.targets, len(embedding_VD), len(self.labels))
        ratios_VK[UNKNOWN_ID] = 0
        embedding_VD[:, :width] = head_start(ratios_VK, width, BAYES_DEVIATION, self.options.seed)

    def loss(self, net: Any, features: Any, batch: Batch) -> Any:
        return net.cross_entropy(net.head(features), batch.targets, self._class_weights(), self.options.label_smoothing)

    def decode(self, net: Any, features: Any) -> NDArray[np.float32]:
        """Probabilities `[B, K]`, a column for each label."""
        logits_BK = net.numpy(net.head(features))
        e_BK = np.exp(logits_BK - logits_BK.max(axis=1, keepdims=True))
        return e_BK / e_BK.sum(axis=1, keepdims=True)

    def judge(self, net: Any, features: Any, batch: Batch) -> NDArray[np.float32]:
        return self.decode(net, features)

    def metrics(self, judged: NDArray[np.float32], targets: NDArray[np.int64]) -> dict[str, Any]:
        names = [str(label) for label in self.labels]
        predicted = [names[k] for k in judged.argmax(axis=1)]
        return metrics.classification([names[k] for k in targets], predicted)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return float(metrics["macro_f1"])

    def facts(self) -> dict[str, Any]:
        if not self.vectors:
            return {}
        return {"vectors_cover": f"{len(self.vectors):,} of {self.encoder.size:,} tokens"}

    def learned(self) -> dict[str, Any]:
        counts, stopwords = list(self.counts), sorted(self.encoder.stopwords)
        return {"labels": list(self.labels), "counts": counts, "stopwords": stopwords}

    def tokenizer(self) -> str:
        return self.encoder.tokenizer.to_str()

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], tokenizer: str | None) -> Self:
        config = ClassifyConfig.from_dict(options)
        if tokenizer is None:
            raise ValueError("the tokenizer is missing")
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
        stopwords = frozenset(map(str, learned["stopwords"]))
        encoder = TextEncoder(config, Tokenizer.from_str(tokenizer), stopwords)
        if encoder.tokenizer.token_to_id(UNKNOWN) != UNKNOWN_ID:
            raise ValueError(f"the tokenizer has no {UNKNOWN}")
        if config.encode == "vocabulary" and max(encoder.tokenizer.get_vocab().values()) != encoder.size - 1:
            raise ValueError("the tokenizer's ids are not 0, 1, 2, ...")
        return cls(config, tuple(labels), counts, encoder)

    def _class_weights(self) -> NDArray[np.float32] | None:
        """`[K]`, with a mean of 1 over the training rows; None where all rows count alike."""
        if self.options.class_weights == "none":
            return None
        counts_K = np.array(self.counts, np.float32)
        return counts_K.sum() / (len(counts_K) * counts_K)


def _ready_made(options: ClassifyConfig, encoder: TextEncoder) -> Mapping[int, NDArray[np.float32]]:
    """The vectors that the options ask for, by token id; {} where they ask for none."""
    if options.vectors == "none":
        if options.freeze_vectors:
            raise OptionError("freeze_vectors wants vectors to freeze: name a file with --vectors")
        return {}
    if options.encode == "hash":
        raise OptionError("vectors belong to words, and encode='hash' knows none: choose one of the two")
    return read_vectors(Path(options.vectors), encoder.tokenizer.get_vocab())
