"""One text, one whole process: `anaphora predict` beside the same model in torch, seconds and memory.

`--python` names the interpreter of an environment with the base install; torch runs in this one. Both read the same
model folder: torch its safetensors and tokenizer, into the same layers. The model is one that `anaphora train classify`
made with its default network.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

TORCH = """
import json, sys
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
folder, text = sys.argv[1:]
arrays = load_file(f"{folder}/model.safetensors")
ids = Tokenizer.from_file(f"{folder}/tokenizer.json").encode(text).ids
D, H = arrays["embedding.weight"].shape[1], arrays["encoder.weight_hh_l0"].shape[1]
encoder = torch.nn.LSTM(D, H, batch_first=True, bidirectional=True)
encoder.load_state_dict({name.removeprefix("encoder."): w for name, w in arrays.items() if name.startswith("encoder.")})
with torch.inference_mode():
    y, _ = encoder(arrays["embedding.weight"][torch.tensor([ids])])
    features = torch.cat([y.mean(1), y.amax(1)], -1)
    print((features @ arrays["head.weight"].T + arrays["head.bias"]).softmax(-1).max().item())
"""


def run(command: list[str]) -> tuple[float, float]:
    """Seconds, and the largest resident memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--text", default="a film that nobody should miss")
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    ours = [str(given.python.with_name("anaphora")), "predict", str(given.model), given.text]
    theirs = [sys.executable, "-c", TORCH, str(given.model), given.text]
    taken: dict[str, list[tuple[float, float]]] = {"anaphora": [], "torch": []}
    for _ in range(given.repeats):
        taken["anaphora"].append(run(ours))
        taken["torch"].append(run(theirs))
    print("| | seconds | MB |\n|---|---|---|")
    for name, runs in taken.items():
        print(f"| {name} | {median(s for s, _ in runs):.3f} | {median(mb for _, mb in runs):.0f} |")


if __name__ == "__main__":
    main()
