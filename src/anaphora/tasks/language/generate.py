"""Text generation with a language model, a token at a time."""

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from anaphora import _native, arrays
from anaphora.data.read import replace_surrogates
from anaphora.engine import native
from anaphora.errors import DataError, OptionError
from anaphora.runtime.decoding.sampling import Sampling, draw
from anaphora.runtime.session import WORTH_A_THREAD, Session
from anaphora.tasks.language import network
from anaphora.tasks.language.scorer import Scorer
from anaphora.text.codec import END_ID, MOST_PENDING

CHUNK = 16
"""Tokens that are drawn in one call: few, so that a person sees the text while it is generated."""

Snapshot = dict[str, NDArray[Any]]
"""The layers' states, `state_0`, `state_1`, ...; `outputs` of the top layer; `seen` and `position`, for sampling."""


class Engine(Protocol):
    """Draws the tokens of several rows and keeps their states."""

    def read(self, ids_N: NDArray[np.int64]) -> None:
        """Read the same tokens in every row."""

    def write(
        self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8], done_R: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Draw tokens and read them: `[n, rows]`, where n is `count`, or less if all rows are done before.

        A row that is done does not change; its tokens are -1. A row that draws `[END]` reads it and is set in `done_R`.
        """

    def fork(self) -> Self:
        """A copy that continues independently."""

    def snapshot(self) -> Snapshot:
        """The state, for `restore`."""

    def restore(self, snapshot: Snapshot) -> None:
        """Continue from a snapshot."""


class NativeEngine:
    """The loop in one native call: step, output layer, draw. Nothing is allocated for a token."""

    def __init__(self, session: Session, head: _native.Head, threads: int) -> None:
        self._session, self._head, self._threads = session, head, threads
        self._begin()

    def _begin(self) -> None:
        assert self._session.compiled is not None
        self._writer = _native.Writer(self._session.compiled, self._head, self._threads)

    def read(self, ids_N: NDArray[np.int64]) -> None:
        self._writer.read(ids_N)

    def write(
        self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8], done_R: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        out = np.empty((count, self._session.rows), np.int64)
        how = (sampling.temperature, sampling.top_k, sampling.top_p, sampling.repetition_penalty, sampling.seed)
        return out[: self._writer.write(out, *how, banned_V, END_ID, done_R)]

    def fork(self) -> "NativeEngine":
        other = copy.copy(self)
        other._session = self._session.fork()
        other._begin()
        other.restore(self.snapshot())
        return other

    def snapshot(self) -> Snapshot:
        snapshot = {"seen": self._writer.seen.copy(), "position": np.array([self._writer.position], np.uint64)}
        snapshot["outputs"] = self._session.outputs.copy()
        return snapshot | {f"state_{index}": array for index, array in enumerate(self._session.state)}

    def restore(self, snapshot: Snapshot) -> None:
        self._session.state = [snapshot[f"state_{index}"] for index in range(len(self._session.state))]
        self._session.outputs[...] = snapshot["outputs"]
        self._writer.seen[...] = snapshot["seen"]
        self._writer.position = int(snapshot["position"][0])


class ReferenceEngine:
    """The same in NumPy, for cells without a native loop, and as the reference of its tests."""

    def __init__(self, net: Any, rows: int, tokens: int) -> None:
        self._net, self._rows = net, rows
        self._state = net.zeros(net.encoder.spec.state_shapes(rows))
        self._features = np.zeros((rows, net.encoder.spec.width), np.float32)
        self._seen = np.zeros((rows, tokens), np.uint8)
        self._position = 0

    def _step(self, ids_R: NDArray[np.int64]) -> None:
        """Read a token in every row whose token is not -1."""
        active = ids_R >= 0
        (features, *_), state = self._net(np.maximum(ids_R, 0)[:, None], active.astype(np.int64), self._state)
        self._state = tuple(
            np.where(active[:, None], after, before) for after, before in zip(state, self._state, strict=True)
        )
        self._features = np.where(active[:, None], features[:, 0], self._features)
        self._seen[np.flatnonzero(active), ids_R[active]] = 1

    def read(self, ids_N: NDArray[np.int64]) -> None:
        for id in ids_N.tolist():
            self._step(np.full(self._rows, id))

    def write(
        self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8], done_R: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        drawn: list[NDArray[np.int64]] = []
        weight_VH, bias_V = network.head(self._net)
        while len(drawn) < count and not done_R.all():
            logits_RV = self._features @ weight_VH.T + bias_V
            ids_R = draw(logits_RV, self._seen, banned_V, sampling, self._position)
            ids_R[done_R != 0] = -1
            self._position += 1
            self._step(ids_R)
            done_R[ids_R == END_ID] = 1
            drawn.append(ids_R)
        return np.array(drawn, np.int64).reshape(-1, self._rows)

    def fork(self) -> "ReferenceEngine":
        other = copy.copy(self)
        other._seen = self._seen.copy()
        return other

    def snapshot(self) -> Snapshot:
        snapshot: Snapshot = {"seen": self._seen.copy(), "position": np.array([self._position], np.uint64)}
        snapshot["outputs"] = self._features
        return snapshot | {f"state_{index}": array for index, array in enumerate(self._state)}

    def restore(self, snapshot: Snapshot) -> None:
        self._state = tuple(snapshot[f"state_{index}"] for index in range(len(self._state)))
        self._features, self._seen = snapshot["outputs"], snapshot["seen"].copy()
        self._position = int(snapshot["position"][0])


class Generation:
    """The state of several samples that are generated in parallel after the same prompt; `LanguageModel.start` makes
    it.

    state = model.start("It was", samples=2)
    state.write(100, temperature=0.8)      # a list of two texts; the state is now after them
    other = state.copy()                   # continues independently
    """

    def __init__(self, scorer: Scorer, engine: Engine, rows: int) -> None:
        self._scorer, self._engine, self.rows = scorer, engine, rows
        self._ended_R = np.zeros(rows, np.uint8)
        self._decoders = [scorer.task.codec.decoder() for _ in range(rows)]
        self._engine.read(np.array([END_ID]))

    def read(self, text: str) -> None:
        """Append a text to all samples; where a document has ended, it begins a new one."""
        self._engine.read(self._scorer.task.prompt(replace_surrogates(text)).astype(np.int64))
        self._ended_R[:] = 0

    def write(self, length: int, *, stop: str | None = None, **sampling: Any) -> list[str]:
        """Generate the next `length` tokens of each sample, as texts; fewer where a document ends or `stop` follows.

        The text before `stop` is returned, and the state is after `stop`: the next call continues there. A document
        that has ended does not change until more text is read. Options: `runtime.decoding.sampling.Sampling`. Raises
        OptionError.
        """
        parts = list(self.stream(length, stop=stop, **sampling))
        return ["".join(pieces[row] for pieces in parts) for row in range(self.rows)]

    def stream(self, length: int, *, stop: str | None = None, **sampling: Any) -> Iterator[list[str]]:
        """`write`, as pieces of text while they are generated: lists with a piece of each sample."""
        options = Sampling.from_dict(sampling)
        check_count("length", length)
        if stop == "":
            raise OptionError("stop='' would stop at once: give a text, or None")
        return self._stream(length, stop, options)

    def _stream(self, length: int, stop: str | None, options: Sampling) -> Iterator[list[str]]:
        filters = [StopFilter(decoder, stop) for decoder in self._decoders]
        done_R = self._ended_R.copy()
        chunk = 1 if stop else CHUNK  # tokens drawn after a stop could not be undone
        left = length
        while left and not done_R.all():
            ids_NR = self._engine.write(min(left, chunk), options, self._scorer.banned, done_R)
            left -= len(ids_NR)
            pieces = [""] * self.rows
            for row, stop_filter in enumerate(filters):
                for id in ids_NR[:, row].tolist():
                    if id == END_ID:
                        self._ended_R[row] = 1
                    elif id >= 0:
                        pieces[row] += stop_filter.add(id)
                done_R[row] |= stop_filter.done
            yield pieces
        if any(rest := [stop_filter.rest() for stop_filter in filters]):
            yield rest

    def copy(self) -> "Generation":
        """A copy that continues independently."""
        other = copy.copy(self)
        other._engine, other._ended_R = self._engine.fork(), self._ended_R.copy()
        other._decoders = [decoder.copy() for decoder in self._decoders]
        return other

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the state to a file, for `LanguageModel.resume` with the same model."""
        contents = {"model": np.frombuffer(self._scorer.fingerprint, np.uint8), "ended": self._ended_R}
        pending = [decoder.pending.ljust(MOST_PENDING, b"\0") for decoder in self._decoders]
        contents["pending"] = np.frombuffer(b"".join(pending), np.uint8).reshape(self.rows, MOST_PENDING)
        Path(file).write_bytes(arrays.to_bytes(contents | self._engine.snapshot()))


