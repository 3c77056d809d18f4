"""Series of numbers -> their next values."""

import hashlib
import math
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from anaphora.estimators.base import Estimator, load_training
from anaphora.tasks.forecast.baseline import Baselines
from anaphora.bundle import Bundle
from anaphora.tasks.forecast.calibration import as_if_left_out, calibrated
from anaphora.tasks.forecast.series import Series, of_arrays
from anaphora.tasks.forecast.times import Stamps, Step, written
from anaphora.errors import DataError, OptionError
from anaphora.events import Event, Stage
from anaphora.tasks.forecast.scores import Backtest, Window, compare_forecasts, naive_error
from anaphora.tasks.forecast.runner import Foreteller
from anaphora.tasks.forecast.task import MEDIAN, Forecast, check_covariates, check_names, common_step
from anaphora.task import ENOUGH_TO_CHOOSE
from anaphora.tasks.forecast.autoregression import Autoregression

SHOWN = (0.0, 0.5, 1.0)
"""Where among the windows those stand that a page shows."""
PAST_SHOWN = 3
"""How much of the past it shows, in horizons."""


@dataclass(frozen=True)
class Continuation:
    """What a series may go on like: the mean `[h]` and the quantiles `[h, levels]` of each step to come."""

    name: str
    stamps_h: Stamps
    levels: tuple[float, ...]
    mean_h: NDArray[np.float64]
    quantiles_hQ: NDArray[np.float64]

    @property
    def median(self) -> NDArray[np.float64]:
        return self.quantiles_hQ[:, self.levels.index(MEDIAN)]


