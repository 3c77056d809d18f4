"""Texts -> one label each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anaphora.config import SUITED, option
from anaphora.data.batch import Examples
from anaphora.errors import OptionError
from anaphora.tasks.classify import network as classifier
from anaphora.net.blocks import Spec
from anaphora.tasks.classify.network import ClassifierOptions
from anaphora.net.build import Arrays
from anaphora.tasks.classify.naive_bayes import head_start, log_count_ratios
from anaphora.tasks.labels import Label, Labelled, LabelOptions, counted, restored
from anaphora.task import FineTuning
from anaphora.tasks.classify.pretrained import Pretrained
from anaphora.text.codec import END, END_ID
from anaphora.text.encode import TextEncoder, TextOptions
from anaphora.text.tokenize import UNKNOWN, UNKNOWN_ID
from anaphora.text.vectors import read_vectors

BAYES_DEVIATION = 0.2
EMBEDDING_SIZE = 128


FEW_ROWS = 3_000
SUITS_ALL: dict[str, Any] = {"learning_rate": 3e-3, "pool": "mean+max", "max_length": 400, "weight_drop": 0.0}
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
SUITS_PRETRAINED: dict[str, Any] = {"learning_rate": 5e-3, "pool": "last+mean+max", "max_length": 1_000}
SUITS_PRETRAINED_FEW: dict[str, Any] = {"epochs": 4, "dropout": 0.4, "locked_dropout": 0.4, "word_dropout": 0.05}
SUITS_PRETRAINED_MANY: dict[str, Any] = {
    "epochs": 2,
    "dropout": 0.6,
    "locked_dropout": 0.5,
    "word_dropout": 0.2,
    "weight_drop": 0.3,
    "label_smoothing": 0.1,
}
"""What suits a network that begins as a language model, in the place of the above (docs/decisions.md)."""


@dataclass(frozen=True)
class ClassifyConfig(LabelOptions, ClassifierOptions, TextOptions):
    """Options of a text classifier."""

    max_length: int = SUITED
    weight_drop: float = SUITED
    learning_rate: float = SUITED
    pretrained: str = option(
        "none", "the folder of a language model to begin as: its tokens, its vectors, its recurrent layers"
    )
    linear: bool = option(
        False,
        "answer by the mean of the network's probabilities and those of a linear model of words and word pairs, "
        "fitted on the same rows",
    )
    unfreeze: bool = option(
        False, "with --pretrained, train the labels' layer alone at first; the others join it from the top down"
    )
    layer_rate: float = option(
        1.3, "with --pretrained, how much faster each layer learns than the one below it", at_least=1, at_most=100
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pretrained == "none":
            for name in ("unfreeze", "layer_rate"):
                if (value := getattr(self, name)) != self.__dataclass_fields__[name].default:
                    raise OptionError(f"{name}={value!r} wants a language model to begin as: give pretrained")

    def fine_tuning(self) -> FineTuning:
        return FineTuning() if self.pretrained == "none" else FineTuning(self.unfreeze, self.layer_rate)

    def suited(self, rows: int) -> Mapping[str, Any]:
        few = rows < FEW_ROWS
        suited = SUITS_ALL | (SUITS_FEW if few else SUITS_MANY)
        if self.pretrained != "none":
            suited |= SUITS_PRETRAINED | (SUITS_PRETRAINED_FEW if few else SUITS_PRETRAINED_MANY)
        return suited


@dataclass(frozen=True)
class Classify(Labelled):
    """A text classifier's task: options, the labels in order with their training rows, and the text encoder."""

    options: ClassifyConfig
    encoder: TextEncoder
    vectors: Mapping[int, NDArray[np.float32]] = field(default_factory=dict, repr=False)
    """Ready-made vectors of some token ids; they matter when a training begins, and are not saved."""
    pretrained: Pretrained | None = field(default=None, repr=False)
    """The language model that the network begins as; it matters then, and is not saved."""

    name: ClassVar[str] = "classify"
    unit: ClassVar[str] = "rows"
    example: ClassVar[str] = 'model.predict(["a text"])'
    note: ClassVar[str] = ""
    Config: ClassVar = ClassifyConfig
    recipe: ClassVar[ModuleType] = classifier

    @classmethod
    def learn(
        cls,
        options: ClassifyConfig,
        rows: Sequence[str],
        targets: Sequence[Label],
        pretrained: Pretrained | None = None,
    ) -> Self:
        """Learn the labels, and the vocabulary unless it is that of a language model, to whose values the options are
        `adapted` then.
        """
        labels, counts = counted(targets)
        if pretrained:
            options = replace(options, embedding_size=options.embedding_size + options.bayes_start)
            return cls(options, labels, counts, pretrained.encoder(options), pretrained=pretrained)
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
        return Examples(self.encoder.encode(rows), None if targets is None else self.numbers(targets))

    def blank(self) -> str:
        return ""

    def start(self, arrays: Arrays, training: Examples) -> Arrays:
        """All below the pool begins as in the language model, if there is one; token vectors begin as its own or the
        ready-made ones, and but for the latter with some naive-Bayes weights of the labels.
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
        assert training.targets is not None
        ratios_VK = log_count_ratios(training.rows, training.targets, len(embedding_VD), len(self.labels))
        ratios_VK[UNKNOWN_ID] = 0
        embedding_VD[:, :width] = head_start(ratios_VK, width, BAYES_DEVIATION, self.options.seed)

    def facts(self) -> dict[str, Any]:
        if self.pretrained:
            return {"pretrained_sha256": self.pretrained.sha256()}
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
        labels, counts = restored(learned)
        stopwords = frozenset(map(str, learned["stopwords"]))
        documents = config.pretrained != "none"
        encoder = TextEncoder(config, Tokenizer.from_str(tokenizer), stopwords, documents)
        for name, place in ((UNKNOWN, UNKNOWN_ID), (END, END_ID))[: 1 + documents]:
            if encoder.tokenizer.token_to_id(name) != place:
                raise ValueError(f"the tokenizer has no {name}")
        if config.encode == "vocabulary" and max(encoder.tokenizer.get_vocab().values()) != encoder.size - 1:
            raise ValueError("the tokenizer's ids are not 0, 1, 2, ...")
        return cls(config, labels, counts, encoder)


def _ready_made(options: ClassifyConfig, encoder: TextEncoder) -> Mapping[int, NDArray[np.float32]]:
    """The vectors that the options ask for, by token id; {} where they ask for none."""
    if options.vectors == "none":
        if options.freeze_vectors:
            raise OptionError("freeze_vectors wants vectors to freeze: name a file with --vectors")
        return {}
    if options.encode == "hash":
        raise OptionError("vectors belong to words, and encode='hash' knows none: choose one of the two")
    return read_vectors(Path(options.vectors), encoder.tokenizer.get_vocab())
