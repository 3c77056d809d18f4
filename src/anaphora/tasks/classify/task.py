"""The task of classifying texts: one label for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anaphora.config import DATA_DEPENDENT, option
from anaphora.data.batch import Examples
from anaphora.data.labels import Label, Labels
from anaphora.errors import OptionError
from anaphora.net.blocks import Spec
from anaphora.net.build import Arrays
from anaphora.net.label_options import LabelOptions
from anaphora.task import EnsembleOptions
from anaphora.tasks.classify import network
from anaphora.tasks.classify.linear import Linear, from_files, to_files
from anaphora.tasks.classify.naive_bayes import initial_columns, log_count_ratios
from anaphora.tasks.classify.network import ClassifierOptions
from anaphora.tasks.classify.pretrained import Pretrained
from anaphora.text.codec import END, END_ID
from anaphora.text.encode import TextEncoder, TextOptions
from anaphora.text.tokenize import UNKNOWN, UNKNOWN_ID
from anaphora.text.vectors import read_vectors

TOKENIZER, LINEAR = "tokenizer.json", "linear/"
BAYES_DEVIATION = 0.2
EMBEDDING_SIZE = 128

FEW_ROWS = 3_000
DEFAULTS_ALL: dict[str, Any] = {"learning_rate": 3e-3, "pool": "mean+max", "max_length": 400, "weight_drop": 0.0}
DEFAULTS_FEW: dict[str, Any] = {
    "epochs": 10,
    "batch_size": 16,
    "hidden_size": 64,
    "dropout": 0.5,
    "locked_dropout": 0.5,
    "word_dropout": 0.3,
    "bayes_start": 8,
    "label_smoothing": 0.1,
}
DEFAULTS_MANY: dict[str, Any] = {
    "epochs": 4,
    "batch_size": 64,
    "hidden_size": 128,
    "dropout": 0.3,
    "locked_dropout": 0.3,
    "word_dropout": 0.1,
    "bayes_start": 0,
    "label_smoothing": 0.0,
}
"""Defaults for few training rows and for many; measured in docs/decisions.md."""
DEFAULTS_PRETRAINED: dict[str, Any] = {"learning_rate": 5e-3, "pool": "last+mean+max", "max_length": 1_000}
DEFAULTS_PRETRAINED_FEW: dict[str, Any] = {"epochs": 4, "dropout": 0.4, "locked_dropout": 0.4, "word_dropout": 0.05}
DEFAULTS_PRETRAINED_MANY: dict[str, Any] = {
    "epochs": 2,
    "dropout": 0.6,
    "locked_dropout": 0.5,
    "word_dropout": 0.2,
    "weight_drop": 0.3,
    "label_smoothing": 0.1,
}
"""Defaults that replace these for a network that starts from a language model (docs/decisions.md)."""


@dataclass(frozen=True)
class ClassifyConfig(LabelOptions, EnsembleOptions, ClassifierOptions, TextOptions):
    """Options of a text classifier."""

    RENAMED: ClassVar[Mapping[str, str]] = {"linear": "with_linear"}
    REMOVED: ClassVar[Mapping[str, Any]] = {"adversarial": 0.0, "unfreeze": False}

    max_length: int = DATA_DEPENDENT
    weight_drop: float = DATA_DEPENDENT
    learning_rate: float = DATA_DEPENDENT
    pretrained: str = option(
        "none", "the folder of a language model to start from: its tokens, its vectors, its recurrent layers"
    )
    with_linear: bool = option(
        False,
        "add a linear member: answer with the mean of the network's probabilities and those of a linear model of words "
        "and word pairs, fitted on the same rows",
    )
    layer_rate: float = option(
        1.3,
        "with --pretrained, the ratio of each layer's learning rate to that of the layer below it",
        at_least=1,
        at_most=100,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pretrained == "none" and self.layer_rate != self.__dataclass_fields__["layer_rate"].default:
            raise OptionError(f"layer_rate={self.layer_rate!r} needs a language model to start from: give pretrained")

    def layer_rate_factor(self) -> float:
        return 1.0 if self.pretrained == "none" else self.layer_rate

    def defaults_for(self, rows: int) -> Mapping[str, Any]:
        few = rows < FEW_ROWS
        defaults = DEFAULTS_ALL | (DEFAULTS_FEW if few else DEFAULTS_MANY)
        if self.pretrained != "none":
            defaults |= DEFAULTS_PRETRAINED | (DEFAULTS_PRETRAINED_FEW if few else DEFAULTS_PRETRAINED_MANY)
        return defaults


@dataclass(frozen=True)
class Classify:
    """A text classifier's task: options, labels, the text encoder, and the linear member, if there is one."""

    options: ClassifyConfig
    labels: Labels
    encoder: TextEncoder
    linear: Linear | None = field(default=None, repr=False)
    """The linear model whose probabilities are averaged with the network's."""
    vectors: Mapping[int, NDArray[np.float32]] = field(default_factory=dict, repr=False)
    """Pretrained vectors by token id; used when a training starts, not saved."""
    pretrained: Pretrained | None = field(default=None, repr=False)
    """The language model that the network starts from; used when a training starts, not saved."""

    name: ClassVar[str] = "classify"
    unit: ClassVar[str] = "rows"
    example: ClassVar[str] = 'model.predict(["a text"])'
    note: ClassVar[str] = ""
    card_scores: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1")
    estimator: ClassVar[str] = "TextClassifier"
    ragged: ClassVar[bool] = False
    Config: ClassVar = ClassifyConfig
    recipe: ClassVar[ModuleType] = network

    @classmethod
    def learn(
        cls,
        options: ClassifyConfig,
        rows: Sequence[str],
        targets: Sequence[Label],
        pretrained: Pretrained | None = None,
    ) -> Self:
        """Learn the labels and the vocabulary. With `pretrained`, the vocabulary is the language model's, and the
        options must be `pretrained.adapted`.
        """
        labels = Labels.learn(targets)
        if pretrained:
            options = replace(options, embedding_size=options.embedding_size + options.bayes_start)
            return cls(options, labels, pretrained.encoder(options), pretrained=pretrained)
        encoder = TextEncoder.learn(options, rows)
        vectors = _pretrained_vectors(options, encoder)
        width = len(next(iter(vectors.values()))) if vectors else EMBEDDING_SIZE
        if vectors and options.embedding_size and options.embedding_size != width:
            raise OptionError(
                f"embedding_size={options.embedding_size}, but the vectors of {options.vectors} have {width}"
            )
        options = replace(options, embedding_size=options.embedding_size or width)
        return cls(options, labels, encoder, vectors=vectors)

    def spec(self) -> Spec:
        sizes = {"vocabulary": self.encoder.size, "unknown": UNKNOWN_ID, "classes": len(self.labels)}
        return network.spec(self.options, **sizes, loss=self.options.loss(self.labels))

    def encode(self, rows: Sequence[str], targets: Sequence[Label] | None = None) -> Examples:
        return Examples((self.encoder.encode(rows),), None if targets is None else self.labels.encode(targets))

    def answers(self, decoded: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probability of each label, `[N, K]`."""
        return decoded

    def metrics(self, target_scores: NDArray[np.float32], targets: NDArray[np.int64]) -> dict[str, Any]:
        return self.labels.metrics(target_scores, targets)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return float(metrics["macro_f1"])

    def blank(self) -> str:
        return ""

    def start(self, arrays: Arrays, training: Examples) -> Arrays:
        """All weights below the pool start as the language model's, if there is one. Token vectors start as the
        pretrained ones, if there are some; otherwise a part of each starts as naive-Bayes weights of the labels.
        """
        if self.pretrained:
            arrays = self.pretrained.within(arrays)
        embedding_VD = arrays["embedding.weight"].copy()
        for token, vector in self.vectors.items():
            embedding_VD[token] = vector
        if self.options.bayes_start and not self.vectors:
            self._start_from_counts(embedding_VD, training)
        return {**arrays, "embedding.weight": embedding_VD}

    def _start_from_counts(self, embedding_VD: NDArray[np.float32], training: Examples) -> None:
        width = min(self.options.bayes_start, self.options.embedding_size)
        rows, targets = training.inputs[0], np.asarray(training.targets)
        ratios_VK = log_count_ratios(rows, targets, len(embedding_VD), len(self.labels))
        ratios_VK[UNKNOWN_ID] = 0
        embedding_VD[:, :width] = initial_columns(ratios_VK, width, BAYES_DEVIATION, self.options.seed)

    def facts(self) -> dict[str, Any]:
        if self.pretrained:
            return {"pretrained_sha256": self.pretrained.sha256()}
        if not self.vectors:
            return {}
        return {"vectors_cover": f"{len(self.vectors):,} of {self.encoder.size:,} tokens"}

    def learned(self) -> dict[str, Any]:
        return {**self.labels.to_dict(), "stopwords": sorted(self.encoder.stopwords)}

    def files(self) -> dict[str, bytes]:
        linear = {LINEAR + name: content for name, content in to_files(self.linear).items()} if self.linear else {}
        return {TOKENIZER: self.encoder.tokenizer.to_str().encode(), **linear}

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        config, labels = ClassifyConfig.from_saved(options), Labels.from_dict(learned)
        stopwords = frozenset(map(str, learned["stopwords"]))
        documents = config.pretrained != "none"
        encoder = TextEncoder(config, Tokenizer.from_str(files[TOKENIZER].decode()), stopwords, documents)
        for name, token in ((UNKNOWN, UNKNOWN_ID), (END, END_ID))[: 1 + documents]:
            if encoder.tokenizer.token_to_id(name) != token:
                raise ValueError(f"the tokenizer has no {name}")
        if config.encode == "vocabulary" and max(encoder.tokenizer.get_vocab().values()) != encoder.size - 1:
            raise ValueError("the tokenizer's ids are not 0, 1, 2, ...")
        linear = from_files({name.removeprefix(LINEAR): files[name] for name in files if name.startswith(LINEAR)})
        if linear and sorted(linear.labels) != sorted(map(str, labels.names)):
            raise ValueError("the linear member has other labels than the network")
        return cls(config, labels, encoder, linear)


def _pretrained_vectors(options: ClassifyConfig, encoder: TextEncoder) -> Mapping[int, NDArray[np.float32]]:
    """The vectors of the option `vectors` by token id; {} without the option."""
    if options.vectors == "none":
        if options.freeze_vectors:
            raise OptionError("freeze_vectors needs vectors to freeze: name a file with --vectors")
        return {}
    if options.encode == "hash":
        raise OptionError("vectors belong to words, and encode='hash' has no vocabulary: choose one of the two")
    return read_vectors(Path(options.vectors), encoder.tokenizer.get_vocab())
