"""The task of language modelling: the next token of a text."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from anaphora.config import option
from anaphora.errors import DataError, OptionError
from anaphora.net.blocks import Spec
from anaphora.net.build import Arrays
from anaphora.net.losses import NextToken
from anaphora.task import TrainingOptions
from anaphora.tasks.language import corpus, network, windows
from anaphora.tasks.language.corpus import Corpus
from anaphora.tasks.language.documents import Documents
from anaphora.tasks.language.network import LanguageOptions
from anaphora.text.clean import Cleaner, CleanOptions
from anaphora.text.codec import END, END_ID, LEVELS, SPECIAL, SPLITS, Codec, Ids
from anaphora.text.stopwords import read_stopwords
from anaphora.text.tokenize import UNKNOWN, UNKNOWN_ID

TOKENIZER = "tokenizer.json"
DEFAULTS: dict[str, dict[str, Any]] = {
    "char": {
        "vocab_size": 10_000,
        "min_count": 1,
        "hidden_size": 512,
        "layers": 2,
        "window": 128,
        "tied": False,
        "embedding_size": 128,
    },
    "word": {"vocab_size": 30_000, "min_count": 2, "hidden_size": 650, "layers": 2, "window": 35, "tied": True},
    "bpe": {"vocab_size": 8_000, "min_count": 2, "hidden_size": 512, "layers": 2, "window": 70, "tied": True},
}


@dataclass(frozen=True)
class LanguageTextOptions(CleanOptions):
    """How text becomes tokens."""

    strip_html: bool = False
    lowercase: bool = False
    level: str = option("char", "what a token is: a character, a word, or a learned piece of a word", choices=LEVELS)
    split: str = option(
        "signs", "words end at signs and blanks, or at blanks alone (for text that is tokenized)", choices=SPLITS
    )
    vocab_size: int = option(None, "the most tokens that the vocabulary holds", at_least=3)
    min_count: int = option(None, "how often a token must occur in training to have its own place", at_least=1)


@dataclass(frozen=True)
class LanguageConfig(TrainingOptions, LanguageOptions, LanguageTextOptions):
    """Options of a language model."""

    batch_size: int = option(None, "streams of the text that are read side by side", at_least=1)
    epochs: int = option(None, "how often the training text is read", at_least=1)
    validation: float = option(
        0.05,
        "share of the text that is scored, not trained on, and chooses the best epoch: its tail, or some of many "
        "documents",
        at_least=0,
        below=1,
    )
    window: int = option(None, "tokens of a stream that are read before each step of the optimizer", at_least=1)
    activation_penalty: float = option(0.0, "weight of the features' mean square in the loss (AR)", at_least=0)
    change_penalty: float = option(
        0.0, "weight of the mean square of their changes from token to token (TAR)", at_least=0
    )

    def per_row_bias_correction(self) -> bool:
        return False  # most words are rare, and perplexity is lower without it (docs/decisions.md)

    def steps_of_an_epoch(self, targets: int) -> int:
        return windows.steps(targets, self.streams(targets), self.window)

    def streams(self, targets: int) -> int:
        """How many parts of a corpus of so many targets are read side by side."""
        return windows.streams(targets, self.batch_size, self.window)

    def defaults_for(self, rows: int) -> Mapping[str, Any]:
        defaults = dict(DEFAULTS[self.level])
        width = self.hidden_size or defaults["hidden_size"]
        if self.tied:
            defaults["embedding_size"] = width
        elif self.embedding_size not in (None, width):
            defaults["tied"] = False
        return {
            "batch_size": 32,
            "epochs": 20,
            "dropout": 0.4,
            "layer_dropout": 0.3,
            "locked_dropout": 0.1,
            "word_dropout": 0.0,
            "weight_drop": 0.1,
            "embedding_size": width,
            **defaults,
        }


@dataclass(frozen=True)
class Language:
    """A language model's task: options, the tokenizer, and whether `[END]` is a target at the end of documents."""

    options: LanguageConfig
    codec: Codec
    closed: bool
    stopwords: frozenset[str] = frozenset()
    frequencies: NDArray[np.float32] | None = field(default=None, repr=False)
    """The count of each token in the training text, `[V]`, for sampled softmax; not saved."""

    name: ClassVar[str] = "language"
    unit: ClassVar[str] = "tokens"
    example: ClassVar[str] = 'print(model.generate("Once", length=200, temperature=0.8))'
    note: ClassVar[str] = (
        "`baseline/` holds the tokens of the training text, for the n-gram model: delete it before you pass the model on "
        "if the text is confidential."
    )
    card_scores: ClassVar[tuple[str, ...]] = ("perplexity", "bits_per_character")
    estimator: ClassVar[str] = "LanguageModel"
    Config: ClassVar = LanguageConfig
    recipe: ClassVar[ModuleType] = network

    @classmethod
    def learn(cls, options: LanguageConfig, documents: Documents, closed: bool) -> Self:
        """Learn the vocabulary from the training text and from nothing else; `closed` as the field."""
        if options.tied and options.embedding_size != options.hidden_size:
            raise OptionError(
                f"tied=True reads and scores tokens by the same vectors, but embedding_size={options.embedding_size} "
                f"and hidden_size={options.hidden_size}: make them equal, or give tied=False (--no-tied)"
            )
        stopwords = read_stopwords(options.stopwords)
        clean = Cleaner(options, stopwords)
        how = {"level": options.level, "split": options.split}
        characters = 0

        def cleaned() -> Any:
            nonlocal characters
            for document in documents:
                for piece in map(clean, document):
                    characters += len(piece)
                    yield piece

        codec = Codec.learn(cleaned(), **how, vocab_size=options.vocab_size, min_count=options.min_count)
        if codec.size == len(SPECIAL) and characters:
            raise DataError(
                f"no {options.level} of the text occurs {options.min_count} times, so there is nothing to learn: "
                "--min-count 1 takes all"
            )
        return cls(options, codec, closed, stopwords)

    def with_corpus(self, training: Corpus, given: LanguageConfig) -> Self:
        """The task with the token frequencies that sampled softmax needs, and with enough epochs for a short text."""
        options = replace(self.options, epochs=given.resolved(training.targets).epochs)
        frequencies = training.frequencies(self.codec.size) if options.sampled_softmax else None
        return replace(self, options=options, frequencies=frequencies)

    def spec(self) -> Spec:
        options = self.options
        # Dropout of the features adds this share to the mean square of their changes; TAR is defined without dropout.
        change_penalty = options.change_penalty * (1 - options.dropout)
        loss = NextToken(
            draws=options.sampled_softmax,
            activation_penalty=options.activation_penalty,
            change_penalty=change_penalty,
            frequencies=self.frequencies,
        )
        return network.spec(options, vocabulary=self.codec.size, unknown=UNKNOWN_ID, loss=loss)

    def encode(
        self, documents: Documents, file: Path | None = None, closed: bool | None = None, cut: bool = False
    ) -> Corpus:
        """Documents -> a corpus, in `file` if there is one; `closed`, if given, overrides the task's. A last document
        that is `cut` does not end.
        """
        closed = self.closed if closed is None else closed
        return corpus.write(documents, self.ids, self.codec.size, END_ID, closed, file, cut)

    def ids(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of pieces of text."""
        clean = self._cleaner
        return self.codec.encode([clean(text) for text in texts])

    def prompt(self, text: str) -> Ids:
        """Token ids of a text to be continued."""
        return self.codec.encode_prompt(self.cleaned(text))

    def cleaned(self, text: str) -> str:
        return self._cleaner(text)

    @cached_property
    def _cleaner(self) -> Cleaner:
        return Cleaner(self.options, self.stopwords)

    def start(self, arrays: Arrays, training: Any) -> Arrays:
        return arrays

    def metrics(self, target_scores: NDArray[np.float32], targets: Any) -> dict[str, Any]:
        return perplexity(target_scores)

    def score(self, metrics: Mapping[str, Any]) -> float:
        return -float(metrics["loss"])

    def facts(self) -> dict[str, Any]:
        return {"vocabulary": self.codec.size}

    def learned(self) -> dict[str, Any]:
        return {"closed": self.closed, "stopwords": sorted(self.stopwords)}

    def files(self) -> dict[str, bytes]:
        return {TOKENIZER: self.codec.tokenizer.to_str().encode()}

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        config = LanguageConfig.from_saved(options)
        codec = Codec(config.level, Tokenizer.from_str(files[TOKENIZER].decode()))
        for name, token in ((UNKNOWN, UNKNOWN_ID), (END, END_ID)):
            if codec.tokenizer.token_to_id(name) != token:
                raise ValueError(f"the tokenizer has no {name}")
        if max(codec.tokenizer.get_vocab().values()) != codec.size - 1:
            raise ValueError("the tokenizer's ids are not 0, 1, 2, ...")
        if not isinstance(learned["closed"], bool):
            raise TypeError(f"closed={learned['closed']!r}")
        return cls(config, codec, learned["closed"], frozenset(map(str, learned["stopwords"])))


def perplexity(scores_N2: NDArray[np.float32]) -> dict[str, Any]:
    """A language model's metrics from the log-probability of each target and whether it was the most likely token."""
    loss = -float(np.mean(scores_N2[:, 0], dtype=np.float64))
    return {
        "loss": loss,
        "perplexity": math.exp(min(loss, 700.0)),
        "next_token_accuracy": float(np.mean(scores_N2[:, 1], dtype=np.float64)),
        "n": len(scores_N2),
    }
