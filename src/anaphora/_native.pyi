"""The compiled kernels (`native/module.cpp`). Arrays are float32 and contiguous, positions and lengths int64."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

class Packed:
    def __init__(self, cell: str, *given: Any, **options: Any) -> None:
        """Given, in this order or by name: weight_ih, weight_hh, bias_ih, bias_hh, forward, backward, precision, isa,
        threads. `forward` and `backward` say which ways the weights are packed for.
        """

    def forward(
        self,
        x: Any,
        x_row: Any,
        x_time: Any,
        lengths: Any,
        reverse: bool,
        h0: Any,
        y: Any,
        y_row: Any,
        y_time: Any,
        h_n: Any,
        c_n: Any | None,
        kept: Any | None,
        threads: int,
    ) -> None: ...
    def backward(
        self,
        x: Any,
        x_row: Any,
        x_time: Any,
        lengths: Any,
        reverse: bool,
        h0: Any,
        c0: Any | None,
        y: Any,
        dy: Any,
        y_row: Any,
        y_time: Any,
        kept: Any | None,
        dh: Any,
        dc: Any | None,
        dx: Any | None,
        dw_ih: Any,
        dw_hh: Any,
        db_ih: Any,
        db_hh: Any,
        threads: int,
    ) -> None:
        """In dh and dc the gradients of h_n and c_n before, of h0 and c0 after; dw and db are in torch's order."""
    def table(self, values: Any) -> NDArray[Any]: ...
    @property
    def isa(self) -> str: ...
    @property
    def hidden(self) -> int: ...
    @property
    def numbers(self) -> int: ...
    @property
    def gate_floats(self) -> int: ...

def isas() -> list[str]: ...
def cells() -> list[str]: ...
def has_bfloat16(isa: str | None) -> bool: ...
def kept(cell: str, hidden: int, precision: str, isa: str | None) -> int: ...
def cross_entropy(
    x: Any,
    weight: Any,
    bias: Any,
    targets: Any,
    share: float,
    dx: Any | None,
    dw: Any | None,
    db: Any | None,
    precision: str,
    isa: str | None,
    threads: int,
) -> NDArray[Any]:
    """The log-probabilities of the targets of rows x `[N, H]` under x W^T + b, and 1 where none is higher, `[N, 2]`.
    Writes to dx, dw and db the gradients of `share` times the sum of -log-probability.
    """

def linear_scan(
    a: Any, b: Any, lengths: Any, reverse: bool, h0: Any, y: Any, h_n: Any, isa: str | None, threads: int
) -> None:
    """h[t] = a[t] * h[t - 1] + b[t], elementwise: a, b and y are `[B, T, H]`, lengths `[B]`, h0 and h_n `[B, H]`.

    Writes h to y, and the last h of each row (h0 if it is empty) to h_n. Step t of a reversed row is its position
    length - 1 - t. Arrays may not overlap. Positions past a row's end are neither read nor written.
    """

def linear_scan_backward(
    a: Any,
    lengths: Any,
    reverse: bool,
    h0: Any,
    y: Any,
    dy: Any,
    dh_n: Any,
    da: Any,
    db: Any,
    dh0: Any,
    isa: str | None,
    threads: int,
) -> None:
    """Writes the gradients da and db `[B, T, H]` and dh0 `[B, H]`, given those of y `[B, T, H]` and h_n `[B, H]`.

    Arrays may not overlap. Positions past a row's end are neither read nor written.
    """

def share_openmp() -> bool: ...
def empty(shape: Sequence[int]) -> NDArray[Any]: ...
def activations(x: Any, sigmoid: Any, tanh: Any, precision: str, isa: str | None) -> None: ...

class Session:
    def __init__(
        self, layers: list[Packed], rows: int, table: Any | None, embedding: Any | None, threads: int
    ) -> None: ...
    def step(self) -> None: ...
    @property
    def inputs(self) -> NDArray[Any]: ...
    @property
    def outputs(self) -> NDArray[Any]: ...
    @property
    def states(self) -> list[NDArray[Any]]: ...

class Head:
    def __init__(self, weight: Any, bias: Any | None, precision: str, isa: str | None, threads: int) -> None: ...
    def logits(self, x: Any, threads: int) -> NDArray[Any]: ...

class Writer:
    position: int
    def __init__(self, session: Session, head: Head, threads: int) -> None: ...
    def read(self, ids: Any) -> None: ...
    def write(
        self,
        out: Any,
        temperature: float,
        top_k: int,
        top_p: float,
        repetition_penalty: float,
        seed: int,
        banned: Any | None,
        end: int,
        done: Any,
    ) -> int:
        """Write tokens to `out` `[n, rows]`. How many of its n lines were written: all, until all rows are done."""

    @property
    def seen(self) -> NDArray[Any]: ...
    @property
    def logits(self) -> NDArray[Any]: ...
