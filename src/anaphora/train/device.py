"""Batches of NumPy arrays, as tensors where the network is."""

from typing import Any

import torch
from numpy.typing import NDArray

from anaphora.data.batch import Batch, Carry


def to_device(batch: Batch, device: torch.device) -> Batch:
    def there(array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(device)

    carry = batch.carry and Carry(there(batch.carry.enters_R), there(batch.carry.leaves_S))
    return Batch(tuple(map(there, batch.inputs)), None if batch.targets is None else there(batch.targets), carry)
