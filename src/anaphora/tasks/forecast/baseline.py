"""What a forecaster must beat: the last value, the value a season before, and a linear autoregression.

The autoregression reads what the network reads of the past, each window levelled and scaled alike, and the covariates;
it is fitted on the windows that the network learns from.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anaphora import arrays
from anaphora.tasks.forecast.windows import Origins
from anaphora.errors import BundleError
from anaphora.tasks.forecast.task import Forecast
from anaphora.tasks.forecast.autoregression import Autoregression

FACTS, ARRAYS = "baseline.json", "linear.safetensors"


@dataclass(frozen=True)
class Baselines:
    """All three. `errors` are the mean absolute errors of the seasonal naive forecast within each training series, by
    which MASE measures (Hyndman & Koehler 2006).
    """

    linear: Autoregression
    errors: Mapping[str, float]

    def answers(self, windows: Origins, task: Forecast) -> dict[str, NDArray[np.float64]]:
        """What each says of some windows, in the values' unit, `[N, h]`."""
        found: dict[str, list[NDArray[np.float64]]] = {"last": [], "seasonal": [], "linear": []}
        season, horizon = task.options.season, windows.shape.horizon
        for chosen in windows.in_order():
            values, _, first_B1, (mean_B1, deviation_B1) = windows.of(chosen)
            back = np.arange(horizon) % season - season
            found["last"].append(mean_B1 + deviation_B1 * values[first_B1 + np.full(horizon, -1)])
            found["seasonal"].append(mean_B1 + deviation_B1 * values[first_B1 + back])
            found["linear"].append(self.linear.answer(windows.view(chosen)))
        return {name: task.values(np.concatenate(parts)) for name, parts in found.items()}

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
