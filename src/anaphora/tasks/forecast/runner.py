"""From the windows of series to quantiles of what comes next, in NumPy."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anaphora.tasks.forecast.windows import Origins, View
from anaphora.runtime.networks import networks
from anaphora.tasks.forecast.task import MEDIAN, Forecast

PATHS = 100
"""Courses of a series that are drawn where each answer is read as the next one's past."""
AT_ONCE = 64


class Foreteller:
    """A forecaster and its network, or several networks, ready to run. Nothing in it changes."""

    def __init__(
        self,
        task: Forecast,
        arrays: Mapping[str, NDArray[np.float32]],
        members: int = 1,
        precision: str = "float32",
    ) -> None:
        self.task = task
        self.nets = networks(task, arrays, members, precision)

    def answers(self, windows: Origins) -> NDArray[np.float64]:
        """Mean and quantiles of the whole horizon, in the values' unit, `[N, h, 1 + levels]`."""
        return self.task.values(self.numbers(windows))

    def numbers(self, windows: Origins) -> NDArray[np.float64]:
        """The same, in the unit of the strands."""
        direct = self.task.options.strategy == "direct"
        size = len(windows) if direct else AT_ONCE
        found = []
        for chosen in windows.in_order():
            for first in range(0, len(chosen), size):
                view = windows.view(chosen[first : first + size])
                found.append(self._moved_apart(self._answers(view) if direct else self._drawn(view), view))
        return np.concatenate(found)

    def _moved_apart(self, found_BhC: NDArray[np.float64], view: View) -> NDArray[np.float64]:
        """The same answers with the task's margins added to their quantiles, none of which passes the median."""
        if any(self.task.margins):
            levels = np.array(self.task.options.quantiles)
            median_Bh1 = found_BhC[:, :, 1:][:, :, levels == MEDIAN]
            moved_BhQ = found_BhC[:, :, 1:] + (view.deviation_B1 * view.unit)[:, :, None] * self.task.margins
            moved_BhQ = np.where(levels < MEDIAN, np.minimum(moved_BhQ, median_Bh1), np.maximum(moved_BhQ, median_Bh1))
            found_BhC[:, :, 1:] = np.sort(moved_BhQ, axis=-1)
        return found_BhC

    def _answers(self, view: View) -> NDArray[np.float64]:
        inputs = view.inputs()
        answers = [self.task.decode(net, net(*inputs)[0]) for net in self.nets]
        return answers[0] if len(answers) == 1 else np.mean(answers, axis=0)

    def _drawn(self, view: View) -> NDArray[np.float64]:
        """Mean and quantiles over PATHS courses of each window, which are drawn a segment at a time from the quantiles
        that the course so far makes likely (the quantile function is linear between the levels, and beyond them).
        """
        shape, horizon, B = self.task.shape(), view.shape.horizon, len(view.past_BT)
        rng = np.random.default_rng(self.task.options.seed)
        paths = {
            name: np.repeat(getattr(view, name), PATHS, 0)
            for name in ("past_BT", "known_BLF", "known_BhF", "mean_B1", "deviation_B1")
        }
        drawn: NDArray[np.float64] = np.zeros((B * PATHS, 0))
        while drawn.shape[1] < horizon:
            at, room = drawn.shape[1], horizon - drawn.shape[1]
            known = paths["known_BhF"][:, at : at + shape.horizon]
            if room < shape.horizon:
                known = np.pad(known, ((0, 0), (0, shape.horizon - room), (0, 0)))
            here = View(shape, paths["past_BT"], paths["known_BLF"], known, paths["mean_B1"], paths["deviation_B1"])
            next_Rh = self._draw(self._answers(here)[:, :, 1:], rng, B)
            drawn = np.concatenate([drawn, next_Rh[:, :room]], 1)
            scaled = (next_Rh - paths["mean_B1"]) / paths["deviation_B1"]
            paths["past_BT"] = np.concatenate([paths["past_BT"], scaled], 1)[:, -shape.history :]
            paths["known_BLF"] = np.concatenate([paths["known_BLF"], known], 1)[:, -shape.lookback :]
        courses_BPh = drawn.reshape(B, PATHS, horizon)
        quantiles_QBh = np.quantile(courses_BPh, self.task.options.quantiles, axis=1)
        return np.moveaxis(np.concatenate([courses_BPh.mean(1)[None], quantiles_QBh]), 0, 2)

    def _draw(self, answers_RhQ: NDArray[np.float64], rng: np.random.Generator, windows: int) -> NDArray[np.float64]:
        """A course a row, `[R, h]`: each step's level is drawn from a stratum of its own among a window's paths."""
        levels = np.array(self.task.options.quantiles)
        R, h, Q = answers_RhQ.shape
        strata = rng.permuted(np.tile(np.arange(PATHS), (windows, h, 1)), axis=2).swapaxes(1, 2).reshape(R, h)
        at_Rh = (strata + rng.random((R, h))) / PATHS
        if Q == 1:
            return answers_RhQ[:, :, 0]
        low = np.clip(np.searchsorted(levels, at_Rh) - 1, 0, Q - 2)
        below, above = (np.take_along_axis(answers_RhQ, low[:, :, None] + more, 2)[:, :, 0] for more in (0, 1))
        share = (at_Rh - levels[low]) / (levels[low + 1] - levels[low])
        return below + share * (above - below)
