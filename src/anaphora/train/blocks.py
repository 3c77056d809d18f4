"""The blocks in torch, for learning."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from anaphora.cells.cell import State
from anaphora.engine import native, stack
from anaphora.engine import torch as engine
from anaphora.engine.pool import pool
from anaphora.engine.ragged import flat
from anaphora.net import blocks
from anaphora.net import build as network
from anaphora.train import sampled_softmax as sampled
from anaphora.train.sparse_adam import HAVE_SPARSE
from anaphora.train.softmax import cross_entropy, scores


class Net(nn.Module):
    """A network that learns: its blocks are its attributes, its state dict is the bundle's arrays."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        super().__init__()
        self._recipe = forward

    def forward(self, *inputs: Any) -> Any:
        return self._recipe(self, *inputs)

    def cross_entropy(
        self, logits_BK: torch.Tensor, targets_B: torch.Tensor, weights_K: NDArray[np.float32] | None, smoothing: float
    ) -> torch.Tensor:
        """Mean over the batch, each row weighted by its class; `smoothing` is the share given to all classes alike."""
        weights = None if weights_K is None else torch.from_numpy(weights_K).to(logits_BK.device)
        return functional.cross_entropy(logits_BK, targets_B, weights, label_smoothing=smoothing)

    def squared_error(self, outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return functional.mse_loss(outputs, targets)

    def next_token_loss(
        self,
        features: torch.Tensor,
        lengths_B: torch.Tensor,
        targets_N: torch.Tensor,
        head: tuple[Any, Any],
        frequencies_V: NDArray[np.float32] | None = None,
    ) -> torch.Tensor:
        """Mean cross-entropy over all places of a ragged batch of features `[B, T, H]`; `head` is matrix and bias.

        Where the tokens' `frequencies_V` are given, a network that learns estimates it from some `candidates`.
        """
        x_NH = flat(features, lengths_B)
        if frequencies_V is None or not self.training:
            return cross_entropy(x_NH, *head, targets_N, self._precision)
        block = self.candidates
        assert isinstance(block, Candidates)
        return sampled.cross_entropy(x_NH, *head, block(targets_N, torch.from_numpy(frequencies_V)), self._precision)

    def next_token_scores(
        self, features: torch.Tensor, lengths_B: torch.Tensor, targets_N: torch.Tensor, head: tuple[Any, Any]
    ) -> NDArray[np.float32]:
        """Of each place the target's log-probability, and 1 where no token has a higher one: `[N, 2]`."""
        return self.numpy(scores(flat(features, lengths_B), *head, targets_N, self._precision))

    def pinball(self, answers_BhQ: torch.Tensor, targets_Bh: torch.Tensor, levels: Sequence[float]) -> torch.Tensor:
        """Mean quantile loss of each row (Koenker & Bassett 1978), doubled: the median's is the absolute error."""
        levels_Q = answers_BhQ.new_tensor(levels)
        far_BhQ = targets_Bh[:, :, None] - answers_BhQ
        return 2 * torch.maximum(levels_Q * far_BhQ, (levels_Q - 1) * far_BhQ).mean((1, 2))

    def squared_errors(self, answers_Bh: torch.Tensor, targets_Bh: torch.Tensor) -> torch.Tensor:
        """Mean squared error of each row."""
        return (answers_Bh - targets_Bh).square().mean(1)

    @property
    def _precision(self) -> str:
        head = self.head
        assert isinstance(head, Head)
        return head.precision

    def activation_penalty(self, features: torch.Tensor, lengths_B: torch.Tensor, size: float, change: float) -> Any:
        """`size` times the mean square of features, `change` times that of their differences from place to place
        (Merity et al. 2018, section 4.3: AR and TAR).
        """
        penalty: Any = 0.0
        if size:
            penalty = penalty + size * flat(features, lengths_B).square().mean()
        if change and bool((lengths_B > 1).any()):
            steps = features[:, 1:] - features[:, :-1]
            penalty = penalty + change * flat(steps, (lengths_B - 1).clamp(min=0)).square().mean()
        return penalty

    def zeros(self, shape: Sequence[int]) -> tuple[torch.Tensor, ...]:
        """Arrays of zeros, as many as the first size says."""
        return tuple(torch.zeros(*shape, device=next(self.parameters()).device))

    def fixed(self, tensors: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The same as constants: no gradient goes through them."""
        return tuple(tensor.detach() for tensor in tensors)

    def numpy(self, tensor: torch.Tensor) -> NDArray[Any]:
        return tensor.detach().cpu().numpy()

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """A copy of every parameter, named as in the bundle."""
        return {name: self.numpy(tensor).copy() for name, tensor in self.state_dict().items()}

    def layers(self) -> list[list[nn.Parameter]]:
        """The parameters from the top down: `networks.network.layers`."""
        parts: dict[str, Any] = dict(self.named_children())
        own = dict(self.named_parameters())
        names = network.layers({name: block.spec for name, block in parts.items()})
        return [[own[name] for name in layer] for layer in names]

    def seed(self, seed: int) -> None:
        """Set the random numbers of all blocks that use some; torch's global ones are left alone."""
        noisy = [module for module in self.modules() if isinstance(module, Noise)]
        for place, module in enumerate(noisy):
            module.generator.manual_seed(seed * len(noisy) + place)


class Block(nn.Module):
    def __init__(self, spec: Any, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__()
        self.spec = spec
        for name, array in weights.items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(array.copy())))

    @property
    def weights(self) -> dict[str, nn.Parameter]:
        return dict(self.named_parameters(recurse=False))


class Noise(Block):
    """A block that drops numbers while training, with random numbers of its own."""

    def __init__(self, spec: Any, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__(spec, weights)
        self.generator = torch.Generator()

    @property
    def active(self) -> bool:
        return self.training and self.spec.rate > 0

    def kept(self, *shape: int, device: Any) -> torch.Tensor:
        """True where a number is kept. Each takes 16 random bits, quicker to draw than a float."""
        count = math.prod(shape)
        bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(1 << 63), None, generator=self.generator)
        least = min(round(self.spec.rate * (1 << 16)), (1 << 16) - 1) - (1 << 15)
        return (bits.view(torch.int16)[:count].view(shape) >= least).to(device)

    def scaled(self, x: torch.Tensor, *shape: int) -> Any:
        """`x` with what is dropped at zero, and the rest scaled so that the mean stays."""
        if not self.active:
            return x
        return x * self.kept(*shape, device=x.device).to(x.dtype).mul_(1 / (1 - self.spec.rate))


class Embedding(Block):
    def __init__(self, spec: blocks.Embedding, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__(spec, weights)
        self.requires_grad_(not spec.frozen)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        weight = self.weights["weight"]
        by_rows = self.spec.by_rows and weight.device.type in HAVE_SPARSE
        return functional.embedding(ids_BT, weight, sparse=by_rows)


class Recurrent(Block):
    def __init__(
        self, spec: blocks.Recurrent, weights: Mapping[str, NDArray[np.float32]], precision: str = "float32"
    ) -> None:
        super().__init__(spec, weights)
        self.scan = partial(engine.scan, precision=precision)
        self.between = LockedDropout(blocks.LockedDropout(spec.dropout), {})
        self.weight_drop = Dropout(blocks.Dropout(spec.weight_drop), {})

    def forward(self, x_BTD: torch.Tensor, lengths_B: torch.Tensor, state: State | None = None) -> Any:
        weights = self.weights
        dropped = {name: self.weight_drop(w) for name, w in weights.items() if name.startswith("weight_hh")}
        return stack.run(
            self.scan,
            self.spec.cell,
            stack.directions({**weights, **dropped}, self.spec.layers, self.spec.bidirectional),
            x_BTD,
            lengths_B,
            state,
            between=self.between,
            ends=state is not None,  # who gives none reads none while it trains
        )


class Pool(Block):
    def forward(self, y_BTH: torch.Tensor, lengths_B: torch.Tensor) -> Any:
        return pool(self.spec.kind, y_BTH, lengths_B, self.weights, self.spec.bidirectional)


class Dense(Block):
    def forward(self, x_BD: torch.Tensor) -> torch.Tensor:
        return functional.linear(x_BD, self.weights["weight"], self.weights["bias"])


class Head(Block):
    def __init__(
        self, spec: blocks.Head, weights: Mapping[str, NDArray[np.float32]], precision: str = "float32"
    ) -> None:
        super().__init__(spec, weights)
        self.precision = native.resolve(precision)


class Hidden(Block):
    def forward(self, x_BD: torch.Tensor) -> torch.Tensor:
        weights = self.weights
        for place in range(len(self.spec.widths)):
            x_BD = functional.relu(functional.linear(x_BD, weights[f"weight_{place}"], weights[f"bias_{place}"]))
        return x_BD


class Dropout(Noise):
    def forward(self, x_BD: torch.Tensor) -> torch.Tensor:
        return self.scaled(x_BD, *x_BD.shape)


class LockedDropout(Noise):
    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        return self.scaled(x_BTD, x_BTD.shape[0], 1, x_BTD.shape[2])


class WordDropout(Noise):
    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        if not self.active:
            return ids_BT
        return torch.where(self.kept(*ids_BT.shape, device=ids_BT.device), ids_BT, self.spec.unknown)


class Adversary(Block):
    def __init__(self, spec: blocks.Adversary, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__(spec, weights)
        self.read: torch.Tensor | None = None
        self.push: torch.Tensor | None = None
        """What is added to the vectors while it stands; where none does, their gradient is kept in `read`."""

    @property
    def active(self) -> bool:
        return bool(self.spec.size)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        if not (self.active and self.training):
            return x_BTD
        if self.push is not None:
            return x_BTD + self.push
        self.read = x_BTD if x_BTD.requires_grad else x_BTD.requires_grad_()
        self.read.retain_grad()
        return self.read


class Candidates(Noise):
    def forward(self, targets_N: torch.Tensor, frequencies_V: torch.Tensor) -> sampled.Candidates:
        return sampled.draw(targets_N, frequencies_V, self.spec.draws, self.generator)


BLOCKS: dict[type, type[Block]] = {
    blocks.Embedding: Embedding,
    blocks.Recurrent: Recurrent,
    blocks.Pool: Pool,
    blocks.Dense: Dense,
    blocks.Head: Head,
    blocks.Hidden: Hidden,
    blocks.Dropout: Dropout,
    blocks.LockedDropout: LockedDropout,
    blocks.WordDropout: WordDropout,
    blocks.Adversary: Adversary,
    blocks.Candidates: Candidates,
}
