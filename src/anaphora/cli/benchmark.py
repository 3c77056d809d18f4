"""Our kernels beside torch's, on this machine: the same work in turn, medians, ratios.

Times differ from run to run, and a busy machine spoils them: only what stands in one row was measured together.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any

import torch

from anaphora import nn
from anaphora.engine import native

Contestants = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Shape:
    """One layer stack's work: batch, steps, widths of input and state, layers."""

    B: int
    T: int
    D: int
    H: int
    layers: int = 1

    def gflop(self, cell: str, training: bool) -> float:
        """The useful work of one call in 10^9 operations; the way back counts twice the way forward."""
        gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
        widths = [self.D] + [self.H] * (self.layers - 1)
        forward = sum(2 * self.B * self.T * gates * self.H * (width + self.H) for width in widths)
        return forward * (3 if training else 1) / 1e9


SHAPES = {
    "news": Shape(64, 500, 300, 199),
    "char": Shape(64, 100, 256, 512),
    "small": Shape(32, 50, 64, 128),
    "word": Shape(20, 35, 650, 650, 2),
}
CELLS = ("lstm", "gru", "rnn")
OURS, HALF = "anaphora", " bf16"
REST = 0.05
"""Seconds before a turn, until the threads of the one before have stopped spinning for more work."""
LONG_ENOUGH = 0.03
"""Seconds of work in a turn, in which one call or many are timed."""


@dataclass(frozen=True)
class Row:
    """What was measured of one cell, shape and kind of work: seconds by contestant, ours first."""

    shape: str
    cell: str
    work: str
    seconds: Mapping[str, float]
    gflop: float
    """The work, in 10^9 operations."""

    def ours(self, half: bool) -> float:
        """Our seconds, in float32 or in the precision `auto`."""
        return self.seconds.get(OURS + HALF, self.seconds[OURS]) if half else self.seconds[OURS]

    def ratio(self, half: bool) -> float:
        """How many times faster ours is than the fastest of the others: in float32, or `auto` over any precision."""
        others = {name: time for name, time in self.seconds.items() if not name.startswith(OURS)}
        return min(time for name, time in others.items() if half or not name.endswith(HALF)) / self.ours(half)


def measure(shapes: tuple[str, ...], cells: tuple[str, ...], repeats: int, others: Any = None) -> Iterator[Row]:
    """A row for training and one for inference of each shape and cell.

    `others(shape, cell, training)` may give more contestants.
    """
    for name in shapes:
        for cell in cells:
            for training in (True, False):
                shape = SHAPES[name]
                contestants = torchs(shape, cell, training) | (others(name, cell, training) if others else {})
                seconds = in_turn(contestants, repeats)
                yield Row(name, cell, "train" if training else "infer", seconds, shape.gflop(cell, training))


def torchs(shape: Shape, cell: str, training: bool) -> Contestants:
    """Ours and torch's module, in float32 and in bfloat16 (torch: autocast), on the same numbers.

    Ours in bfloat16 is left out where `auto` would not choose it.
    """
    torch.manual_seed(0)

    def ours(precision: str) -> Any:
        kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell]
        return kind(shape.D, shape.H, shape.layers, batch_first=True, precision=precision)

    own = ours("float32")
    theirs = getattr(torch.nn, cell.upper())(shape.D, shape.H, shape.layers, batch_first=True)
    theirs.load_state_dict(own.state_dict())
    x = torch.randn(shape.B, shape.T, shape.D, requires_grad=training)
    upstream = torch.randn(shape.B, shape.T, shape.H)

    def work(module: Any, half: bool = False) -> Callable[[], Any]:
        def train() -> None:
            module.zero_grad()
            x.grad = None
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                y = module(x)[0]
            y.backward(upstream.to(y.dtype))

        def infer() -> None:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
                module(x)

        return train if training else infer

    found = {OURS: work(own)}
    if native.resolve("auto") == "bfloat16":
        rounding = ours("bfloat16")
        rounding.load_state_dict(own.state_dict())
        found[OURS + HALF] = work(rounding)
    return found | {"torch": work(theirs), f"torch{HALF}": work(theirs, half=True)}


def in_turn(contestants: Contestants, repeats: int) -> dict[str, float]:
    """The median seconds of a call of each, taken in turn; a call may return its seconds itself."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(repeats):
        for name, call in contestants.items():
            time.sleep(REST)
            call()  # wakes its threads
            taken[name].append(_seconds(call))
    return {name: median(times) for name, times in taken.items()}


def _seconds(call: Callable[[], Any]) -> float:
    """The mean of as many calls as fit in LONG_ENOUGH, one at least."""
    taken, calls = 0.0, 0
    while taken < LONG_ENOUGH:
        began = time.perf_counter()
        told = call()
        taken += told if isinstance(told, float) else time.perf_counter() - began
        calls += 1
    return taken / calls


def peak(dtype: torch.dtype = torch.float32, size: int = 2048, repeats: int = 5) -> float:
    """The speed of torch's product of two large matrices here, in 10^9 operations a second."""
    a, b = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    return 2 * size**3 / in_turn({"mm": lambda: a @ b}, repeats)["mm"] / 1e9


def geometric_means(rows: list[Row], half: bool) -> dict[tuple[str, str], float]:
    """The geometric mean over the shapes of our ratio, by cell and kind of work."""
    kinds = dict.fromkeys((row.cell, row.work) for row in rows)
    return {kind: geometric_mean(r.ratio(half) for r in rows if (r.cell, r.work) == kind) for kind in kinds}
