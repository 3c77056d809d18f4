"""The estimator of forecasters."""

import hashlib
import math
import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anaphora.bundle import Bundle
from anaphora.errors import DataError, OptionError
from anaphora.estimators.base import Estimator, load_training
from anaphora.events import Event, Stage
from anaphora.task import ENOUGH_TO_CHOOSE
from anaphora.tasks.forecast.autoregression import Autoregression
from anaphora.tasks.forecast.baseline import Baselines
from anaphora.tasks.forecast.calibration import as_if_held_out, calibrated
from anaphora.tasks.forecast.plots import ForecastPlot
from anaphora.tasks.forecast.runner import ForecastRunner
from anaphora.tasks.forecast.scores import Backtest, compare_forecasts, naive_error
from anaphora.tasks.forecast.series import Series, from_arrays
from anaphora.tasks.forecast.task import (
    MEDIAN,
    Forecast,
    ForecastConfig,
    check_covariates,
    check_names,
    common_step,
)
from anaphora.tasks.forecast.times import Stamps, Step, format_stamp

PLOTTED = (0.0, 0.5, 1.0)
"""The windows that a page shows, by their position among all windows."""
PAST_PLOTTED = 3
"""How much of the past a plot shows, in horizons."""


@dataclass(frozen=True)
class Continuation:
    """The forecast of a series: the mean `[h]` and the quantiles `[h, levels]` of each future step."""

    name: str
    stamps_h: Stamps
    levels: tuple[float, ...]
    mean_h: NDArray[np.float64]
    quantiles_hQ: NDArray[np.float64]

    @property
    def median(self) -> NDArray[np.float64]:
        return self.quantiles_hQ[:, self.levels.index(MEDIAN)]


