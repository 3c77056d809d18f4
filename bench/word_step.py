"""A training step of a word language model (V 10,000, two LSTM layers of 650, 20 rows of 35 words) beside torch's.

Ours in `auto` and in float32; torch's (`nn.Embedding`, `nn.LSTM`, `nn.Linear`, cross-entropy) in float32 and under
bfloat16 autocast. The same optimizer (fused AdamW) and the same clipping of gradients, no dropout. Peak memory is that
of a process of its own for each contestant: of all of it, and of what the step takes.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from layers import today
from torch import nn
from torch.nn import functional

from anaphora.net.build import Backend, build, draw
from anaphora.tasks.language import network as language
from anaphora.tasks.language.task import LanguageConfig
from anaphora.train import blocks
from anaphora.train.optim import clip, make_optimizer

V, H, LAYERS = 10_000, 650, 2
CONTESTANTS = ("ours, auto", "ours, float32", "torch, bfloat16", "torch, float32")
Step = Callable[[], float]


class Peer(nn.Module):
    def __init__(self, tied: bool) -> None:
        super().__init__()
        self.embedding, self.lstm = nn.Embedding(V, H), nn.LSTM(H, H, LAYERS, batch_first=True)
        self.head = nn.Linear(H, V)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, ids_BT: torch.Tensor, state: Any) -> Any:
        y_BTH, state = self.lstm(self.embedding(ids_BT), state)
        return self.head(y_BTH), state


def step_of(who: str, tied: bool, B: int, T: int) -> Step:
    torch.manual_seed(0)
    ids = torch.randint(0, V, (B, T + 1))
    options = LanguageConfig(
        level="word",
        tied=tied,
        hidden_size=H,
        embedding_size=H,
        dropout=0.0,
        layer_dropout=0.0,
        locked_dropout=0.0,
        weight_drop=0.0,
    ).resolved(1)
    ours, half = who.startswith("ours"), who.endswith("bfloat16")
    net: Any
    if ours:
        spec = language.spec(options, vocabulary=V, unknown=0)
        net = build(language, spec, Backend(blocks, who.split(", ")[1]), draw(spec, 0))
        net.train()
        states = net.zeros(net.encoder.spec.state_shape(B))
    else:
        net = Peer(tied)
        states = tuple(torch.zeros(LAYERS, B, H) for _ in range(2))
    optimizer = make_optimizer(net, options)
    lengths = torch.full((B,), T)

    def step() -> float:
        nonlocal states
        if ours:
            features, after = net(ids[:, :-1], lengths, states)
            loss = net.next_token_loss(features, lengths, ids[:, 1:].flatten(), language.head(net))
        else:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                scores, after = net(ids[:, :-1], states)
            loss = functional.cross_entropy(scores.flatten(0, 1).float(), ids[:, 1:].flatten())
        loss.backward()
        clip(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        states = tuple(array.detach() for array in after)
        return float(loss.item())

    return step


def peak(who: str, tied: bool, B: int, T: int, found: Any) -> None:
    """Megabytes of a whole process, and those that a step takes: beyond what the process held before the first one, and
    without the two means that AdamW keeps of each weight.
    """
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # a process begins with its parent's peak
    step = step_of(who, tied, B, T)
    before = resident("VmRSS")
    step()
    step()
    means = 8 / 2**20 * (V * H * (2 - tied) + V + LAYERS * (8 * H * H + 8 * H))
    found.put((resident("VmHWM"), resident("VmHWM") - before - means))


def resident(what: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{what}:")[1].split()[0]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    print(f"{today()} Milliseconds, medians of {given.repeats} turns; {torch.get_num_threads()} threads.\n")
    print("| work | | ms | over torch's best | whole process MB | the step's own MB |")
    print("|---|---|---|---|---|---|")
    for tied, B, T in ((True, 20, 35), (False, 20, 35), (True, 64, 70)):
        steps = {who: step_of(who, tied, B, T) for who in CONTESTANTS}
        taken: dict[str, list[float]] = {who: [] for who in steps}
        for turn in range(given.repeats + 2):
            for who, step in steps.items():
                began = time.perf_counter()
                step()
                if turn > 1:
                    taken[who].append(1e3 * (time.perf_counter() - began))
        del steps
        middle = {who: median(turns) for who, turns in taken.items()}
        best = min(middle["torch, bfloat16"], middle["torch, float32"])
        for who in CONTESTANTS:
            context = multiprocessing.get_context("spawn")
            found = context.Queue()
            process = context.Process(target=peak, args=(who, tied, B, T, found))
            process.start()
            whole, own = found.get()
            process.join()
            work = f"B{B} T{T} {'tied' if tied else 'not tied'}"
            print(
                f"| {work} | {who} | {middle[who]:.0f} | {best / middle[who]:.2f} | {whole:.0f} | {own:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
