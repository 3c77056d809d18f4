"""The task of forecasting: quantiles of the next values of series."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.config import option
from anaphora.data.numbers import moments
from anaphora.errors import DataError, OptionError, in_words
from anaphora.net.blocks import Spec
from anaphora.net.build import Arrays
from anaphora.task import EnsembleOptions
from anaphora.tasks.forecast import network, times
from anaphora.tasks.forecast.autoregression import Autoregression, validation_error
from anaphora.tasks.forecast.network import ForecasterOptions
from anaphora.tasks.forecast.series import Series
from anaphora.tasks.forecast.times import Step
from anaphora.tasks.forecast.windows import DIFFERENCES, ScaledSeries, WindowDataset, WindowShape, windows

MEDIAN = 0.5
SCALES = ("series", "window")
HORIZON_WITHOUT_SEASON = 10
MAX_SEASON_READ = 200
"""The lookback does not cover a longer season: the calendar features say where in it a step is."""
MANY_WINDOWS, MIN_WINDOWS_WIDE = 5_000, 20_000
"""Windows from which on batches are larger, and networks wider. The windows of one series overlap, so they hold less
information than as many rows.
"""
MIN_WINDOWS_CALENDAR = 20
"""With fewer windows, the error on the latest of them does not show whether a cycle helps."""
MIN_GAIN = 0.03
"""A cycle is read if it lowers the squared error by more than this share (docs/decisions.md)."""
MIN_CYCLES = 2
"""A cycle of the calendar that was seen less often cannot be learned."""


@dataclass(frozen=True)
class ForecastConfig(EnsembleOptions, ForecasterOptions):
    """Options of a forecaster."""

    REMOVED: ClassVar[Mapping[str, Any]] = {"strategy": "direct"}

    learning_rate: float = 1e-3
    horizon: int = option(None, "how many steps to forecast; by default one season, or 10", at_least=1, at_most=100_000)
    lookback: int = option(
        None, "how many past steps are read; by default two seasons, or twice the horizon", at_least=1
    )
    quantiles: tuple[float, ...] = option(
        (0.1, 0.25, 0.5, 0.75, 0.9),
        "the levels of the predicted quantiles; 0.5, the median, must be among them",
        at_least=0.001,
        below=1,
    )
    season: int = option(
        None,
        "steps after which the series repeats itself; by default the cycle of the calendar (day, week, year) that "
        "predicts the training part best",
        at_least=1,
    )
    difference: str = option(
        "last",
        "what is subtracted from a window's values and added back to the answers: its last value, the value a season "
        "before, or nothing",
        choices=DIFFERENCES,
    )
    scale: str = option(
        "series",
        "divide values by the standard deviation of their series in training, or also by the size of their window",
        choices=SCALES,
    )
    log: bool = option(
        False,
        "take logarithms first, for positive values that grow by percentages; the mean is then that of the logarithms",
    )
    calendar: bool = option(
        True,
        "read the position of a step in the day, the week and the year, where that helps a linear autoregression",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if list(self.quantiles) != sorted(set(self.quantiles)) or MEDIAN not in self.quantiles:
            raise OptionError(f"quantiles={self.quantiles}: rising levels are needed, {MEDIAN} among them")

    def defaults_for(self, rows: int) -> Mapping[str, Any]:
        many, wide, complete = rows >= MANY_WINDOWS, rows >= MIN_WINDOWS_WIDE, self.with_windows(self.season or 1)
        return {
            "epochs": 8 if many else 20,
            "batch_size": 256 if many else 32,
            "hidden_size": 128 if wide else 32,
            "dropout": 0.3 if wide else 0.5,
            **{name: getattr(complete, name) for name in ("season", "horizon", "lookback", "segment")},
        }

    def with_windows(self, season: int) -> Self:
        """These options with a season, and the sizes of windows. Raises OptionError where they do not fit together."""
        horizon = self.horizon or (season if season > 1 else HORIZON_WITHOUT_SEASON)
        covered = season if season <= MAX_SEASON_READ else 1
        lookback = self.lookback or max(2 * covered, 2 * horizon)
        segment = self.segment or (lookback // 4 if lookback >= 48 and lookback % 4 == 0 else 1)
        if lookback % segment:
            raise OptionError(
                f"lookback={lookback} is not a multiple of segment={segment}: change one of them, or leave out segment"
            )
        return replace(self, season=season, horizon=horizon, lookback=lookback, segment=segment)


@dataclass(frozen=True)
class Forecast:
    """A forecaster's task: complete options, the step, the cycles of the calendar that are read, mean and deviation of
    each series and of each covariate in the training part, and the margin of each quantile, in a window's unit.
    """

    options: ForecastConfig
    step: Step
    cycles: tuple[str, ...]
    scales: Mapping[str, tuple[float, float]]
    covariates: tuple[tuple[float, float], ...]
    margins: tuple[float, ...] = ()

    name: ClassVar[str] = "forecast"
    unit: ClassVar[str] = "windows"
    example: ClassVar[str] = "model.predict(values)"
    note: ClassVar[str] = ""
    Config: ClassVar = ForecastConfig
    card_scores: ClassVar[tuple[str, ...]] = ("mae", "rmse", "mase")
    estimator: ClassVar[str] = "Forecaster"
    recipe: ClassVar[ModuleType] = network

    @classmethod
    def learn(cls, options: ForecastConfig, series: Sequence[Series]) -> Self:
        """Learn step, season and scales from the training part of the series, and from nothing else."""
        check_names(series)
        step = common_step(series)
        options = options.with_windows(options.season or best_season(series, step, options.log))
        longest = max(map(len, series))
        cycles = [name for name, steps in step.cycles().items() if MIN_CYCLES * steps <= longest]
        check_covariates(series, series[0].known_AX.shape[1])
        known_NX = np.concatenate([one.known_AX[: len(one)] for one in series])
        covariates = tuple(_scale(column) for column in known_NX.T)
        scales = {one.name: _scale(transformed(one, options.log)) for one in series}
        task = cls(options, step, (), scales, covariates)
        return task.with_calendar(series, cycles) if options.calendar else task

    def with_calendar(self, series: Sequence[Series], cycles: Sequence[str]) -> Self:
        """The same task with the cycles of the calendar that make a linear autoregression better."""
        begins, ends = [0] * len(series), [len(one) for one in series]
        task = self
        for name in cycles:
            trial = replace(task, cycles=(*task.cycles, name))
            dataset = trial.windows(series, begins, ends)
            if len(dataset) >= MIN_WINDOWS_CALENDAR:
                without, with_ = (
                    validation_error(dataset, 2 * count) for count in (len(task.cycles), len(trial.cycles))
                )
                task = trial if with_ < (1 - MIN_GAIN) * without else task
        return task

    def with_scales(self, series: Sequence[Series]) -> Self:
        """The same task with the scales of series that were not in the training, from their given values."""
        new = {one.name: _scale(transformed(one, self.options.log)) for one in series if one.name not in self.scales}
        return replace(self, scales={**self.scales, **new})

    def resolved(self, windows: int) -> Self:
        """The same task with a value for every option that depends on the number of windows."""
        return replace(self, options=self.options.resolved(windows))

    def shape(self) -> WindowShape:
        """How windows are cut and normalised."""
        o = self.options
        return WindowShape(
            o.lookback, o.horizon, o.segment, o.season, o.difference, o.scale == "window", len(self.covariates)
        )

    def scaled(self, series: Series) -> ScaledSeries:
        """A series as the network reads it. One that was not in the training is scaled by its own values."""
        values_T = transformed(series, self.options.log)
        mean, deviation = self.scales.get(series.name) or _scale(values_T)
        calendar_AF = times.cycle_features(series.stamps_A, self.cycles)
        means, deviations = np.array(self.covariates).reshape(-1, 2).T
        known_AX = ((series.known_AX - means) / deviations).astype(np.float32)
        one_A1 = np.ones((len(known_AX), 1), np.float32)  # so that there is always a feature
        known_AF = np.concatenate([one_A1, calendar_AF, known_AX], 1)
        return ScaledSeries((values_T - mean) / deviation, known_AF, mean, deviation)

    def windows(
        self, series: Sequence[Series], begins: Sequence[int], ends: Sequence[int], stride: int = 1
    ) -> WindowDataset:
        """The windows whose horizons are between `begins` and `ends` (`windows.windows`)."""
        return windows([self.scaled(one) for one in series], self.shape(), begins, ends, stride)

    def extended(self, series: Series) -> Series:
        """A series with stamps and covariates of the horizon after it. Raises DataError if covariates are missing."""
        end = len(series) + self.options.horizon
        missing = end - len(series.stamps_A)
        if missing <= 0:
            return series.until(len(series), self.options.horizon)
        if self.covariates:
            raise DataError(
                f"{series.name}: the covariates of {missing} of the {self.options.horizon} future steps are missing; "
                "give them in rows without a value"
            )
        stamps_A = np.concatenate([series.stamps_A, self.step.after(series.stamps_A, missing)])
        return replace(series, stamps_A=stamps_A, known_AX=np.zeros((end, 0)))

    def deviation(self, series: Series) -> float:
        """The standard deviation of a series' values in the training part; of all its values where the former is of
        logarithms or unknown.
        """
        known = self.scales.get(series.name)
        return _scale(series.values_T)[1] if self.options.log or known is None else known[1]

    def spec(self) -> Spec:
        shape, known = self.shape(), 1 + 2 * len(self.cycles) + len(self.covariates)
        return network.spec(
            self.options,
            recent=shape.lookback + shape.horizon * shape.covariates,
            ahead=shape.horizon,
            past=1 + known,
            known=known,
            levels=self.options.quantiles,
        )

    def start(self, arrays: Arrays, training: WindowDataset) -> Arrays:
        """The linear map starts as the linear autoregression; the recurrent layers initially add nothing to it."""
        initial = dict(arrays) | {"head.weight": np.zeros_like(arrays["head.weight"])}
        if self.options.linear:
            weights_Dh = Autoregression.fit(training).weights_Dh
            weight, bias = arrays["linear.weight"] * 0, arrays["linear.bias"] * 0
            weight[: weights_Dh.shape[1]], bias[: weights_Dh.shape[1]] = weights_Dh[:-1].T, weights_Dh[-1]
            initial |= {"linear.weight": weight, "linear.bias": bias}
        return initial

    def metrics(self, target_scores: NDArray[np.float32], targets: Any) -> dict[str, Any]:
        return {"loss": float(np.mean(target_scores, dtype=np.float64))}

    def score(self, metrics: Mapping[str, Any]) -> float:
        return -float(metrics["loss"])

    def values(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Undo the logarithm, if there is one."""
        return np.exp(numbers) if self.options.log else numbers

    def facts(self) -> dict[str, Any]:
        return {"step": self.step.in_words(), "season": self.options.season, "series": len(self.scales)}

    def learned(self) -> dict[str, Any]:
        return {
            "step": [self.step.count, self.step.unit],
            "cycles": list(self.cycles),
            "scales": {name: list(scale) for name, scale in self.scales.items()},
            "covariates": [list(scale) for scale in self.covariates],
            "margins": list(self.margins),
        }

    def files(self) -> dict[str, bytes]:
        return {}

    @classmethod
    def restore(cls, options: Mapping[str, Any], learned: Mapping[str, Any], files: Mapping[str, bytes]) -> Self:
        count, unit = learned["step"]
        if not isinstance(count, int) or unit not in times.UNITS or not set(learned["cycles"]) <= set(times.CYCLES):
            raise ValueError(f"step={learned['step']!r}, cycles={learned['cycles']!r}")
        scales = {str(name): _pair(scale) for name, scale in learned["scales"].items()}
        covariates = tuple(map(_pair, learned["covariates"]))
        config = ForecastConfig.from_saved(options)
        margins = tuple(map(float, learned.get("margins", ())))  # models of version 1 may have none
        if len(margins) not in (0, len(config.quantiles)) or not all(map(math.isfinite, margins)):
            raise ValueError(f"margins={margins!r}")
        return cls(config, Step(count, unit), tuple(learned["cycles"]), scales, covariates, margins)