class StopFilter:
    """Decodes tokens up to the stop text; the end of the text is held back while it may be the beginning of the stop
    text.
    """

    def __init__(self, decode: Any, stop: str | None) -> None:
        self._decode, self._stop, self._pending = decode, stop, ""
        self.done = False

    def add(self, id: int) -> str:
        if self.done:
            return ""
        text = self._pending + self._decode(id)
        if self._stop is None:
            return text
        if self._stop in text:
            self.done, self._pending = True, ""
            return text[: text.index(self._stop)]
        keep = next(n for n in range(len(self._stop) - 1, -1, -1) if text.endswith(self._stop[:n]))
        text, self._pending = text[: len(text) - keep], text[len(text) - keep :]
        return text

    def rest(self) -> str:
        """The text that was held back, when no more tokens follow."""
        return "" if self.done else self._pending


def start(scorer: Scorer, prompt: str, rows: int) -> Generation:
    """The state of `rows` samples after a prompt."""
    check_count("samples", rows)
    generation = Generation(scorer, engine(scorer, rows), rows)
    if prompt:
        generation.read(prompt)
    return generation


def check_count(name: str, value: Any) -> None:
    """Raise OptionError unless the value is a whole number, 1 or more."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise OptionError(f"{name}={value!r}: a whole number, 1 or more, is needed")


def resume(scorer: Scorer, file: str | os.PathLike[str]) -> Generation:
    """The state that `Generation.save` wrote. Raises DataError for a state of another model, and for other files."""
    try:
        kept = arrays.from_bytes(Path(file).read_bytes())
        model, ended_R, pending = kept["model"], kept["ended"], kept["pending"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{os.fspath(file)} is not a saved generation state ({error})") from error
    if model.tobytes() != scorer.fingerprint:
        raise DataError(f"{os.fspath(file)} is the state of another model, or of this one in another precision")
    generation = start(scorer, "", len(ended_R))
    generation._engine.restore(kept)
    generation._ended_R[:] = ended_R
    for decoder, first in zip(generation._decoders, pending, strict=True):
        decoder.pending = first.tobytes().rstrip(b"\0")
    return generation


def engine(scorer: Scorer, rows: int) -> Engine:
    """The native engine, or for a cell without a kernel the reference."""
    net = scorer.net
    if native.kernel_of(net.encoder.spec.cell) is None:
        return ReferenceEngine(net, rows, scorer.task.codec.size)
    session = net.encoder.session(rows, net.embedding.weights["weight"])
    work = rows * scorer.head_numbers
    return NativeEngine(session, scorer.head, max(1, min(native.threads(), work // WORTH_A_THREAD)))
