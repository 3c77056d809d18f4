"""The compiled kernels (`native/module.cpp`). Arrays are float32 and contiguous, places and lengths int64."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

class Packed:
    def __init__(
        self, cell: str, *weights: Any, backward: bool, precision: str, isa: str | None, threads: int
    ) -> None: ...
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
        gates: Any | None,
        cells: Any | None,
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
        gates: Any | None,
        cells: Any | None,
        dh: Any,
        dc: Any | None,
        dx: Any | None,
        dw_ih: Any,
        dw_hh: Any,
        db: Any,
        threads: int,
    ) -> None: ...
    @property
    def isa(self) -> str: ...
    @property
    def hidden(self) -> int: ...

def isas() -> list[str]: ...
def has_bfloat16(isa: str | None) -> bool: ...
def kept(cell: str, hidden: int, precision: str) -> int: ...
def share_openmp() -> bool: ...
def empty(shape: Sequence[int]) -> NDArray[Any]: ...
def activations(x: Any, sigmoid: Any, tanh: Any, precision: str, isa: str | None) -> None: ...
