"""The baselines of a forecaster: the last value, the value a season before, and a linear autoregression.

The autoregression reads the same normalised past as the network, and the covariates; it is fitted on the windows that
the network is trained on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anaphora import arrays
from anaphora.errors import BundleError
from anaphora.tasks.forecast.autoregression import Autoregression
from anaphora.tasks.forecast.task import Forecast
from anaphora.tasks.forecast.windows import WindowDataset

FACTS, ARRAYS = "baseline.json", "linear.safetensors"


@dataclass(frozen=True)
class Baselines:
    """All three baselines. `errors` are the mean absolute errors of the seasonal naive forecast within each training
    series, the unit of MASE (Hyndman & Koehler 2006).
    """

    linear: Autoregression
    errors: Mapping[str, float]

    def answers(self, windows: WindowDataset, task: Forecast) -> dict[str, NDArray[np.float64]]:
        """The answers of each, in the values' unit, `[N, h]`."""
        parts: dict[str, list[NDArray[np.float64]]] = {"last": [], "seasonal": [], "linear": []}
        season, horizon = task.options.season, windows.shape.horizon
        for chosen in windows.in_order():
            values, _, first_B1, (mean_B1, deviation_B1) = windows.locate(chosen)
            back = np.arange(horizon) % season - season
            parts["last"].append(mean_B1 + deviation_B1 * values[first_B1 + np.full(horizon, -1)])
            parts["seasonal"].append(mean_B1 + deviation_B1 * values[first_B1 + back])
            parts["linear"].append(self.linear.answer(windows.take(chosen)))
        return {name: task.values(np.concatenate(answers)) for name, answers in parts.items()}

    def to_files(self) -> dict[str, bytes]:
        """The contents of a bundle's `baseline/`."""
        facts = {"linear": "ridge regression", "strength": self.linear.strength, "errors": dict(self.errors)}
        return {
            FACTS: json.dumps(facts, indent=2, ensure_ascii=False).encode(),
            ARRAYS: arrays.to_bytes({"weights": self.linear.weights_Dh}),
        }

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], task: Forecast) -> Self:
        """The baselines of a bundle. Raises BundleError where they are missing or damaged."""
        try:
            facts = json.loads(files[FACTS])
            weights = np.asarray(arrays.from_bytes(files[ARRAYS])["weights"], np.float64)
            if weights.ndim != 2 or weights.shape[1] != task.options.horizon:
                raise ValueError(f"weights of shape {weights.shape}")
            errors = {str(name): float(error) for name, error in facts["errors"].items()}
            return cls(Autoregression(weights, float(facts["strength"])), errors)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleError(f"the model's baseline/ is damaged: {type(error).__name__}: {error}") from error
