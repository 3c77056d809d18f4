"""Writing with a language model: texts that are read and gone on with, a token at a time, their states carried."""

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
from anaphora.tasks.language import network as language
from anaphora.tasks.language.scorer import Scorer
from anaphora.text.codec import END_ID, MOST_PENDING

AT_ONCE = 16
"""Tokens that are drawn in one call: few enough to be seen as they are written."""


Snapshot = dict[str, NDArray[Any]]
"""The layers' states, `state_0`, `state_1`, ...; `outputs` of the highest; `seen` and `position`, for sampling."""


class Engine(Protocol):
    """What draws tokens for some rows, and carries their states."""

    def read(self, ids_N: NDArray[np.int64]) -> None:
        """Take the same tokens in every row."""

    def write(
        self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8], done_R: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Draw and take tokens: `[n, rows]`, where n is `count`, or less if all rows are done before.

        A row that is done stays where it is: -1. One that draws `[END]` takes it and is done, which is written there.
        """

    def fork(self) -> Self:
        """Another that goes on from here on its own."""

    def snapshot(self) -> Snapshot:
        """Where it stands."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from where another stood."""


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

    def write(
        self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8], done_R: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        out = np.empty((count, self._session.rows), np.int64)
        how = (sampling.temperature, sampling.top_k, sampling.top_p, sampling.repetition_penalty, sampling.seed)
        return out[: self._writer.write(out, *how, banned_V, END_ID, done_R)]

    def fork(self) -> "Compiled":
        other = copy.copy(self)
        other._session = self._session.fork()
        other._begin()
        other.restore(self.snapshot())
        return other

    def snapshot(self) -> Snapshot:
        own = {"seen": self._writer.seen.copy(), "position": np.array([self._writer.position], np.uint64)}
        own["outputs"] = self._session.outputs.copy()
        return own | {f"state_{place}": array for place, array in enumerate(self._session.state)}

    def restore(self, snapshot: Snapshot) -> None:
        self._session.state = [snapshot[f"state_{place}"] for place in range(len(self._session.state))]
        self._session.outputs[...] = snapshot["outputs"]
        self._writer.seen[...] = snapshot["seen"]
        self._writer.position = int(snapshot["position"][0])