class Forecaster(Estimator, task=Forecast, kind="forecaster"):
    """A recurrent forecaster of one series or of many, which share the network.

        model = Forecaster(horizon=12).fit(passengers)
        model.predict(passengers)                       # the median of the next 12
        model.forecast(passengers)[0].quantiles_hQ      # and how sure it is
        model.evaluate(passengers, begin=108)           # from rolling origins, beside its baselines

    Series are an array `[T]`, the columns of `[T, C]`, a list or a dict of such; `stamps` `[T]` say when the steps are,
    at equal distances; `covariates` `[A, X]`, A at least T, are known in advance. Its options are the fields of
    `anaphora.tasks.forecast.task.ForecastConfig`.
    """

    examined_: Backtest | None = None
    """What `examine` or `evaluate` saw last, `fit`'s own validation part among them."""

    def fit(self, values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None) -> Self:
        """Learn from series. Needs the extra `train`.

        Raises OptionError and DataError for what it cannot use, TrainingFailed where the loss is no longer a number.
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
        """`fit`, as a generator of the events in `anaphora.events`, for a progress bar or a plot.

        The end of each series chooses the best epoch: from the stamp `valid_from`, or the share that the option
        `validation` says, where it holds 200 windows or more. Closed or interrupted before its end, it leaves the best
        model so far as the fitted one. With `partial`, a folder, checkpoints are kept there, and an unfinished training
        of the same data and options is taken up where it stopped, to the same end as if it had not.
        """
        load_training()
        series, asked = series_of(values, stamps, covariates), self._task.Config.from_dict(self.get_params())
        self.examined_ = None
        yield Stage("reading the series")
        if valid_from is None:
            ends = [round(len(one) * (1 - asked.validation)) for one in series]
        else:
            ends = ends_before(series, valid_from, "valid_from")
        task = self._learned(asked, series, ends)
        lengths = [len(one) for one in series]
        checked = task.windows(series, ends, lengths)
        scored = len(task.windows(series, ends, lengths, whole=True))
        if valid_from is not None and not scored:
            raise OptionError(
                f"valid_from={valid_from}: no window of horizon={task.options.horizon} lies behind it; choose an "
                "earlier one"
            )
        if valid_from is None and scored < ENOUGH_TO_CHOOSE:
            ends = lengths
            task = self._learned(asked, series, ends)
            checked = task.windows(series, ends, ends)
        _check_long_enough(series, ends, task)
        training = task.windows(series, [0] * len(series), ends)
        task = task.resolved(len(training))
        yield Stage("fitting the linear autoregression")
        whole = task.windows(series, [0] * len(series), ends, whole=True)
        errors = {
            one.name: naive_error(one.values_T[:end], task.options.season)
            for one, end in zip(series, ends, strict=True)
        }
        baselines = Baselines(Autoregression.fit(whole), errors)
        facts = {
            "values": sum(ends),
            "next_stamp": _next_stamp(series, task.step),
            "validation_windows": len(checked),
            "data_sha256": _fingerprint(series),
        }
        try:
            yield from self._train(task, training, checked, facts, baselines.to_files(), partial)
        finally:
            adopted = self._bundle is not None and self._bundle.task is task
            if adopted and len(checked) < ENOUGH_TO_CHOOSE:
                truth_Nh = as_if_left_out(task, whole, baselines.linear)
                self._adopt(replace(self._fitted(), task=calibrated(self._ready(), whole, truth_Nh)))
        if len(checked):
            yield Stage("scoring the validation part")
            self.annotate(validation=self.backtest(series, ends).scores)

    def _learned(self, asked: Any, series: Sequence[Series], ends: Sequence[int]) -> Forecast:
        """The task, from the first values of each series."""
        task: Forecast = self._task.learn(asked, [one.until(end) for one, end in zip(series, ends, strict=True)])
        return task

    @staticmethod
    def _runner(fitted: Bundle, precision: str) -> Foreteller:
        return Foreteller(cast(Forecast, fitted.task), fitted.arrays, fitted.members, precision)

    def predict(self, values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None) -> NDArray[np.float64]:
        """The medians of the next steps: `[h]` of one series, `[S, h]` of several."""
        medians = [found.median for found in self.forecast(values, stamps, covariates)]
        return medians[0] if len(medians) == 1 else np.array(medians)

    def forecast(self, values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None) -> list[Continuation]:
        """What comes after the last value of each series. `covariates` reach as far as the horizon, `[T + h, X]`.

        Raises DataError where a series is shorter than the lookback, or its steps are not the model's.
        """
        task, series = cast(Forecast, self._fitted().task), series_of(values, stamps, covariates)
        _check_fit(series, task)
        ahead = [task.reaching(one) for one in series]
        begins, horizon = [len(one) for one in series], task.options.horizon
        windows = task.windows(ahead, begins, [begin + horizon for begin in begins], whole=True)
        found = self._ready().answers(replace(windows, answered=False))
        return [
            Continuation(
                one.name, one.stamps_A[begin : begin + horizon], task.options.quantiles, own_hC[:, 0], own_hC[:, 1:]
            )
            for one, begin, own_hC in zip(ahead, begins, found, strict=True)
        ]

    def evaluate(
        self,
        values: Any,
        stamps: Sequence[Any] | None = None,
        covariates: Any = None,
        begin: Any = None,
        stride: int = 1,
    ) -> dict[str, Any]:
        """Scores of the whole horizon from every origin at `begin` (a stamp, or a number of steps) or after, `stride`
        steps apart, beside repeating the last value, the value a season before, and a linear autoregression: see
        `report.forecasts.compare_forecasts`.
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
        """`evaluate`, with some windows for a picture: what `anaphora.tasks.forecast.page` makes a page of."""
        series = series_of(values, stamps, covariates)
        return self.backtest(series, [0 if begin is None else one.place(begin) for one in series], stride)

    def backtest(self, series: Sequence[Series], begins: Sequence[int], stride: int = 1) -> Backtest:
        """`examine`, from another step of each series on."""
        if isinstance(stride, bool) or not isinstance(stride, int | np.integer) or stride < 1:
            raise OptionError(f"stride={stride}: a whole number of steps, 1 or more, is needed")
        task = cast(Forecast, self._fitted().task)
        _check_fit(series, task)
        needed = task.shape(whole=True).needed
        known = [one.until(max(begin, needed)) for one, begin in zip(series, begins, strict=True)]
        task = task.scaling(known)
        windows = task.windows(series, begins, [len(one) for one in series], whole=True, stride=stride)
        if not len(windows):
            raise DataError(
                f"no window of lookback={task.options.lookback} and horizon={task.options.horizon} fits: "
                f"{max(len(one) - begin for one, begin in zip(series, begins, strict=True)):,} values are to be "
                f"foretold, with {needed:,} or more before each"
            )
        truth_Nh = task.values(windows.truth())
        answers_NhC = self._ready().answers(windows)
        baselines = Baselines.from_files(self._fitted().baseline, task)
        others = baselines.answers(windows, task)
        season = task.options.season
        units_S = [
            baselines.errors.get(one.name) or naive_error(one.values_T, season) or task.deviation(one) for one in known
        ]
        scores = compare_forecasts(
            truth_Nh,
            answers_NhC,
            task.options.quantiles,
            others,
            np.array(units_S)[windows.strand_N],
            np.array([task.deviation(one) for one in known])[windows.strand_N],
            np.array([series[s].stamps_A[t] for s, t in zip(windows.strand_N, windows.origin_N, strict=True)]),
            math.ceil(task.options.horizon / stride),
        )
        shown = []
        for i in sorted({round(share * (len(windows) - 1)) for share in SHOWN}):
            one, origin = series[windows.strand_N[i]], windows.origin_N[i]
            stamps_h = one.stamps_A[origin : origin + task.options.horizon]
            own = {name: theirs[i] for name, theirs in others.items()}
            shown.append(_window(task, one, stamps_h, truth_Nh[i], answers_NhC[i, :, 1:], own))
        self.examined_ = Backtest(scores, task.options.quantiles, shown)
        return self.examined_

    def pictured(self, series: Sequence[Series], found: Sequence[Continuation]) -> list[Window]:
        """Series with what `forecast` said of them, for a picture."""
        task = cast(Forecast, self._fitted().task)
        return [
            _window(task, one, own.stamps_h, None, own.quantiles_hQ, {}) for one, own in zip(series, found, strict=True)
        ]


