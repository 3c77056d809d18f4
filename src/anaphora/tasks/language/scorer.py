"""Reading with a language model, in NumPy: how likely a text is, and what the network makes of it."""

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anaphora import _native, arrays
from anaphora.tasks.language.corpus import Corpus
from anaphora.tasks.language.documents import Texts
from anaphora.tasks.language.windows import Windows
from anaphora.engine import native
from anaphora.errors import OptionError
from anaphora.tasks.language import network as language
from anaphora.net.build import Arrays, In, build
from anaphora.net.state import Streams
from anaphora.runtime import blocks
from anaphora.tasks.language.task import Language
from anaphora.text.codec import END_ID
from anaphora.text.tokenize import UNKNOWN_ID

WINDOW = 1_024
MOST_STREAMS, LEAST_TARGETS = 8, 5_000


class Reader:
    """A language model and its network, ready to read. Nothing in it changes, so threads may share it."""

    def __init__(self, task: Language, weights: Arrays, precision: str = "float32") -> None:
        self.task, self._arrays = task, weights
        self.net = build(task.recipe, task.spec(), In(blocks, precision), weights)

    @property
    def precision(self) -> str:
        """What its products are computed in."""
        return str(self.net.head.precision)

    @cached_property
    def head(self) -> _native.Head:
        """The head for the native loop of writing."""
        weight_VH, bias_V = map(np.ascontiguousarray, language.head(self.net))
        isa, _ = native.environment()
        return _native.Head(weight_VH, bias_V, native.resolve(self.precision), isa, native.threads())

    @property
    def head_numbers(self) -> int:
        return int(language.head(self.net)[0].size)

    @cached_property
    def fingerprint(self) -> bytes:
        """SHA-256 of what a state of writing depends on: arrays, tokens, and the precision."""
        texts = self.task.tokenizer() + native.resolve(self.precision)
        return hashlib.sha256(arrays.to_bytes(self._arrays) + texts.encode()).digest()

    @cached_property
    def banned(self) -> NDArray[np.uint8]:
        """1 for the tokens that are never written: unknown ones, and the end of a document where none was learned."""
        banned_V = np.zeros(self.task.codec.size, np.uint8)
        banned_V[[UNKNOWN_ID, *([] if self.task.closed else [END_ID])]] = 1
        return banned_V

    def judged(self, corpus: Corpus, streams: int | None = None, window: int = WINDOW) -> NDArray[np.float32]:
        """Of every target in a corpus, in order, its log-probability, and 1 where no token had a higher one: `[N, 2]`.

        The text is read as `streams` parts side by side, each from no state: by default one for every 5,000 targets, 8
        at most. Within each the state is carried, whatever the `window`. Raises OptionError.
        """
        if streams is None:
            streams = max(1, min(MOST_STREAMS, corpus.targets // LEAST_TARGETS))
        if streams < 1:
            raise OptionError(f"streams={streams} is out of range: it must be at least 1")
        streams = max(1, min(streams, corpus.targets))
        windows = Windows(corpus, streams, window)
        carried = Streams(self.net)
        found = np.zeros((corpus.targets, 2), np.float32)
        for some in windows.in_order():
            batch = windows.batch(some)
            found[windows.numbers(some)] = self.task.judge(self.net, carried.features(batch), batch)
        return found

    def scores(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """The log-probability of every token of each text."""
        if not texts:
            return []
        corpus = self.task.encode(Texts(texts), closed=False)
        found = self.judged(corpus, streams=1)[:, 0]
        return np.split(found, corpus.before[1:-1])

    def embeddings(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The mean of the highest layer's outputs over each text's tokens, `[N, H]`; zeros for an empty text."""
        corpus = self.task.encode(Texts(texts), closed=True)  # the last token is read where another one follows
        windows, carried = Windows(corpus, 1, WINDOW), Streams(self.net)
        sums = np.zeros((len(texts), self.net.encoder.spec.hidden))
        for some in windows.in_order():
            batch = windows.batch(some)
            features = carried.features(batch)
            numbers = windows.numbers(some)
            of_token = ~np.isin(numbers, corpus.before)  # not of the [END] that a text begins with
            places = np.concatenate([row[:length] for row, length in zip(features, batch.inputs[1], strict=True)])
            np.add.at(sums, corpus.document_of(numbers)[of_token], places[of_token])
        tokens = np.maximum(np.diff(corpus.starts) - 2, 1)
        return (sums / tokens[:, None]).astype(np.float32)
