"""Rows for the parity tests: rows, targets, and the options of small networks."""

from typing import Any

import numpy as np

from anaphora.tasks.sequences.task import LabelsConfig, NumbersConfig

ROWS = [np.random.default_rng(length).standard_normal((length, 3)) for length in (3, 2, 0, 11, 1)]
SAMPLES: dict[str, Any] = {
    "numbers": (ROWS, [0.5, -1.0, 2.0, 3.0, 1.0], NumbersConfig, {}),
    "labels": (ROWS, ["a", "b", "a", "b", "a"], LabelsConfig, {}),
}