class Forecaster(Estimator[Forecast, ForecastRunner], config=ForecastConfig, kind="forecaster"):
    """A recurrent forecaster of one series, or of many that share the network.

        model = Forecaster(horizon=12).fit(passengers)
        model.predict(passengers)                       # the median of the next 12
        model.forecast(passengers)[0].quantiles_hQ      # and their quantiles
        model.evaluate(passengers, begin=108)           # scores from rolling origins, with those of the baselines

    Series are an array `[T]`, the columns of `[T, C]`, a list or a dict of such; `stamps` `[T]` are the time stamps of
    the steps, at equal distances; `covariates` `[A, X]`, A at least T, are known in advance. Its options are the fields
    of `anaphora.tasks.forecast.task.ForecastConfig`.
    """

    examined_: Backtest | None = None

    def fit(self, values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None) -> Self:
        """Fit on series. Needs the extra `train`.

        Raises OptionError and DataError for options and data that it cannot use, TrainingFailed when the loss is not a
        number.
        """
        for _ in self.fit_events(values, stamps, covariates):
            pass
        return self

    def fit_events(
        self,
        values: Any,
        stamps: Sequence[Any] | None = None,
        covariates: Any = None,
        valid_from: Any = None,
        partial: str | os.PathLike[str] | None = None,
    ) -> Generator[Event, None, None]:
        """`fit` as a generator of `anaphora.events`, for a progress bar or a plot.

        The end of each series validates: from the stamp `valid_from` on, or, where it has 200 windows or more, the
        share of the option `validation`. If it is closed or interrupted, the best model so far is the fitted one. With
        `partial`, a folder, checkpoints are kept there, and an unfinished training of the same data and options
        continues where it stopped, with the result of an uninterrupted one.
        """
        load_training()
        options, series = self._options(), series_of(values, stamps, covariates)
        self.examined_ = None
        yield Stage("reading the series")
        lengths = [len(one) for one in series]
        if valid_from is None:
            ends = [round(length * (1 - options.validation)) for length in lengths]
        else:
            ends = ends_before(series, valid_from, "valid_from")
        task = _learn(options, series, ends)
        validation = task.windows(series, ends, lengths)
        if valid_from is not None and not len(validation):
            raise OptionError(
                f"valid_from={valid_from}: no window of horizon={task.options.horizon} is after it; choose an earlier "
                "time stamp"
            )
        if valid_from is None and len(validation) < ENOUGH_TO_CHOOSE:
            ends = lengths
            task = _learn(options, series, ends)
            validation = task.windows(series, ends, ends)
        _check_long_enough(series, ends, task)
        training = task.windows(series, [0] * len(series), ends)
        task = task.resolved(len(training))
        yield Stage("fitting the linear autoregression")
        errors = {
            one.name: naive_error(one.values_T[:end], task.options.season)
            for one, end in zip(series, ends, strict=True)
        }
        baselines = Baselines(Autoregression.fit(training), errors)
        facts = {
            "values": sum(ends),
            "next_stamp": _next_stamp(series, task.step),
            "validation_windows": len(validation),
            "data_sha256": _fingerprint(series),
        }
        try:
            yield from self._train(task, training, validation, facts, baselines.to_files(), partial)
        finally:
            adopted = self._bundle is not None and self._bundle.task is task
            if adopted and len(validation) < ENOUGH_TO_CHOOSE:
                truth_Nh = as_if_held_out(task, training, baselines.linear)
                self._adopt(replace(self._fitted(), task=calibrated(self._runner, training, truth_Nh)))
        if len(validation):
            yield Stage("scoring the validation part")
            self.annotate(validation=self.backtest(series, ends).scores)

    @staticmethod
    def _make_runner(fitted: Bundle, precision: str) -> ForecastRunner:
        task: Forecast = fitted.task  # type: ignore[assignment]  # a bundle holds any task
        return ForecastRunner(task, fitted.arrays, fitted.members, precision)

    def predict(self, values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None) -> NDArray[np.float64]:
        """The medians of the next steps: `[h]` of one series, `[S, h]` of several."""
        medians = [one.median for one in self.forecast(values, stamps, covariates)]
        return medians[0] if len(medians) == 1 else np.array(medians)

    def forecast(self, values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None) -> list[Continuation]:
        """The next steps of each series. `covariates` include those of the horizon, `[T + h, X]`.

        Raises DataError where a series is shorter than the lookback, or its step differs from the model's.
        """
        task, series = self._task, series_of(values, stamps, covariates)
        _check_matches(series, task)
        extended = [task.extended(one) for one in series]
        begins, horizon = [len(one) for one in series], task.options.horizon
        windows = task.windows(extended, begins, [begin + horizon for begin in begins])
        answers = self._runner.answers(replace(windows, with_targets=False))
        return [
            Continuation(
                one.name,
                one.stamps_A[begin : begin + horizon],
                task.options.quantiles,
                answer_hC[:, 0],
                answer_hC[:, 1:],
            )
            for one, begin, answer_hC in zip(extended, begins, answers, strict=True)
        ]

    def evaluate(
        self,
        values: Any,
        stamps: Sequence[Any] | None = None,
        covariates: Any = None,
        begin: Any = None,
        stride: int = 1,
    ) -> dict[str, Any]:
        """Scores of the whole horizon from every origin at or after `begin` (a stamp, or a number of steps), `stride`
        steps apart, with those of the baselines: see `tasks.forecast.scores.compare_forecasts`.
        """
        return self.examine(values, stamps, covariates, begin, stride).scores

    def examine(
        self,
        values: Any,
        stamps: Sequence[Any] | None = None,
        covariates: Any = None,
        begin: Any = None,
        stride: int = 1,
    ) -> Backtest:
        """`evaluate`, with the tables and the page of the scores, and plots of some windows."""
        series = series_of(values, stamps, covariates)
        return self.backtest(series, [0 if begin is None else one.index_of(begin) for one in series], stride)

    def backtest(self, series: Sequence[Series], begins: Sequence[int], stride: int = 1) -> Backtest:
        """`examine`, with a begin for each series, as a number of steps."""
        if isinstance(stride, bool) or not isinstance(stride, int | np.integer) or stride < 1:
            raise OptionError(f"stride={stride}: a whole number of steps, 1 or more, is needed")
        _check_matches(series, self._task)
        min_history = self._task.shape().min_history
        known = [one.until(max(begin, min_history)) for one, begin in zip(series, begins, strict=True)]
        task = self._task.with_scales(known)
        windows = task.windows(series, begins, [len(one) for one in series], stride)
        if not len(windows):
            raise DataError(
                f"no window of lookback={task.options.lookback} and horizon={task.options.horizon} fits: there are "
                f"{max(len(one) - begin for one, begin in zip(series, begins, strict=True)):,} values to forecast, and "
                f"{min_history:,} or more are needed before each"
            )
        truth_Nh = task.values(windows.truth())
        answers_NhC = self._runner.answers(windows)
        baselines = Baselines.from_files(self._fitted().baseline, task)
        by_baseline = baselines.answers(windows, task)
        season = task.options.season
        units_S = [
            baselines.errors.get(one.name) or naive_error(one.values_T, season) or task.deviation(one) for one in known
        ]
        scores = compare_forecasts(
            truth_Nh,
            answers_NhC,
            task.options.quantiles,
            by_baseline,
            np.array(units_S)[windows.series_N],
            np.array([task.deviation(one) for one in known])[windows.series_N],
            np.array([series[s].stamps_A[t] for s, t in zip(windows.series_N, windows.origin_N, strict=True)]),
            math.ceil(task.options.horizon / stride),
        )
        plots = []
        for i in sorted({round(share * (len(windows) - 1)) for share in PLOTTED}):
            one, origin = series[windows.series_N[i]], windows.origin_N[i]
            stamps_h = one.stamps_A[origin : origin + task.options.horizon]
            of_baselines = {name: answers_Nh[i] for name, answers_Nh in by_baseline.items()}
            plots.append(_plot(task, one, stamps_h, truth_Nh[i], answers_NhC[i, :, 1:], of_baselines))
        self.examined_ = Backtest(scores, task.options.quantiles, plots)
        return self.examined_

    def plots(self, series: Sequence[Series], continuations: Sequence[Continuation]) -> list[ForecastPlot]:
        """The plots of series and their forecasts."""
        return [
            _plot(self._task, one, forecast.stamps_h, None, forecast.quantiles_hQ, {})
            for one, forecast in zip(series, continuations, strict=True)
        ]


