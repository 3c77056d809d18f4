"""1,000 characters by a character model of two LSTM layers: our native loop beside loops over ONNX Runtime and torch.

All draw at temperature 0.8 from the same network, a character after another with the state carried. The peers' loops
are written as one would: a step, NumPy's softmax, `searchsorted` on a random number. ONNX Runtime is shown at the
better of `run` and bound inputs and outputs, torch in `inference_mode`.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import onnxruntime
import torch
from layers import GATES, today
from onnx import TensorProto, helper, numpy_helper

from anaphora.net.build import draw
from anaphora.tasks.language import network as language
from anaphora.tasks.language.generate import start
from anaphora.tasks.language.scorer import Scorer
from anaphora.tasks.language.task import Language, LanguageConfig
from anaphora.text.codec import Codec

CHARACTERS = [chr(code) for code in range(ord(" "), ord(" ") + 65)]
TEMPERATURE = 0.8
Write = Callable[[int], Any]
Weights = dict[str, np.ndarray]


def network(H: int, layers: int) -> tuple[Language, Weights]:
    options = LanguageConfig(hidden_size=H, layers=layers).resolved(1)
    codec = Codec.learn(["".join(CHARACTERS)], level="char", split="signs", vocab_size=100, min_count=1)
    task = Language(options, codec, closed=False)
    return task, draw(language.spec(options, vocabulary=codec.size, unknown=0), 0)


def ours(task: Language, arrays: Weights, precision: str) -> Write:
    reader = Scorer(task, arrays, precision)
    return lambda length: start(reader, "", 1).write(length, temperature=TEMPERATURE, seed=1)


def loop(step: Callable[[int], np.ndarray], reset: Callable[[], None]) -> Write:
    """The loop around a peer's step, which takes a token and gives the scores `[V]` of the next."""

    def write(length: int) -> list[int]:
        reset()
        rng, token, tokens = np.random.default_rng(1), 1, []
        for _ in range(length):
            scores = step(token) / TEMPERATURE
            weights = np.exp(scores - scores.max())
            weights[:2] = 0  # [UNK] and [END]
            sums = weights.cumsum()
            token = int(sums.searchsorted(rng.random() * sums[-1]))
            tokens.append(token)
        return tokens

    return write


def by_torch(arrays: Weights, H: int, layers: int) -> Write:
    embedding = torch.from_numpy(arrays["embedding.weight"])
    lstm = torch.nn.LSTM(embedding.shape[1], H, layers)
    lstm.load_state_dict({k.removeprefix("encoder."): torch.from_numpy(v) for k, v in arrays.items() if "encoder" in k})
    weight, bias = torch.from_numpy(arrays["head.weight"]), torch.from_numpy(arrays["head.bias"])
    state: Any = None

    def reset() -> None:
        nonlocal state
        state = None

    def step(token: int) -> np.ndarray:
        nonlocal state
        with torch.inference_mode():
            y, state = lstm(embedding[token].view(1, 1, -1), state)
            return torch.addmv(bias, weight, y.view(-1)).numpy()

    return loop(step, reset)


