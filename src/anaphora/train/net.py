"""A network in torch, and what all its blocks are."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from anaphora.net import build


class Net(nn.Module):
    """A network in training: its blocks are its attributes, its state dict holds the bundle's arrays."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        super().__init__()
        self._recipe = forward

    def forward(self, *inputs: Any) -> Any:
        return self._recipe(self, *inputs)

    def zeros(self, shapes: Sequence[Sequence[int]]) -> tuple[torch.Tensor, ...]:
        device = next(self.parameters()).device
        return tuple(torch.zeros(*shape, device=device) for shape in shapes)

    def detach(self, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The tensors as constants: no gradient goes through them."""
        return tuple(tensor.detach() for tensor in tensors)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """A copy of every parameter, named as in the bundle."""
        return {name: to_numpy(tensor).copy() for name, tensor in self.state_dict().items()}

    def layers(self) -> list[list[nn.Parameter]]:
        """The parameters from the top layer down: `net.build.layers`."""
        parts: dict[str, Any] = dict(self.named_children())
        parameters = dict(self.named_parameters())
        names = build.layers({name: block.spec for name, block in parts.items()})
        return [[parameters[name] for name in layer] for layer in names]

    def seed(self, seed: int) -> None:
        """Seed the random numbers of all blocks that use some; torch's global generator is not touched."""
        noisy = [module for module in self.modules() if isinstance(module, Noise)]
        for index, module in enumerate(noisy):
            module.generator.manual_seed(seed * len(noisy) + index)


def to_numpy(outputs: Any) -> Any:
    """A tensor, or a tuple of tensors, as NumPy arrays."""
    if isinstance(outputs, tuple):
        return tuple(map(to_numpy, outputs))
    return outputs.detach().cpu().numpy() if isinstance(outputs, torch.Tensor) else outputs


class Block(nn.Module):
    """A block with its weights as parameters."""

    def __init__(self, spec: Any, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__()
        self.spec = spec
        for name, array in weights.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(array.copy())))

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        return dict(self.named_parameters(recurse=False))


class Noise(Block):
    """A block that is random in training; its generator is its own."""

    def __init__(self, spec: Any, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__(spec, weights)
        self.generator = torch.Generator()

    @property
    def active(self) -> bool:
        return self.training and self.spec.rate > 0

    def kept(self, *shape: int, device: Any) -> torch.Tensor:
        """True where a number is kept. 16 random bits for each are faster to draw than a float."""
        count = math.prod(shape)
        bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(1 << 63), None, generator=self.generator)
        least = min(round(self.spec.rate * (1 << 16)), (1 << 16) - 1) - (1 << 15)
        return (bits.view(torch.int16)[:count].view(shape) >= least).to(device)

    def scaled(self, x: torch.Tensor, *shape: int) -> Any:
        """`x` with the dropped numbers at zero and the others scaled up, so that the mean stays."""
        if not self.active:
            return x
        return x * self.kept(*shape, device=x.device).to(x.dtype).mul_(1 / (1 - self.spec.rate))
