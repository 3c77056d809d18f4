"""A recurrent cell: one step of an equation.

A cell does not handle time, ragged batches, files or training: `engine/` runs it over sequences. Its `step` is written
once over `xp`, which is the module `numpy` or `torch`, and is the reference that every fast path is tested against.

The fields of a cell are its options; each is declared with `anaphora.config.option`. The command line, the estimators
and the documentation read them from here.

To add a cell: write one file with a subclass of `Cell` or `LinearCell`, and add one line to the table in
`cells/__init__.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from anaphora.cells.init import Parameter, by_gate, glorot, orthogonal, zeros
from anaphora.config import Config, option

Weights = Mapping[str, Any]
State = tuple[Any, ...]
Gates = dict[str, Any]


@dataclass(frozen=True)
class Cell(Config, ABC):
    """One step of a recurrent network. Construction raises OptionError at a value that a field does not allow."""

    name: ClassVar[str]
    """The key in the table of cells."""
    gates: ClassVar[tuple[str, ...]]
    """The row blocks of the weight matrices, in torch's order."""
    state: ClassVar[tuple[str, ...]]
    """The names of the carried arrays, the output first."""
    recurrent_weights: ClassVar[tuple[str, ...]] = ("weight_hh",)
    """The weights that multiply the state; weight drop applies to these."""
    first_biases: ClassVar[Mapping[str, float]] = {}
    """Initial values of `bias_ih`, by gate, where they are not 0."""

    def parameters(self, D: int, H: int) -> dict[str, Parameter]:
        """Names, shapes and initial values of the weights, for inputs of width `D` and a state of width `H`."""
        gates = len(self.gates)
        return {
            "weight_ih": Parameter((gates * H, D), glorot(gates)),
            "weight_hh": Parameter((gates * H, H), orthogonal(gates)),
            "bias_ih": Parameter((gates * H,), by_gate(self.gates, self.first_biases)),
            "bias_hh": Parameter((gates * H,), zeros),
        }

    def width(self, weights: Weights) -> int:
        """H, the width of the output, from the weights of one layer and direction."""
        return int(weights["weight_ih"].shape[0]) // len(self.gates)

    def input_width(self, weights: Weights) -> int:
        """D, the width of the inputs, from the weights of one layer and direction."""
        return int(weights["weight_ih"].shape[1])

    def state_widths(self, H: int) -> tuple[int, ...]:
        """The width of each array of the state, for an output of width `H`."""
        return (H,) * len(self.state)

    def project(self, xp: Any, x_BTD: Any, weights: Weights) -> Any:
        """The part of the step that needs no state, for all T at once: `[B, T, D]` -> `[B, T, G]`."""
        return x_BTD @ weights["weight_ih"].T + weights["bias_ih"]

    @abstractmethod
    def step(self, xp: Any, x_BG: Any, state: State, weights: Weights) -> tuple[State, Gates]:
        """One step: projected input `[B, G]` and state, each `[B, H]` -> the next state, and the gates by name."""


@dataclass(frozen=True)
class LinearCell(Cell):
    """A cell whose step is h_t = a_t * h_(t-1) + b_t, elementwise, where a_t and b_t do not depend on h.

    Engines compute `coefficients` for all steps at once and then run a linear scan. The default parameters are the
    input weights alone.
    """

    state: ClassVar[tuple[str, ...]] = ("h",)
    recurrent_weights: ClassVar[tuple[str, ...]] = ()

    def parameters(self, D: int, H: int) -> dict[str, Parameter]:
        parameters = super().parameters(D, H)
        return {name: parameters[name] for name in ("weight_ih", "bias_ih")}

    @abstractmethod
    def coefficients(self, xp: Any, x_BTG: Any, weights: Weights) -> tuple[Any, Any]:
        """The factors a and b, each `[..., H]`, from projected inputs `[..., G]`; `step` must compute the same."""


def sigmoid(xp: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)), in the form that cannot overflow."""
    return 0.5 + 0.5 * xp.tanh(0.5 * x)


def relu(xp: Any, x: Any) -> Any:
    return xp.clip(x, 0.0, None)


def activation_option() -> Any:
    """The field `activation`, which several cells have."""
    return option("tanh", "the cell's nonlinearity", choices=("tanh", "relu"))


def activate(xp: Any, name: str, x: Any) -> Any:
    """The nonlinearity that the option `activation` names."""
    return xp.tanh(x) if name == "tanh" else relu(xp, x)


def candidate_option() -> Any:
    """The field `candidate` of the cells of Feng et al. 2024."""
    return option("linear", "the cell's candidate values: linear, or positive", choices=("linear", "positive"))


def candidate(xp: Any, name: str, x: Any) -> Any:
    """x, or g(x) of Feng et al. 2024, appendix B: x + 0.5 for x >= 0, sigmoid(x) below."""
    return x if name == "linear" else xp.where(x >= 0, x + 0.5, sigmoid(xp, x))


def split(x: Any, gates: int) -> list[Any]:
    """`[..., G]` -> one `[..., H]` for each gate."""
    H = x.shape[-1] // gates
    return [x[..., k * H : (k + 1) * H] for k in range(gates)]
