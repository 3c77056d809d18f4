"""One training epoch over texts of uneven length: ours, torch's PackedSequence, torch bucketed and padded.

A bidirectional LSTM classifier (embedding 128, H 128, mean and max over each row's own places), batches of 64. The
lengths are log-normal with IMDb's median of 174 and mean of 231 words, cut at 400. Ours and the bucketed peer get
batches of like lengths, PackedSequence too: the packing itself is its price.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import anaphora.nn
from anaphora.cli.benchmark import in_turn
from anaphora.engine.pool import pool

VOCABULARY, D, H, BATCH = 20_000, 128, 128, 64


def batches(rows: int, bucketed: bool, seed: int = 0) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.lognormal(np.log(174), 0.75, rows), 10, 400).astype(np.int64)
    lengths = np.sort(lengths) if bucketed else lengths
    made = []
    for first in range(0, rows, BATCH):
        own = torch.from_numpy(lengths[first : first + BATCH])
        ids = torch.randint(0, VOCABULARY, (len(own), int(own.max())))
        made.append((ids, own, torch.randint(0, 2, (len(own),))))
    rng.shuffle(made)
    return made


class Classifier(nn.Module):
    """`read(rnn, x, lengths)` runs the recurrent layer."""

    def __init__(self, kind: type, read: Callable[..., torch.Tensor], **options: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(VOCABULARY, D)
        self.rnn = kind(D, H, batch_first=True, bidirectional=True, **options)
        self.head = nn.Linear(4 * H, 2)
        self.read = read

    def forward(self, ids: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        y = self.read(self.rnn, self.embedding(ids), lengths)
        return self.head(pool("mean+max", y, lengths, {}, True))


def packed(rnn: nn.Module, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    y, _ = rnn(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
    return pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])[0]


def padded(rnn: nn.Module, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    return rnn(x)[0]  # quick and not right: the reverse direction reads the padding first


def ours(rnn: nn.Module, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
    return rnn(x, lengths=lengths)[0]


def epoch(model: nn.Module, data: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)

    def run() -> None:
        for ids, lengths, targets in data:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(ids, lengths), targets).backward()
            optimizer.step()

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    names = ("float32", "auto", "PackedSequence", "padded", "over packed", "over padded", "auto over packed", "padded")
    print("| batches | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for bucketed in (True, False):
        data = batches(given.rows, bucketed)
        contestants = {
            "ours": epoch(Classifier(anaphora.nn.LSTM, ours), data),
            "auto": epoch(Classifier(anaphora.nn.LSTM, ours, precision="auto"), data),
            "packed": epoch(Classifier(nn.LSTM, packed), data),
            "padded": epoch(Classifier(nn.LSTM, padded), data),
        }
        taken = in_turn(contestants, given.repeats)
        mine, half, theirs, short = (taken[name] for name in contestants)
        kind = "bucketed" if bucketed else "as they come"
        ratios = [other / own for own in (mine, half) for other in (theirs, short)]
        cells = [f"{value:.2f}" for value in (mine, half, theirs, short, *ratios)]
        print(f"| {kind} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
