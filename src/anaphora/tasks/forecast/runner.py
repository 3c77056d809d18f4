"""From windows of series to quantiles of their next values, in NumPy."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anaphora.runtime.networks import networks
from anaphora.tasks.forecast.task import MEDIAN, Forecast
from anaphora.tasks.forecast.windows import WindowBatch, WindowDataset


class ForecastRunner:
    """A forecaster's task and its network, or an ensemble, ready to run. It is immutable."""

    def __init__(
        self,
        task: Forecast,
        arrays: Mapping[str, NDArray[np.float32]],
        members: int = 1,
        precision: str = "float32",
    ) -> None:
        self.task = task
        self.nets = networks(task, arrays, members, precision)

    def answers(self, windows: WindowDataset) -> NDArray[np.float64]:
        """Mean and quantiles of every step, in the values' unit, `[N, h, 1 + levels]`."""
        return self.task.values(self.transformed(windows))

    def transformed(self, windows: WindowDataset) -> NDArray[np.float64]:
        """The same before `task.values`: logarithms, where the task takes them."""
        batches = (windows.take(chosen) for chosen in windows.in_order())
        return np.concatenate([self._with_margins(self._decoded(batch), batch) for batch in batches])

    def _decoded(self, batch: WindowBatch) -> NDArray[np.float64]:
        inputs = batch.inputs()
        answers = [net.loss.decode(net(*inputs)[0]) for net in self.nets]
        return answers[0] if len(answers) == 1 else np.mean(answers, axis=0)

    def _with_margins(self, answers_BhC: NDArray[np.float64], batch: WindowBatch) -> NDArray[np.float64]:
        """The answers with the task's margins added to their quantiles; no quantile crosses the median."""
        if any(self.task.margins):
            levels = np.array(self.task.options.quantiles)
            median_Bh1 = answers_BhC[:, :, 1:][:, :, levels == MEDIAN]
            moved_BhQ = answers_BhC[:, :, 1:] + (batch.deviation_B1 * batch.unit)[:, :, None] * self.task.margins
            moved_BhQ = np.where(levels < MEDIAN, np.minimum(moved_BhQ, median_Bh1), np.maximum(moved_BhQ, median_Bh1))
            answers_BhC[:, :, 1:] = np.sort(moved_BhQ, axis=-1)
        return answers_BhC
