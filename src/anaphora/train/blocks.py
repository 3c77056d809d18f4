"""The blocks in torch, for training."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from anaphora.cells.cell import State
from anaphora.engine import stack
from anaphora.engine import torch as engine
from anaphora.engine.pool import pool
from anaphora.engine.ragged import flat
from anaphora.net import blocks
from anaphora.net import losses as net_losses
from anaphora.train import losses
from anaphora.train.net import Block, Net, Noise
from anaphora.train.sparse_adam import HAVE_SPARSE

__all__ = ["BLOCKS", "TASK_BLOCKS", "Net"]


class Embedding(Block):
    def __init__(self, spec: blocks.Embedding, weights: Mapping[str, NDArray[np.float32]]) -> None:
        super().__init__(spec, weights)
        self.requires_grad_(not spec.frozen)

    def forward(self, ids_BT: torch.Tensor) -> torch.Tensor:
        weight = self.weights["weight"]
        sparse = self.spec.sparse and weight.device.type in HAVE_SPARSE
        return functional.embedding(ids_BT, weight, sparse=sparse)


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
        recurrent = self.spec.cell.recurrent_weights
        dropped = {name: self.weight_drop(w) for name, w in weights.items() if name.startswith(recurrent)}
        return stack.run(
            self.scan,
            self.spec.cell,
            stack.directions({**weights, **dropped}, self.spec.layers, self.spec.bidirectional),
            x_BTD,
            lengths_B,
            state,
            between=self.between,
            ends=state is not None,  # training code that passes no initial state never reads the final one
        )


class Pool(Block):
    def forward(self, y_BTH: torch.Tensor, lengths_B: torch.Tensor) -> Any:
        return pool(self.spec.kind, y_BTH, lengths_B, self.weights, self.spec.bidirectional)


class Dense(Block):
    def forward(self, x: torch.Tensor, lengths_B: torch.Tensor | None = None) -> torch.Tensor:
        x = x if lengths_B is None else flat(x, lengths_B)
        return functional.linear(x, self.weights["weight"], self.weights["bias"])


class Head(Block):
    """Only holds the weights: the loss multiplies."""


class Hidden(Block):
    def forward(self, x_BD: torch.Tensor) -> torch.Tensor:
        weights = self.weights
        for index in range(len(self.spec.widths)):
            x_BD = functional.relu(functional.linear(x_BD, weights[f"weight_{index}"], weights[f"bias_{index}"]))
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


TASK_BLOCKS = "torch_class"
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
    net_losses.CrossEntropy: losses.CrossEntropy,
    net_losses.SquaredError: losses.SquaredError,
    net_losses.Quantiles: losses.Quantiles,
    net_losses.NextToken: losses.NextToken,
}
