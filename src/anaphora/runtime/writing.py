"""Writing with a language model: texts that are read and gone on with, a token at a time, their states carried."""

import copy
from collections.abc import Iterator
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import _native
from anaphora.data.read import mend
from anaphora.engine import native
from anaphora.errors import OptionError
from anaphora.networks import language
from anaphora.runtime.language import Reader
from anaphora.runtime.sampling import Sampling, draw
from anaphora.runtime.session import WORTH_A_THREAD, Session
from anaphora.text.codec import END_ID

AT_ONCE = 16
"""Tokens that are drawn in one call: few enough to be seen as they are written."""


class Engine(Protocol):
    """What draws tokens for some rows, and carries their states."""

    def read(self, ids_N: NDArray[np.int64]) -> None:
        """Take the same tokens in every row."""

    def write(self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Draw and take tokens: `[count, rows]`."""

    def fork(self) -> Self:
        """Another that goes on from here on its own."""


class Compiled:
    """The loop in one native call: step, head, draw. Nothing is allocated for a token."""

    def __init__(self, session: Session, head: _native.Head, threads: int) -> None:
        self._session, self._head, self._threads = session, head, threads
        self._begin()

    def _begin(self) -> None:
        assert self._session.compiled is not None
        self._writer = _native.Writer(self._session.compiled, self._head, self._threads)

    def read(self, ids_N: NDArray[np.int64]) -> None:
        self._writer.read(ids_N)

    def write(self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8]) -> NDArray[np.int64]:
        out = np.empty((count, self._session.rows), np.int64)
        how = (sampling.temperature, sampling.top_k, sampling.top_p, sampling.repetition_penalty, sampling.seed)
        self._writer.write(out, *how, banned_V)
        return out

    def fork(self) -> "Compiled":
        other = copy.copy(self)
        other._session = self._session.fork()
        other._begin()
        other._writer.seen[...] = self._writer.seen
        other._writer.position = self._writer.position
        return other


class Plain:
    """The same by the recipe, for what has no native loop; and what that is tested against."""

    def __init__(self, net: Any, rows: int, tokens: int) -> None:
        self._net, self._rows = net, rows
        self._state = net.zeros(net.encoder.spec.state_shape(rows))
        self._features: Any = None
        self._seen = np.zeros((rows, tokens), np.uint8)
        self._position = 0

    def _take(self, ids_R: NDArray[np.int64]) -> None:
        features, self._state = self._net(ids_R[:, None], np.ones(self._rows, np.int64), self._state)
        self._features = features[:, 0]
        self._seen[np.arange(self._rows), ids_R] = 1

    def read(self, ids_N: NDArray[np.int64]) -> None:
        for id in ids_N.tolist():
            self._take(np.full(self._rows, id))

    def write(self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8]) -> NDArray[np.int64]:
        out = np.empty((count, self._rows), np.int64)
        weight_VH, bias_V = language.head(self._net)
        for place in range(count):
            logits_RV = self._features @ weight_VH.T + bias_V
            out[place] = draw(logits_RV, self._seen, banned_V, sampling, self._position)
            self._position += 1
            self._take(out[place])
        return out

    def fork(self) -> "Plain":
        other = copy.copy(self)
        other._seen = self._seen.copy()
        return other


class Writing:
    """Texts that a model is writing, side by side, each from the same beginning: `LanguageModel.start` makes one.

    state = model.start("It was", samples=2)
    state.write(100, temperature=0.8)      # a list of two texts, and state stands at their ends
    other = state.copy()                   # goes on from here on its own
    """

    def __init__(self, reader: Reader, engine: Engine, rows: int) -> None:
        self._reader, self._engine, self.rows = reader, engine, rows
        self._ended = [False] * rows
        self._decoders = [reader.task.codec.decoder() for _ in range(rows)]
        self._engine.read(np.array([END_ID]))

    def read(self, text: str) -> None:
        """Go on with a text that is given, not drawn, in all samples."""
        self._engine.read(self._reader.task.prompt(mend(text)).astype(np.int64))
        self._ended = [False] * self.rows

    def write(self, length: int, *, stop: str | None = None, **sampling: Any) -> list[str]:
        """The next `length` tokens of each sample, as texts; fewer where a document or, at `stop`, the writing ends.

        What is before a `stop` text is returned, the text itself is read. Of several samples, those that ended go on
        unseen until all have: go on from a stop with one. Options: `runtime.sampling.Sampling`. Raises OptionError.
        """
        texts = [""] * self.rows
        for pieces in self.stream(length, stop=stop, **sampling):
            texts = [text + piece for text, piece in zip(texts, pieces, strict=True)]
        return texts

    def stream(self, length: int, *, stop: str | None = None, **sampling: Any) -> Iterator[list[str]]:
        """`write`, as pieces of text that come while they are written: a list with one for each sample at a time."""
        how = Sampling.from_dict(sampling)
        if length < 1:
            raise OptionError(f"length={length} is out of range: it must be at least 1")
        if stop == "":
            raise OptionError("stop='' would stop at once: give a text, or none")
        return self._stream(length, stop, how)

    def _stream(self, length: int, stop: str | None, how: Sampling) -> Iterator[list[str]]:
        heads = [Stopping(decoder, stop) for decoder in self._decoders]
        may_end = stop is not None or self._reader.task.closed
        at_once = 1 if may_end else AT_ONCE  # what is drawn past an end could not be taken back
        left = length
        while left and not all(self._ended[row] or head.done for row, head in enumerate(heads)):
            ids_NR = self._engine.write(min(left, at_once), how, self._reader.banned)
            left -= len(ids_NR)
            pieces = [""] * self.rows
            for row, head in enumerate(heads):
                for id in ids_NR[:, row].tolist():
                    self._ended[row] = self._ended[row] or id == END_ID
                    if not self._ended[row]:
                        pieces[row] += head.take(id)
            yield pieces
        if any(rest := [head.rest() for head in heads]):
            yield rest

    def copy(self) -> "Writing":
        """Another that goes on from here on its own."""
        other = copy.copy(self)
        other._engine, other._ended = self._engine.fork(), list(self._ended)
        other._decoders = [decoder.copy() for decoder in self._decoders]
        return other


class Stopping:
    """A text that arrives in tokens, up to where a stop text begins; what might begin one waits."""

    def __init__(self, decode: Any, stop: str | None) -> None:
        self._decode, self._stop, self._waiting = decode, stop, ""
        self.done = False

    def take(self, id: int) -> str:
        if self.done:
            return ""
        text = self._waiting + self._decode(id)
        if self._stop is None:
            return text
        if self._stop in text:
            self.done, self._waiting = True, ""
            return text[: text.index(self._stop)]
        keep = next(n for n in range(len(self._stop) - 1, -1, -1) if text.endswith(self._stop[:n]))
        text, self._waiting = text[: len(text) - keep], text[len(text) - keep :]
        return text

    def rest(self) -> str:
        """What waited, when no more comes."""
        return "" if self.done else self._waiting


def start(reader: Reader, prompt: str, rows: int) -> Writing:
    """A text to go on with, in `rows` samples."""
    if rows < 1:
        raise OptionError(f"samples={rows} is out of range: it must be at least 1")
    writing = Writing(reader, engine(reader, rows), rows)
    if prompt:
        writing.read(prompt)
    return writing


def engine(reader: Reader, rows: int) -> Engine:
    """The native loop, or for a cell without a kernel the plain one."""
    net = reader.net
    if native.kernel_of(net.encoder.spec.cell) is None:
        return Plain(net, rows, reader.task.codec.size)
    session = net.encoder.session(rows, net.embedding.weights["weight"])
    work = rows * reader.head_numbers
    return Compiled(session, reader.head, max(1, min(native.threads(), work // WORTH_A_THREAD)))
