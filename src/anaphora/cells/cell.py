"""What a recurrent cell is: one step of an equation.

A cell knows nothing of time, batches of unequal length, files or training: `engine/` runs it over sequences. Its
`step` is written once over `xp`, which is the module `numpy` or `torch`, and is the reference that every fast path is
tested against.

To add a cell: one file with a subclass of `Cell`, and its line in the table of `cells/__init__.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anaphora.cells.init import Parameter, glorot, orthogonal, zeros
from anaphora.errors import OptionError, in_words

Weights = Mapping[str, Any]
State = tuple[Any, ...]
Gates = dict[str, Any]


@dataclass(frozen=True)
class Cell(ABC):
    """One step of a recurrent network.

    `name`: as in the table of cells. `gates`: the row blocks of the weight matrices, in torch's order. `state`: the
    names of the carried arrays, the output first. `activations`: what `activation` may be, the usual one first.
    """

    activation: str = "tanh"

    name: ClassVar[str]
    gates: ClassVar[tuple[str, ...]]
    state: ClassVar[tuple[str, ...]]
    activations: ClassVar[tuple[str, ...]] = ("tanh",)
    recurrent_weights: ClassVar[tuple[str, ...]] = ("weight_hh",)

    def __post_init__(self) -> None:
        if self.activation not in self.activations:
            allowed = in_words(self.activations)
            raise OptionError(f"activation={self.activation!r} is not known to the cell {self.name}: it has {allowed}")

    def parameters(self, D: int, H: int) -> dict[str, Parameter]:
        """Names, shapes and first values of the weights, for inputs of width `D` and a state of width `H`."""
        gates = len(self.gates)
        return {
            "weight_ih": Parameter((gates * H, D), glorot(gates)),
            "weight_hh": Parameter((gates * H, H), orthogonal(gates)),
            "bias_ih": Parameter((gates * H,), zeros),
            "bias_hh": Parameter((gates * H,), zeros),
        }

    def width(self, weights: Weights) -> int:
        """H, the width of the output, from the weights of one layer and direction."""
        return int(weights["weight_hh"].shape[1])

    def state_widths(self, H: int) -> tuple[int, ...]:
        """The width of each array of the state, for an output of width `H`."""
        return (H,) * len(self.state)

    def project(self, xp: Any, x_BTD: Any, weights: Weights) -> Any:
        """The part of the step that needs no state, for all T at once: `[B, T, D]` -> `[B, T, G]`."""
        return x_BTD @ weights["weight_ih"].T + weights["bias_ih"]

    @abstractmethod
    def step(self, xp: Any, x_BG: Any, state: State, weights: Weights) -> tuple[State, Gates]:
        """One step: projected input `[B, G]` and state, each `[B, H]` -> the next state, and the gates by name."""


def sigmoid(xp: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)), in the form that cannot overflow."""
    return 0.5 + 0.5 * xp.tanh(0.5 * x)


def relu(xp: Any, x: Any) -> Any:
    return xp.clip(x, 0.0, None)


def activate(xp: Any, name: str, x: Any) -> Any:
    """The cell's own nonlinearity: tanh or relu."""
    return xp.tanh(x) if name == "tanh" else relu(xp, x)


def split(x_BG: Any, gates: int) -> list[Any]:
    """`[B, G]` -> one `[B, H]` for each gate."""
    H = x_BG.shape[-1] // gates
    return [x_BG[:, k * H : (k + 1) * H] for k in range(gates)]
