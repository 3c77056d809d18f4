"""Who remembers for how long, and why: the adding problem (Hochreiter & Schmidhuber 1997, section 5.4).

A sequence holds random numbers, and beside each a mark. Two are marked, one in the first half, one in the second; the
answer is their sum. Whoever remembers nothing answers 1, with a mean squared error of 1/6. The plain RNN, the LSTM and
the GRU learn it at lags of 10, 50, 200 and 500 steps.

The picture shows why they differ: how strongly the last state depends on an input, against how far back it is. In the
plain RNN that gradient shrinks by a factor at each step (Bengio, Simard & Frasconi 1994); what the LSTM's cell and the
GRU's state carry on is added to, and keeps it.

    python examples/long_memory.py
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

import anaphora.nn
from anaphora import SequenceRegressor

CELLS = ("rnn", "lstm", "gru")
SOLVED = 0.01
"""Mean squared error below which the problem counts as solved."""
LAYERS: dict[str, Any] = {"rnn": anaphora.nn.RNN, "lstm": anaphora.nn.LSTM, "gru": anaphora.nn.GRU}


def adding(rows: int, lag: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sequences `[N, lag, 2]` and their sums `[N]`."""
    rng = np.random.default_rng(seed)
    x_NT2 = np.zeros((rows, lag, 2))
    x_NT2[:, :, 0] = rng.random((rows, lag))
    first, second = rng.integers(0, lag // 2, rows), rng.integers(lag // 2, lag, rows)
    every = np.arange(rows)
    x_NT2[every, first, 1] = x_NT2[every, second, 1] = 1
    return x_NT2, x_NT2[every, first, 0] + x_NT2[every, second, 0]


def gradients(model: SequenceRegressor, cell: str, lag: int) -> NDArray[np.float64]:
    """The mean norm of the last state's gradient by the input, at each distance from the end, `[lag]`."""
    x_NT2, _ = adding(64, lag, seed=2)
    arrays = model.bundle_.arrays
    own = {name.removeprefix("encoder."): array for name, array in arrays.items() if name.startswith("encoder.")}
    layer = LAYERS[cell](2, model.bundle_.task.options.hidden_size, batch_first=True)
    layer.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in own.items()})
    x = torch.from_numpy(x_NT2).float().requires_grad_()
    layer(x)[0][:, -1].sum().backward()
    assert x.grad is not None
    return x.grad.norm(dim=2).mean(0).flip(0).double().numpy()


def main(
    lags: Sequence[int] = (10, 50, 200, 500),
    cells: Sequence[str] = CELLS,
    rows: int = 10_000,
    epochs: int = 30,
    picture: Path | None = Path("long_memory.svg"),
) -> tuple[dict[tuple[str, int], float], dict[str, NDArray[np.float64]]]:
    """Mean squared errors on new sequences by cell and lag, and the gradients at the longest lag by cell."""
    errors: dict[tuple[str, int], float] = {}
    reach: dict[str, NDArray[np.float64]] = {}
    for lag in lags:
        (x, y), (x_new, y_new) = adding(rows, lag, seed=0), adding(1_000, lag, seed=1)
        for cell in cells:
            began = time.perf_counter()
            model = SequenceRegressor(cell=cell, hidden_size=64, epochs=epochs, batch_size=50, patience=epochs).fit(
                x, y
            )
            errors[cell, lag] = float(np.mean((model.predict(x_new) - y_new) ** 2))
            reach[cell] = gradients(model, cell, lag)
            said = "solved" if errors[cell, lag] < SOLVED else "not solved"
            print(
                f"lag {lag:>3}, {cell:>4}: {errors[cell, lag]:.4f}, {said}, {time.perf_counter() - began:.0f} s",
                flush=True,
            )
    if picture:
        draw(reach, picture)
    return errors, reach


def draw(reach: dict[str, NDArray[np.float64]], picture: Path) -> None:
    figure = Figure((6.4, 3.6), layout="constrained")
    axes = figure.add_subplot(xlabel="steps back", ylabel="norm of the gradient", yscale="log")
    for cell, norms in reach.items():
        axes.plot(np.maximum(norms, 1e-30), label=cell)
    axes.legend(frameon=False)
    figure.savefig(picture)
    print(f"The picture is in {picture}")


if __name__ == "__main__":
    main()
