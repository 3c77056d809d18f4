"""One step of one sequence, token in, state carried: our session beside ONNX Runtime, torch and Keras: a table.

Every contestant looks the token up in an embedding (ours in the table of projected tokens) and runs one layer. The call
from Python is in the time. ONNX Runtime is shown at the better of `run` and bound inputs and outputs.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
import torch
from layers import GATES, Keras, today
from onnx import TensorProto, helper, numpy_helper

from anaphora.cells import CELLS
from anaphora.runtime.session import Session

V = 200
SHAPES = {"H128": (64, 128), "H199": (300, 199), "H512": (256, 512)}
Step = Callable[[int], Any]


def weights_of(cell: str, D: int, H: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    own = {name: parameter.shape for name, parameter in CELLS[cell]().parameters(D, H).items()}
    arrays = {name: (rng.standard_normal(shape) / H**0.5).astype(np.float32) for name, shape in own.items()}
    return arrays | {"embedding": rng.standard_normal((V, D)).astype(np.float32)}


def ours(cell: str, weights: dict[str, np.ndarray], precision: str) -> Step:
    return Session(CELLS[cell](), [weights], 1, precision, weights["embedding"]).step


def by_torch(cell: str, weights: dict[str, np.ndarray]) -> Step:
    D, H = weights["weight_ih"].shape[1], weights["weight_hh"].shape[1]
    layer = getattr(torch.nn, cell.upper())(D, H)
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(layer, f"{name}_l0").copy_(torch.from_numpy(weights[name]))
    embedding = torch.from_numpy(weights["embedding"])
    state: Any = None

    def step(token: int) -> Any:
        nonlocal state
        with torch.inference_mode():
            y, state = layer(embedding[token].view(1, 1, D), state)
        return y

    return step


def onnx_sessions(cell: str, weights: dict[str, np.ndarray]) -> list[Step]:
    H, order = weights["weight_hh"].shape[1], GATES[cell]

    def blocks(name: str) -> np.ndarray:
        return np.concatenate([weights[name].reshape(len(order), H, -1)[k] for k in order])[None]

    bias = np.concatenate([blocks("bias_ih")[..., 0], blocks("bias_hh")[..., 0]], 1)
    arrays = {"E": weights["embedding"], "W": blocks("weight_ih"), "R": blocks("weight_hh"), "B": bias}
    names = ["h", "c"][: 2 if cell == "lstm" else 1]
    ends = [f"{name}_n" for name in names]
    options = {"linear_before_reset": 1} if cell == "gru" else {}
    nodes = [
        helper.make_node("Gather", ["E", "token"], ["x"]),
        helper.make_node(cell.upper(), ["x", "W", "R", "B", "", *names], ["", *ends], hidden_size=H, **options),
    ]
    token = helper.make_tensor_value_info("token", TensorProto.INT64, [1, 1])
    states = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, H]) for name in names]
    after = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, H]) for name in ends]
    initial = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "step", [token, *states], after, initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    ids = np.zeros((1, 1), np.int64)
    given = {"token": ids} | {name: np.zeros((1, 1, H), np.float32) for name in names}

    def run(number: int) -> Any:
        ids[0, 0] = number
        found = session.run(ends, given)
        given.update(zip(names, found, strict=True))
        return found[0]

    bound_ids = onnxruntime.OrtValue.ortvalue_from_numpy(ids)
    room = [[onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, 1, H), np.float32)) for _ in names] for _ in "ab"]
    bindings = []
    for before, later in ((0, 1), (1, 0)):
        binding = session.io_binding()
        binding.bind_ortvalue_input("token", bound_ids)
        for name, end, own, other in zip(names, ends, room[before], room[later], strict=True):
            binding.bind_ortvalue_input(name, own)
            binding.bind_ortvalue_output(end, other)
        bindings.append(binding)

    def run_bound(number: int) -> Any:
        ids[0, 0] = number
        bound_ids.update_inplace(ids)
        session.run_with_iobinding(bindings[0])
        bindings.reverse()

    return [run, run_bound]


def timed(step: Step, steps: int) -> np.ndarray:
    """Microseconds of each of many steps, after some that are not counted."""
    for _ in range(200):
        step(7)
    taken = np.empty(steps)
    for place in range(steps):
        began = time.perf_counter_ns()
        step(7)
        taken[place] = (time.perf_counter_ns() - began) / 1e3
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", type=Path, help="the environment that setup_peers.py made")
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)  # a step is too small for more
    keras = Keras(given.keras) if given.keras else None
    print(f"{today()} One thread. Microseconds, medians of {given.repeats} turns of {given.steps} steps.\n")
    columns = ("ours", "p99", "ONNX Runtime", "torch", "Keras predict", "over ORT", "over torch", "over Keras")
    print("| cell | | precision | " + " | ".join(columns) + " |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for cell in ("lstm", "gru", "rnn"):
        for name, (D, H) in SHAPES.items():
            weights = weights_of(cell, D, H)
            precisions = ("float32", "bfloat16", "int8")
            contestants = {precision: ours(cell, weights, precision) for precision in precisions}
            contestants |= {"run": onnx_sessions(cell, weights)[0], "bound": onnx_sessions(cell, weights)[1]}
            contestants["torch"] = by_torch(cell, weights)
            taken: dict[str, list[np.ndarray]] = {who: [] for who in contestants}
            for _ in range(given.repeats):
                for who, step in contestants.items():
                    taken[who].append(timed(step, given.steps))
            middle = {who: median(float(np.median(turn)) for turn in turns) for who, turns in taken.items()}
            onnx = min(middle["run"], middle["bound"])
            theirs = keras and 1e6 * median(keras.seconds(f"1 1 {D} {H} 1 {cell} predict") for _ in range(9))
            for precision in precisions:
                own = middle[precision]
                p99 = median(float(np.percentile(turn, 99)) for turn in taken[precision])
                last = ("", "") if theirs is None else (f"{theirs:,.0f}", f"{theirs / own:,.0f}")
                print(
                    f"| {cell} | {name} | {precision} | {own:.2f} | {p99:.2f} | {onnx:.1f} | {middle['torch']:.1f} | "
                    f"{last[0]} | {onnx / own:.1f} | {middle['torch'] / own:.0f} | {last[1]} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