def series_of(values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None) -> list[Series]:
    """A person's series; a list of `Series` is returned unchanged."""
    if isinstance(values, list) and values and all(isinstance(one, Series) for one in values):
        return values
    return from_arrays(values, stamps, covariates)


def _learn(options: ForecastConfig, series: Sequence[Series], ends: Sequence[int]) -> Forecast:
    """The task, from the beginning of each series."""
    return Forecast.learn(options, [one.until(end) for one, end in zip(series, ends, strict=True)])


def _check_matches(series: Sequence[Series], task: Forecast) -> None:
    """Raise DataError where a series is too short for the model, two have the same name, or covariates or steps differ
    from the model's.
    """
    check_names(series)
    min_history = task.shape().min_history
    for one in series:
        if len(one) < min_history:
            raise DataError(f"{one.name} has {len(one)} values, but the model reads the last {min_history}")
    check_covariates(series, len(task.covariates))
    step = common_step(series)
    if step != task.step:
        raise DataError(
            f"the step of the series is {step.in_words()}, but the model was trained on steps of {task.step.in_words()}"
        )


def _check_long_enough(series: Sequence[Series], ends: Sequence[int], task: Forecast) -> None:
    """Raise DataError where a series has fewer than two training windows."""
    options = task.options
    required = task.shape().min_history + options.horizon + 1
    for one, end in zip(series, ends, strict=True):
        if end < required:
            raise DataError(
                f"{one.name} has {end} values to train on, but lookback={options.lookback}, "
                f"horizon={options.horizon} and season={options.season} need {required} or more: make them smaller, or "
                "leave the series out"
            )


def ends_before(series: Sequence[Series], at: Any, option: str) -> list[int]:
    """How many values of each series are before a stamp, or a number of steps. Raises OptionError, which names the
    `option`, where a series has nothing before it, or none has a value at or after it.
    """
    ends = [one.index_of(at) for one in series]
    for one, end in zip(series, ends, strict=True):
        if end <= 0:
            first = format_stamp(one.stamps_A[0])
            raise OptionError(f"{option}={at}: {one.name} begins with {first}, so nothing is before it")
    if all(end >= len(one) for one, end in zip(series, ends, strict=True)):
        last = format_stamp(max(one.stamps_A[len(one) - 1] for one in series))
        raise OptionError(f"{option}={at}: no value is at or after it; the last one is at {last}")
    return ends


def _next_stamp(series: Sequence[Series], step: Step) -> str:
    """The first step after all values."""
    stamps_T = max((one.stamps_A[: len(one)] for one in series), key=lambda stamps: stamps[-1])
    return step.format(step.after(stamps_T, 1)[0])


def _plot(
    task: Forecast,
    series: Series,
    stamps_h: Stamps,
    actual_h: NDArray[np.float64] | None,
    quantiles_hQ: NDArray[np.float64],
    baselines: Mapping[str, NDArray[np.float64]],
) -> ForecastPlot:
    origin = int(np.searchsorted(series.stamps_A, stamps_h[0]))
    past = slice(max(0, origin - PAST_PLOTTED * len(stamps_h)), origin)
    title = f"{series.name}, from {task.step.format(stamps_h[0])}"
    return ForecastPlot(
        title, series.stamps_A[past], series.values_T[past], stamps_h, actual_h, quantiles_hQ, baselines
    )


def _fingerprint(series: Sequence[Series]) -> str:
    """SHA-256 of names and numbers."""
    digest = hashlib.sha256()
    for one in series:
        for part in (one.name.encode(), one.values_T, one.stamps_A.astype(np.int64), one.known_AX):
            content = part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes()
            digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
