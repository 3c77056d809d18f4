"""Scoring texts with a language model, in NumPy: log-probabilities of tokens, and embeddings of texts."""

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anaphora import _native, arrays
from anaphora.engine import native
from anaphora.engine.ragged import flat
from anaphora.errors import OptionError
from anaphora.net.build import Arrays, Backend, build
from anaphora.net.state import Streams
from anaphora.runtime import blocks
from anaphora.tasks.language import network
from anaphora.tasks.language.corpus import Corpus
from anaphora.tasks.language.documents import Texts
from anaphora.tasks.language.task import Language
from anaphora.tasks.language.windows import Windows
from anaphora.text.codec import END_ID
from anaphora.text.tokenize import UNKNOWN_ID

WINDOW = 1_024
MAX_STREAMS, MIN_TARGETS = 8, 5_000


class Scorer:
    """A language model and its network, ready to run. It is immutable, so threads may share it."""

    def __init__(self, task: Language, weights: Arrays, precision: str = "float32") -> None:
        self.task, self._arrays = task, weights
        self.net = build(task.recipe, task.spec(), Backend(blocks, precision), weights)

    @property
    def precision(self) -> str:
        """The number format of its products."""
        return str(self.net.loss.precision)

    @cached_property
    def head(self) -> _native.Head:
        """The output layer for the native generation loop."""
        weight_VH, bias_V = map(np.ascontiguousarray, network.head(self.net))
        isa, _ = native.environment()
        return _native.Head(weight_VH, bias_V, native.resolve(self.precision), isa, native.threads())

    @property
    def head_numbers(self) -> int:
        return int(network.head(self.net)[0].size)

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of what a generation state depends on: arrays, tokenizer and precision."""
        texts = self.task.codec.tokenizer.to_str() + native.resolve(self.precision)
        return hashlib.sha256(arrays.to_bytes(self._arrays) + texts.encode()).digest()

    @cached_property
    def banned(self) -> NDArray[np.uint8]:
        """1 for the tokens that are never generated: `[UNK]`, and `[END]` where the training text had no ends."""
        banned_V = np.zeros(self.task.codec.size, np.uint8)
        banned_V[[UNKNOWN_ID, *([] if self.task.closed else [END_ID])]] = 1
        return banned_V

    def token_scores(self, corpus: Corpus, streams: int | None = None, window: int = WINDOW) -> NDArray[np.float32]:
        """For every target of a corpus its log-probability, and 1 where no token had a higher one: `[N, 2]`.

        The text is read as `streams` parallel parts, each from the zero state: by default one for every 5,000 targets,
        at most 8. The state is carried within each part, so the `window` does not change the result. Raises
        OptionError.
        """
        if streams is None:
            streams = max(1, min(MAX_STREAMS, corpus.targets // MIN_TARGETS))
        if streams < 1:
            raise OptionError(f"streams={streams} is out of range: it must be at least 1")
        streams = max(1, min(streams, corpus.targets))
        windows = Windows(corpus, streams, window)
        carried = Streams(self.net)
        scores_N2 = np.zeros((corpus.targets, 2), np.float32)
        for some in windows.in_order():
            batch = windows.batch(some)
            outputs = carried.outputs(batch)
            scores_N2[windows.numbers(some)] = self.net.loss.target_scores(outputs, batch.targets)
        return scores_N2

    def log_probabilities(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The log-probability of every token of each text."""
        if not texts:
            return []
        corpus = self.task.encode(Texts(texts), closed=False)
        log_probabilities_N = self.token_scores(corpus, streams=1)[:, 0]
        return np.split(log_probabilities_N, corpus.before[1:-1])

    def embeddings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The mean of the top layer's outputs over each text's tokens, `[N, H]`; zeros for an empty text."""
        corpus = self.task.encode(Texts(texts), closed=True)  # the last token is an input only if another one follows
        windows, carried = Windows(corpus, 1, WINDOW), Streams(self.net)
        sums = np.zeros((len(texts), self.net.encoder.spec.hidden))
        for some in windows.in_order():
            batch = windows.batch(some)
            features, *_ = carried.outputs(batch)
            numbers = windows.numbers(some)
            of_token = ~np.isin(numbers, corpus.before)  # not the [END] at the beginning of a text
            outputs_NH = flat(features, batch.inputs[1])
            np.add.at(sums, corpus.document_of(numbers)[of_token], outputs_NH[of_token])
        tokens = np.maximum(np.diff(corpus.starts) - 2, 1)
        return (sums / tokens[:, None]).astype(np.float32)
