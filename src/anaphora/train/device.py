"""Batches of NumPy arrays, as tensors where the network is."""

import torch

from anaphora.data.batch import Batch


def to_device(batch: Batch, device: torch.device) -> Batch:
    inputs = tuple(torch.from_numpy(array).to(device) for array in batch.inputs)
    return Batch(inputs, None if batch.targets is None else torch.from_numpy(batch.targets).to(device))