def by_onnx(arrays: Weights, H: int, layers: int) -> list[Write]:
    order, nodes, initial = GATES["lstm"], [], {"E": arrays["embedding.weight"], "V": arrays["head.weight"].T.copy()}
    initial["b"] = arrays["head.bias"]
    nodes.append(helper.make_node("Gather", ["E", "token"], ["y0"]))
    names = [f"{name}{layer}" for layer in range(layers) for name in "hc"]
    for layer in range(layers):
        blocks = {
            name: np.concatenate([arrays[f"encoder.{name}_l{layer}"].reshape(4, H, -1)[k] for k in order])[None]
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
        initial[f"W{layer}"], initial[f"R{layer}"] = blocks["weight_ih"], blocks["weight_hh"]
        initial[f"B{layer}"] = np.concatenate([blocks["bias_ih"][..., 0], blocks["bias_hh"][..., 0]], 1)
        inputs = [f"y{layer}", f"W{layer}", f"R{layer}", f"B{layer}", "", f"h{layer}", f"c{layer}"]
        outputs = [f"Y{layer}", f"h{layer}_n", f"c{layer}_n"]
        nodes.append(helper.make_node("LSTM", inputs, outputs, hidden_size=H))
        nodes.append(helper.make_node("Squeeze", [f"Y{layer}", "axes"], [f"y{layer + 1}"]))
    initial["axes"] = np.array([1])
    nodes.append(helper.make_node("MatMul", [f"y{layers}", "V"], ["product"]))
    nodes.append(helper.make_node("Add", ["product", "b"], ["scores"]))
    V = len(arrays["head.bias"])
    ends = [f"{name}_n" for name in names]
    graph = helper.make_graph(
        nodes,
        "step",
        [
            helper.make_tensor_value_info("token", TensorProto.INT64, [1, 1]),
            *(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, H]) for name in names),
        ],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 1, V]),
            *(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, H]) for name in ends),
        ],
        [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in initial.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
    ids = np.zeros((1, 1), np.int64)
    given: dict[str, np.ndarray] = {}

    def reset() -> None:
        given.update({"token": ids} | {name: np.zeros((1, 1, H), np.float32) for name in names})

    def step(token: int) -> np.ndarray:
        ids[0, 0] = token
        scores, *states = session.run(["scores", *ends], given)
        given.update(zip(names, states, strict=True))
        return scores[0, 0]

    bound_ids, bound_scores = (
        onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in (ids, np.zeros((1, 1, V), np.float32))
    )
    room = [[onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, 1, H), np.float32)) for _ in names] for _ in "ab"]
    bindings = []
    for before, later in ((0, 1), (1, 0)):
        binding = session.io_binding()
        binding.bind_ortvalue_input("token", bound_ids)
        binding.bind_ortvalue_output("scores", bound_scores)
        for name, end, own, other in zip(names, ends, room[before], room[later], strict=True):
            binding.bind_ortvalue_input(name, own)
            binding.bind_ortvalue_output(end, other)
        bindings.append(binding)

    def step_bound(token: int) -> np.ndarray:
        ids[0, 0] = token
        bound_ids.update_inplace(ids)
        session.run_with_iobinding(bindings[0])
        bindings.reverse()
        return bound_scores.numpy()[0, 0]

    def reset_bound() -> None:
        for values in room:
            for value in values:
                value.update_inplace(np.zeros((1, 1, H), np.float32))

    return [loop(step, reset), loop(step_bound, reset_bound)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--length", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    torch.set_num_threads(1)  # a step is too small for more
    print(f"{today()} Milliseconds for {given.length:,} characters, medians of {given.repeats} turns.\n")
    print("| layers | precision | ours | ONNX Runtime | torch | over ORT | over torch |")
    print("|---|---|---|---|---|---|---|")
    for layers, H in ((2, 512), (1, 128)):
        task, arrays = network(H, layers)
        precisions = ("float32", "bfloat16", "int8")
        contestants = {precision: ours(task, arrays, precision) for precision in precisions}
        contestants |= dict(zip(("run", "bound"), by_onnx(arrays, H, layers), strict=True))
        contestants["torch"] = by_torch(arrays, H, layers)
        taken: dict[str, list[float]] = {who: [] for who in contestants}
        for turn in range(given.repeats + 1):
            for who, write in contestants.items():
                began = time.perf_counter()
                write(given.length)
                if turn:  # the first prepares
                    taken[who].append(1e3 * (time.perf_counter() - began))
        middle = {who: median(turns) for who, turns in taken.items()}
        onnx = min(middle["run"], middle["bound"])
        for precision in precisions:
            own = middle[precision]
            print(
                f"| {layers} x {H} | {precision} | {own:.1f} | {onnx:.0f} | {middle['torch']:.0f} | "
                f"{onnx / own:.1f} | {middle['torch'] / own:.0f} |"
            )


if __name__ == "__main__":
    main()