def check_names(series: Sequence[Series]) -> None:
    """Raise DataError where two series have the same name: one would get the scale of the other."""
    counts = Counter(one.name for one in series)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise DataError(f"several series are named {in_words(map(repr, repeated))}: give each its own name")


def check_covariates(series: Sequence[Series], expected: int) -> None:
    """Raise DataError where a series has more or fewer covariates than `expected`."""
    for one in series:
        if (count := one.known_AX.shape[1]) != expected:
            raise DataError(f"{one.name} has {count} covariates, but the model uses {expected}")


def common_step(series: Sequence[Series]) -> Step:
    """The step of all series. Raises DataError where it differs."""
    steps = {Step.of(one.stamps_A, one.name): one.name for one in series}
    if len(steps) > 1:
        different = (f"{step.in_words()} ({name})" for step, name in steps.items())
        raise DataError(f"the series have different steps: {in_words(different)}; train a model for each")
    return next(iter(steps))


def best_season(series: Sequence[Series], step: Step, log: bool) -> int:
    """The calendar's cycle for which the seasonal naive forecast is best; 1 where none was seen often enough."""

    def error(season: int) -> float:
        long_enough = [values for values in all_values if len(values) >= MIN_CYCLES * season]
        errors = [np.abs(values[season:] - values[:-season]) / _scale(values)[1] for values in long_enough]
        return float(np.concatenate(errors).mean()) if errors else math.inf

    all_values = [transformed(one, log) for one in series]
    return min(step.seasons().values(), key=error, default=1)


def transformed(series: Series, log: bool) -> NDArray[np.float64]:
    """The values of a series, or their logarithms. Raises DataError where a value has none."""
    if not log:
        return series.values_T
    if not (series.values_T > 0).all():
        index = int(np.flatnonzero(series.values_T <= 0)[0])
        raise DataError(
            f"{series.name}: the value at {series.stamps_A[index]} is {series.values_T[index]:g}, which has no "
            "logarithm: leave out log"
        )
    return np.log(series.values_T)


def _scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation; the latter is 1 where all values are equal."""
    mean, deviation = moments(values)
    return float(mean), float(deviation)


def _pair(scale: Any) -> tuple[float, float]:
    mean, deviation = map(float, scale)
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation > 0):
        raise ValueError(f"{scale} is not a mean and a deviation")
    return mean, deviation
