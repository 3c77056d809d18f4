"""The compiled kernels (`native/module.cpp`). Arrays are float32 and contiguous, places and lengths int64."""

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
        db: Any,
        threads: int,
    ) -> None: ...
    def table(self, values: Any) -> NDArray[Any]: ...
    @property
    def isa(self) -> str: ...
    @property
    def hidden(self) -> int: ...
    @property
    def biases(self) -> int: ...
    @property
    def numbers(self) -> int: ...
    @property
    def gate_floats(self) -> int: ...

def isas() -> list[str]: ...
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
    """Of rows x `[N, H]` the targets' log-probabilities under x W^T + b, and 1 where none is higher, `[N, 2]`; into dx,
    dw and db the gradients of `share` times the sum of what the targets cost.
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
        """Into `out` `[n, rows]`; how many of its lines were written: all, unless all rows were done before."""

    @property
    def seen(self) -> NDArray[Any]: ...
    @property
    def logits(self) -> NDArray[Any]: ...
