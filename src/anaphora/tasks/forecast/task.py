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
from anaphora.tasks.forecast import times
from anaphora.data.numbers import moments
from anaphora.tasks.forecast.windows import DIFFERENCES, Origins, Shape, Strand, origins
from anaphora.tasks.forecast.series import Series
from anaphora.tasks.forecast.times import Step
from anaphora.errors import DataError, OptionError, in_words
from anaphora.tasks.forecast import network
from anaphora.net.blocks import Spec
from anaphora.tasks.forecast.network import ForecasterOptions
from anaphora.net.build import Arrays
from anaphora.task import EnsembleOptions
from anaphora.tasks.forecast.autoregression import Autoregression, error_of_the_latest

MEDIAN = 0.5
STRATEGIES = ("direct", "recursive")
SCALES = ("series", "window")
HORIZON_WITHOUT_SEASON = 10
LONGEST_READ = 200
"""A longer season is not read back to: the calendar says where a step stands in it."""
MANY, WIDE = 5_000, 20_000
"""Windows from which on larger batches suit, and wider networks. Those of one series overlap: they are fewer than they
seem."""
FEWEST_WINDOWS = 20
"""With fewer it is chance what the latest of them say."""
WORTH_READING = 0.03
"""A cycle is read that lessens the squared error by more than this share (docs/decisions.md)."""
CYCLES_SEEN = 2
"""A cycle of the calendar that was seen less often has taught nothing."""