class Plain:
    """The same by the recipe, for what has no native loop; and what that is tested against."""

    def __init__(self, net: Any, rows: int, tokens: int) -> None:
        self._net, self._rows = net, rows
        self._state = net.zeros(net.encoder.spec.state_shapes(rows))
        self._features = np.zeros((rows, net.encoder.spec.width), np.float32)
        self._seen = np.zeros((rows, tokens), np.uint8)
        self._position = 0

    def _take(self, ids_R: NDArray[np.int64]) -> None:
        """Take a token in every row whose token is not -1."""
        there = ids_R >= 0
        (features, *_), state = self._net(np.maximum(ids_R, 0)[:, None], there.astype(np.int64), self._state)
        self._state = tuple(
            np.where(there[:, None], after, before) for after, before in zip(state, self._state, strict=True)
        )
        self._features = np.where(there[:, None], features[:, 0], self._features)
        self._seen[np.flatnonzero(there), ids_R[there]] = 1

    def read(self, ids_N: NDArray[np.int64]) -> None:
        for id in ids_N.tolist():
            self._take(np.full(self._rows, id))

    def write(
        self, count: int, sampling: Sampling, banned_V: NDArray[np.uint8], done_R: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        written: list[NDArray[np.int64]] = []
        weight_VH, bias_V = language.head(self._net)
        while len(written) < count and not done_R.all():
            logits_RV = self._features @ weight_VH.T + bias_V
            ids_R = draw(logits_RV, self._seen, banned_V, sampling, self._position)
            ids_R[done_R != 0] = -1
            self._position += 1
            self._take(ids_R)
            done_R[ids_R == END_ID] = 1
            written.append(ids_R)
        return np.array(written, np.int64).reshape(-1, self._rows)

    def fork(self) -> "Plain":
        other = copy.copy(self)
        other._seen = self._seen.copy()
        return other

    def snapshot(self) -> Snapshot:
        own: Snapshot = {"seen": self._seen.copy(), "position": np.array([self._position], np.uint64)}
        own["outputs"] = self._features
        return own | {f"state_{place}": array for place, array in enumerate(self._state)}

    def restore(self, snapshot: Snapshot) -> None:
        self._state = tuple(snapshot[f"state_{place}"] for place in range(len(self._state)))
        self._features, self._seen = snapshot["outputs"], snapshot["seen"].copy()
        self._position = int(snapshot["position"][0])


class Writing:
    """Texts that a model is writing, side by side, each from the same beginning: `LanguageModel.start` makes one.

    state = model.start("It was", samples=2)
    state.write(100, temperature=0.8)      # a list of two texts, and state stands at their ends
    other = state.copy()                   # goes on from here on its own
    """

    def __init__(self, scorer: Scorer, engine: Engine, rows: int) -> None:
        self._scorer, self._engine, self.rows = scorer, engine, rows
        self._ended_R = np.zeros(rows, np.uint8)
        self._decoders = [scorer.task.codec.decoder() for _ in range(rows)]
        self._engine.read(np.array([END_ID]))

    def read(self, text: str) -> None:
        """Go on with a text that is given, not drawn, in all samples; where a document has ended, behind its end."""
        self._engine.read(self._scorer.task.prompt(replace_surrogates(text)).astype(np.int64))
        self._ended_R[:] = 0

    def write(self, length: int, *, stop: str | None = None, **sampling: Any) -> list[str]:
        """The next `length` tokens of each sample, as texts; fewer where a document or, at `stop`, the writing ends.

        What is before a `stop` text is returned, the text itself is read; the next call goes on behind it. A document
        that has ended stays as it is until more is read. Options: `runtime.sampling.Sampling`. Raises OptionError.
        """
        written = list(self.stream(length, stop=stop, **sampling))
        return ["".join(pieces[row] for pieces in written) for row in range(self.rows)]

    def stream(self, length: int, *, stop: str | None = None, **sampling: Any) -> Iterator[list[str]]:
        """`write`, as pieces of text that come while they are written: a list with one for each sample at a time."""
        how = Sampling.from_dict(sampling)
        check_count("length", length)
        if stop == "":
            raise OptionError("stop='' would stop at once: give a text, or none")
        return self._stream(length, stop, how)

    def _stream(self, length: int, stop: str | None, how: Sampling) -> Iterator[list[str]]:
        heads = [Stopping(decoder, stop) for decoder in self._decoders]
        done_R = self._ended_R.copy()
        at_once = 1 if stop else AT_ONCE  # what is drawn past a stop could not be taken back
        left = length
        while left and not done_R.all():
            ids_NR = self._engine.write(min(left, at_once), how, self._scorer.banned, done_R)
            left -= len(ids_NR)
            pieces = [""] * self.rows
            for row, head in enumerate(heads):
                for id in ids_NR[:, row].tolist():
                    if id == END_ID:
                        self._ended_R[row] = 1
                    elif id >= 0:
                        pieces[row] += head.take(id)
                done_R[row] |= head.done
            yield pieces
        if any(rest := [head.rest() for head in heads]):
            yield rest

    def copy(self) -> "Writing":
        """Another that goes on from here on its own."""
        other = copy.copy(self)
        other._engine, other._ended_R = self._engine.fork(), self._ended_R.copy()
        other._decoders = [decoder.copy() for decoder in self._decoders]
        return other

    def save(self, file: str | os.PathLike[str]) -> None:
        """Keep it in a file, for `LanguageModel.resume` with the same model."""
        own = {"model": np.frombuffer(self._scorer.fingerprint, np.uint8), "ended": self._ended_R}
        pending = [decoder.pending.ljust(MOST_PENDING, b"\0") for decoder in self._decoders]
        own["pending"] = np.frombuffer(b"".join(pending), np.uint8).reshape(self.rows, MOST_PENDING)
        Path(file).write_bytes(arrays.to_bytes(own | self._engine.snapshot()))


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


def start(scorer: Scorer, prompt: str, rows: int) -> Writing:
    """A text to go on with, in `rows` samples."""
    check_count("samples", rows)
    writing = Writing(scorer, engine(scorer, rows), rows)
    if prompt:
        writing.read(prompt)
    return writing


def check_count(name: str, value: Any) -> None:
    """Raise OptionError unless it is a whole number, 1 or more."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise OptionError(f"{name}={value!r}: a whole number, 1 or more, is needed")


def resume(scorer: Scorer, file: str | os.PathLike[str]) -> Writing:
    """What `Writing.save` kept. Raises DataError where it is of another model, or something else."""
    try:
        kept = arrays.from_bytes(Path(file).read_bytes())
        model, ended_R, pending = kept["model"], kept["ended"], kept["pending"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{os.fspath(file)} is not a state of writing ({error})") from error
    if model.tobytes() != scorer.fingerprint:
        raise DataError(f"{os.fspath(file)} is the state of another model, or of this one in another precision")
    writing = start(scorer, "", len(ended_R))
    writing._engine.restore(kept)
    writing._ended_R[:] = ended_R
    for decoder, first in zip(writing._decoders, pending, strict=True):
        decoder.pending = first.tobytes().rstrip(b"\0")
    return writing


def engine(scorer: Scorer, rows: int) -> Engine:
    """The native loop, or for a cell without a kernel the plain one."""
    net = scorer.net
    if native.kernel_of(net.encoder.spec.cell) is None:
        return Plain(net, rows, scorer.task.codec.size)
    session = net.encoder.session(rows, net.embedding.weights["weight"])
    work = rows * scorer.head_numbers
    return Compiled(session, scorer.head, max(1, min(native.threads(), work // WORTH_A_THREAD)))
