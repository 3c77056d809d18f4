"""Recurrent layers beside torch in float32 and bfloat16, ONNX Runtime, and Keras on TensorFlow: a Markdown table."""

import argparse
import os
import platform
import resource
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anaphora import _native
from anaphora.cli.benchmark import CELLS, SHAPES, Row, geometric_means, measure, peak

GATES = {"lstm": [0, 3, 1, 2], "gru": [1, 0, 2], "rnn": [0]}
"""ONNX's order of the gates, as places in torch's: i o f c, z r n."""


class Keras:
    """A worker in another environment that answers with the seconds of one call."""

    def __init__(self, folder: Path) -> None:
        worker = Path(__file__).with_name("keras_worker.py")
        command = [str(folder / "bin" / "python"), str(worker)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def seconds(self, line: str) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def onnx_runtime(name: str, cell: str, threads: int) -> Callable[[], Any]:
    """The same stack as an ONNX graph."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    shape = SHAPES[name]
    rng = np.random.default_rng(0)
    nodes, initial, source = [], [], "x"
    for layer in range(shape.layers):
        D, gates = shape.H if layer else shape.D, len(GATES[cell])
        sizes = {"W": (1, gates * shape.H, D), "R": (1, gates * shape.H, shape.H), "B": (1, 2 * gates * shape.H)}
        for key, size in sizes.items():
            array = (rng.standard_normal(size) / shape.H**0.5).astype(np.float32)
            initial.append(numpy_helper.from_array(array, f"{key}{layer}"))
        options = {"linear_before_reset": 1} if cell == "gru" else {}
        inputs = [source, f"W{layer}", f"R{layer}", f"B{layer}"]
        nodes.append(helper.make_node(cell.upper(), inputs, [f"y{layer}"], hidden_size=shape.H, **options))
        nodes.append(helper.make_node("Squeeze", [f"y{layer}", "axis"], [f"z{layer}"]))
        source = f"z{layer}"
    initial.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [shape.T, shape.B, shape.D])
    y = helper.make_tensor_value_info(source, TensorProto.FLOAT, [shape.T, shape.B, shape.H])
    graph = helper.make_graph(nodes, "layers", [x], [y], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    given = {"x": rng.standard_normal((shape.T, shape.B, shape.D)).astype(np.float32)}
    return lambda: session.run(None, given)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", type=Path, help="the environment that setup_peers.py made")
    parser.add_argument("--no-onnx", action="store_true")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--shape", action="append", choices=SHAPES)
    parser.add_argument("--cell", action="append", choices=CELLS)
    given = parser.parse_args()
    threads = torch.get_num_threads()
    keras = Keras(given.keras) if given.keras else None

    def others(name: str, cell: str, training: bool) -> dict[str, Callable[[], Any]]:
        found: dict[str, Callable[[], Any]] = {}
        shape = SHAPES[name]
        if keras:
            kind = "train" if training else "infer"
            line = f"{shape.B} {shape.T} {shape.D} {shape.H} {shape.layers} {cell} {kind}"
            found["Keras"] = lambda: keras.seconds(line)
        if not training and not given.no_onnx:
            found["ONNX Runtime"] = onnx_runtime(name, cell, threads)
        return found

    rows = list(measure(tuple(given.shape or SHAPES), tuple(given.cell or CELLS), given.repeats, others))
    print_table(rows, threads)


def today() -> str:
    """When, on what and of what commit a table is."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    what = f"{_native.isas()[0]}, torch {torch.__version__}, commit {commit.stdout.strip()}"
    return f"{date.today()}, {processor()}, {what}."


def print_table(rows: list[Row], threads: int) -> None:
    top, plain = peak(torch.bfloat16), peak()
    print(f"{today()} {threads} threads.")
    print(f"A large product of torch's: {plain:.0f} GFLOP/s, in bfloat16 {top:.0f} (the peak).")
    print("Milliseconds, medians; GFLOP/s of ours under auto.\n")
    names = list(dict.fromkeys(name for row in rows for name in row.seconds))
    print("| work | cell | | " + " | ".join(names) + " | GFLOP/s | of peak | float32 | auto |")
    print("|---|---|---|" + "---|" * (len(names) + 4))
    for row in rows:
        times = [f"{1000 * row.seconds[name]:.1f}" if name in row.seconds else "" for name in names]
        ratios = [f"{row.ratio(half):.2f}" for half in (False, True)]
        gflops = row.gflop / row.ours(half=True)
        cells = [row.shape, row.cell, row.work, *times, f"{gflops:.0f}", f"{gflops / top:.0%}", *ratios]
        print("| " + " | ".join(cells) + " |")
    print()
    half = geometric_means(rows, half=True)
    for (cell, work), mean in geometric_means(rows, half=False).items():
        print(f"- {cell} {work}: geometric mean {mean:.2f} in float32, {half[cell, work]:.2f} under auto")
    print(f"\nPeak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB.")


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({os.cpu_count()} cores)" if names else platform.processor()


if __name__ == "__main__":
    main()