@dataclass(frozen=True)
class ForecastConfig(EnsembleOptions, ForecasterOptions):
    """Options of a forecaster."""

    learning_rate: float = 1e-3
    horizon: int = option(None, "how many steps to foretell; by default one season, or 10", at_least=1, at_most=100_000)
    lookback: int = option(
        None, "how many steps before are read; by default two seasons, or twice the horizon", at_least=1
    )
    strategy: str = option(
        "direct",
        "direct answers the whole horizon at once; recursive answers a segment, and goes on from what it answered",
        choices=STRATEGIES,
    )
    quantiles: tuple[float, ...] = option(
        (0.1, 0.25, 0.5, 0.75, 0.9),
        "the levels that are answered, 0.5, the median, among them",
        at_least=0.001,
        below=1,
    )
    season: int = option(
        None,
        "steps after which the series repeats itself; by default the cycle of the calendar (day, week, year) that "
        "foretells the training part best",
        at_least=1,
    )
    difference: str = option(
        "last",
        "what is taken from a window's values before they are read, and given back to the answers: its last value, "
        "that of a season before, or nothing",
        choices=DIFFERENCES,
    )
    scale: str = option(
        "series",
        "values are divided by the deviation of their series in training, or of their window, too",
        choices=SCALES,
    )
    log: bool = option(
        False,
        "take logarithms first, for values above zero that grow by shares; the mean is then that of the logarithms",
    )
    calendar: bool = option(
        True, "read where in the day, the week and the year a step stands, where that helps a linear autoregression"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if list(self.quantiles) != sorted(set(self.quantiles)) or MEDIAN not in self.quantiles:
            raise OptionError(f"quantiles={self.quantiles}: rising levels are needed, {MEDIAN} among them")

    def suited(self, rows: int) -> Mapping[str, Any]:
        many, wide, windowed = rows >= MANY, rows >= WIDE, self.windowed(self.season or 1)
        return {
            "epochs": 8 if many else 20,
            "batch_size": 256 if many else 32,
            "hidden_size": 128 if wide else 32,
            "dropout": 0.3 if wide else 0.5,
            **{name: getattr(windowed, name) for name in ("season", "horizon", "lookback", "segment")},
        }

    def windowed(self, season: int) -> Self:
        """These options with a season, and windows that suit it. Raises OptionError where they do not fit together."""
        horizon = self.horizon or (season if season > 1 else HORIZON_WITHOUT_SEASON)
        read = season if season <= LONGEST_READ else 1
        lookback = self.lookback or max(2 * read, 2 * horizon)
        segment = self.segment or (lookback // 4 if lookback >= 48 and lookback % 4 == 0 else 1)
        if lookback % segment:
            raise OptionError(
                f"lookback={lookback} is not a number of segments of {segment}: make it one, or leave out segment"
            )
        return replace(self, season=season, horizon=horizon, lookback=lookback, segment=segment)


@dataclass(frozen=True)
class Forecast:
    """A forecaster's task: options with a value each, the step, the cycles of the calendar that are read, the scales of
    every series and of the covariates on the training part, and what is added to each quantile, in a window's unit.
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
        """Learn steps, season and scales from the training part of the series, and from nothing else."""
        check_names(series)
        step = common_step(series)
        options = options.windowed(options.season or best_season(series, step, options.log))
        longest = max(map(len, series))
        cycles = [name for name, steps in step.cycles().items() if CYCLES_SEEN * steps <= longest]
        check_covariates(series, series[0].known_AX.shape[1])
        known_NX = np.concatenate([one.known_AX[: len(one)] for one in series])
        covariates = tuple(_scale(column) for column in known_NX.T)
        scales = {one.name: _scale(logged(one, options.log)) for one in series}
        task = cls(options, step, (), scales, covariates)
        return task.with_calendar(series, cycles) if options.calendar else task

    def with_calendar(self, series: Sequence[Series], cycles: Sequence[str]) -> Self:
        """The same with those cycles of the calendar by which a linear autoregression foretells better."""
        begins, ends = [0] * len(series), [len(one) for one in series]
        task = self
        for name in cycles:
            trial = replace(task, cycles=(*task.cycles, name))
            windows = trial.windows(series, begins, ends, whole=True)
            if len(windows) >= FEWEST_WINDOWS:
                without, with_ = (
                    error_of_the_latest(windows, 2 * count) for count in (len(task.cycles), len(trial.cycles))
                )
                task = trial if with_ < (1 - WORTH_READING) * without else task
        return task

    def scaling(self, series: Sequence[Series]) -> Self:
        """The same with the scales of series that were not there in training, from what is given of them."""
        new = {one.name: _scale(logged(one, self.options.log)) for one in series if one.name not in self.scales}
        return replace(self, scales={**self.scales, **new})

    def resolved(self, windows: int) -> Self:
        """The same with a value for every option that was left to the number of windows."""
        return replace(self, options=self.options.resolved(windows))

    def shape(self, whole: bool = False) -> Shape:
        """How windows are cut for the network, or for the `whole` horizon."""
        o = self.options
        horizon = o.horizon if whole or o.strategy == "direct" else o.segment
        return Shape(o.lookback, horizon, o.segment, o.season, o.difference, o.scale == "window", len(self.covariates))

    def strand(self, series: Series) -> Strand:
        """A series as the network reads it. One that was not there in training is scaled by what there is of it."""
        values_T = logged(series, self.options.log)
        mean, deviation = self.scales.get(series.name) or _scale(values_T)
        calendar_AF = times.cycle_features(series.stamps_A, self.cycles)
        means, deviations = np.array(self.covariates).reshape(-1, 2).T
        known_AX = ((series.known_AX - means) / deviations).astype(np.float32)
        one_A1 = np.ones((len(known_AX), 1), np.float32)  # so that something is known, always
        known_AF = np.concatenate([one_A1, calendar_AF, known_AX], 1)
        return Strand((values_T - mean) / deviation, known_AF, mean, deviation)

    def windows(
        self,
        series: Sequence[Series],
        begins: Sequence[int],
        ends: Sequence[int],
        *,
        whole: bool = False,
        stride: int = 1,
    ) -> Origins:
        """The windows whose horizons lie between `begins` and `ends`: see `data.origins.origins`, and `shape`."""
        return origins([self.strand(one) for one in series], self.shape(whole), begins, ends, stride)

    def reaching(self, series: Series) -> Series:
        """A series with what is known of the whole horizon after it. Raises DataError where covariates are missing."""
        end = len(series) + self.options.horizon
        missing = end - len(series.stamps_A)
        if missing <= 0:
            return series.until(len(series), self.options.horizon)
        if self.covariates:
            raise DataError(
                f"{series.name}: the covariates of {missing} of the {self.options.horizon} steps to come are missing; "
                "give them in rows without a value"
            )
        stamps_A = np.concatenate([series.stamps_A, self.step.after(series.stamps_A, missing)])
        return replace(series, stamps_A=stamps_A, known_AX=np.zeros((end, 0)))

    def deviation(self, series: Series) -> float:
        """The deviation of a series' values on the training part, or, where that was of their logarithms or unknown,
        of all there is.
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

    def start(self, arrays: Arrays, training: Origins) -> Arrays:
        """The linear map starts as the linear autoregression, and the recurrent layers initially add nothing to it."""
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
        """What is in the unit of `decode` and of strands, in that of the values."""
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
        if not isinstance(count, int) or unit not in times.NAMED or not set(learned["cycles"]) <= set(times.CYCLES):
            raise ValueError(f"step={learned['step']!r}, cycles={learned['cycles']!r}")
        scales = {str(name): _pair(scale) for name, scale in learned["scales"].items()}
        covariates = tuple(map(_pair, learned["covariates"]))
        config = ForecastConfig.from_saved(options)
        margins = tuple(map(float, learned.get("margins", ())))  # the first models have none
        if len(margins) not in (0, len(config.quantiles)) or not all(map(math.isfinite, margins)):
            raise ValueError(f"margins={margins!r}")
        return cls(config, Step(count, unit), tuple(learned["cycles"]), scales, covariates, margins)


def check_names(series: Sequence[Series]) -> None:
    """Raise DataError where a name comes twice: one series would get the scale of the other."""
    if twice := [name for name, count in Counter(one.name for one in series).items() if count > 1]:
        raise DataError(f"several series are called {in_words(map(repr, twice))}: give each a name of its own")


def check_covariates(series: Sequence[Series], wanted: int) -> None:
    """Raise DataError where a series has more or fewer covariates than are `wanted`."""
    for one in series:
        if (given := one.known_AX.shape[1]) != wanted:
            raise DataError(f"{one.name} has {given} covariates, but {wanted} are learned from")


def common_step(series: Sequence[Series]) -> Step:
    """The one step of all series. Raises DataError where they have several."""
    steps = {Step.of(one.stamps_A, one.name): one.name for one in series}
    if len(steps) > 1:
        found = (f"{step.in_words()} ({name})" for step, name in steps.items())
        raise DataError(f"the series have different steps: {in_words(found)}; train a model for each")
    return next(iter(steps))


def best_season(series: Sequence[Series], step: Step, log: bool) -> int:
    """The calendar's cycle after which values are nearest to what they were; 1 where none was seen often enough."""

    def error(season: int) -> float:
        seen = [values for values in own if len(values) >= CYCLES_SEEN * season]
        far = [np.abs(values[season:] - values[:-season]) / _scale(values)[1] for values in seen]
        return float(np.concatenate(far).mean()) if far else math.inf

    own = [logged(one, log) for one in series]
    return min(step.seasons().values(), key=error, default=1)


def logged(series: Series, log: bool) -> NDArray[np.float64]:
    """The values of a series, or their logarithms. Raises DataError where there are none."""
    if not log:
        return series.values_T
    if not (series.values_T > 0).all():
        place = int(np.flatnonzero(series.values_T <= 0)[0])
        raise DataError(
            f"{series.name}: the value at {series.stamps_A[place]} is {series.values_T[place]:g}, which has no "
            "logarithm: leave out log"
        )
    return np.log(series.values_T)


def _scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation; 1 for the latter where all values are alike."""
    mean, deviation = moments(values)
    return float(mean), float(deviation)


def _pair(scale: Any) -> tuple[float, float]:
    mean, deviation = map(float, scale)
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation > 0):
        raise ValueError(f"{scale} is no mean and deviation")
    return mean, deviation