def series_of(values: Any, stamps: Sequence[Any] | None = None, covariates: Any = None) -> list[Series]:
    """A person's series; those that are read already stay as they are."""
    if isinstance(values, list) and values and all(isinstance(one, Series) for one in values):
        return values
    return of_arrays(values, stamps, covariates)


def _check_fit(series: Sequence[Series], task: Forecast) -> None:
    """Raise DataError where a series is shorter than what is read, its name is that of another one, or its covariates
    or steps are not the model's.
    """
    check_names(series)
    needed = task.shape(whole=True).needed
    for one in series:
        if len(one) < needed:
            raise DataError(f"{one.name} has {len(one)} values, but the model reads the last {needed}")
    check_covariates(series, len(task.covariates))
    step = common_step(series)
    if step != task.step:
        raise DataError(
            f"the series' step is {step.in_words()}, but the model learned from steps of {task.step.in_words()}"
        )


def _check_long_enough(series: Sequence[Series], ends: Sequence[int], task: Forecast) -> None:
    """Raise DataError where a series has fewer than two windows to learn from."""
    options = task.options
    needed = task.shape(whole=True).needed + options.horizon + 1
    for one, end in zip(series, ends, strict=True):
        if end < needed:
            raise DataError(
                f"{one.name} has {end} values to learn from, but lookback={options.lookback}, "
                f"horizon={options.horizon} and season={options.season} take {needed} or more: make them smaller, or "
                "leave the series out"
            )


def ends_before(series: Sequence[Series], at: Any, called: str) -> list[int]:
    """How many values of each series are before a stamp, or a number of steps. Raises OptionError, with what it is
    `called`, where a series has nothing before it, or none has anything from it on.
    """
    ends = [one.place(at) for one in series]
    for one, end in zip(series, ends, strict=True):
        if end <= 0:
            raise OptionError(f"{called}={at}: {one.name} begins with {written(one.stamps_A[0])}, so nothing is before")
    if all(end >= len(one) for one, end in zip(series, ends, strict=True)):
        last = max(one.stamps_A[len(one) - 1] for one in series)
        raise OptionError(f"{called}={at}: nothing is from then on; the last value is of {written(last)}")
    return ends


def _next_stamp(series: Sequence[Series], step: Step) -> str:
    """The first step after all that was given for the training."""
    stamps_T = max((one.stamps_A[: len(one)] for one in series), key=lambda own: own[-1])
    return step.shown(step.after(stamps_T, 1)[0])


def _window(
    task: Forecast,
    series: Series,
    stamps_h: Stamps,
    came_h: NDArray[np.float64] | None,
    quantiles_hQ: NDArray[np.float64],
    baselines: dict[str, NDArray[np.float64]],
) -> Window:
    origin = int(np.searchsorted(series.stamps_A, stamps_h[0]))
    before = slice(max(0, origin - PAST_SHOWN * len(stamps_h)), origin)
    title = f"{series.name}, from {task.step.shown(stamps_h[0])}"
    return Window(title, series.stamps_A[before], series.values_T[before], stamps_h, came_h, quantiles_hQ, baselines)


def _fingerprint(series: Sequence[Series]) -> str:
    """SHA-256 of names and numbers."""
    digest = hashlib.sha256()
    for one in series:
        for part in (one.name.encode(), one.values_T, one.stamps_A.astype(np.int64), one.known_AX):
            content = part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes()
            digest.update(len(content).to_bytes(8, "little") + content)
    return digest.hexdigest()
