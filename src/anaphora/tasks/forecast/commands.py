"""The commands of forecasters: train, evaluate, predict."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from anaphora.cli.console import say
from anaphora.cli.display import show
from anaphora.cli.options import FILE, Request, Sections, encoding_option, takes_options_of
from anaphora.cli.training import check_share, output, output_options, say_where
from anaphora.data.write import check_absent, replacing, write_rows
from anaphora.errors import OptionError, in_words
from anaphora.extras import load_name
from anaphora.task import ENOUGH_TO_CHOOSE
from anaphora.tasks.forecast.estimator import Continuation, Forecaster, ends_before
from anaphora.tasks.forecast.scores import Backtest
from anaphora.tasks.forecast.series import GAPS, Series, read_series
from anaphora.tasks.forecast.task import ForecastConfig, common_step
from anaphora.tasks.forecast.times import Step, format_stamp


class ForecastCommand(Sections):
    config = ForecastConfig


@click.command("forecast", cls=ForecastCommand, short_help="Series of numbers -> their next values.")
@click.argument("file", type=FILE)
@click.option("--time", help="The column of the time stamps; without it the rows are counted.")
@click.option("--value", multiple=True, required=True, help="A column of values; each is its own series.")
@click.option("--group", multiple=True, help="A column that distinguishes the series within a column of values.")
@click.option("--covariate", multiple=True, help="A column of numbers that are known in advance.")
@click.option(
    "--gaps",
    type=click.Choice(GAPS),
    default=GAPS[0],
    show_default=True,
    help="Missing time stamps and numbers: an error, or a straight line between the neighbours.",
)
@click.option(
    "--valid-from",
    help="The time stamp at which the validation part begins. [default: the share of --validation]",
)
@click.option("--test-from", help="The time stamp at which the test part begins. [default: the share of --test-size]")
@click.option(
    "--test-size",
    default=0.2,
    show_default=True,
    help="Share of each series, its end, that is held out of the training and scores the finished model.",
)
@encoding_option
@output_options
@takes_options_of(ForecastConfig)
def train(
    file: Path,
    time: str | None,
    value: tuple[str, ...],
    group: tuple[str, ...],
    covariate: tuple[str, ...],
    gaps: str,
    valid_from: str | None,
    test_from: str | None,
    test_size: float,
    encoding: str,
    out: Path,
    force: bool,
    resume: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a forecaster on the series in FILE: CSV, TSV or JSON lines (each also .gz), or Parquet.

    \b
    anaphora train forecast air.csv --time month --value passengers --horizon 12 --out model/
    anaphora train forecast sales.csv --time day --value sold --group shop --covariate price --horizon 14 --out model/
    anaphora predict model/ --file air.csv

    Time stamps are ISO 8601 (2020-01-31, 2020-01-31 14:00) at equal distances, or whole numbers. All series share one
    network. Covariates are numbers that are known in advance, such as a price or a holiday; rows at the end that have
    covariates and no value are future steps.

    The network is scored from rolling origins in the test part, together with three baselines: the last value, the
    value a season before, and a linear autoregression, which is the initial state of the network.
    """
    check_share(test_size)
    names = [*([time] if time else []), *value, *group, *covariate]
    if len(set(names)) < len(names):
        raise OptionError(f"the columns {in_words(names)} are not all different")
    model = Forecaster(**options)
    model.check_options()  # report wrong options before the file is read
    with output(out, force, resume, quiet) as run:
        series = read_series(file, time, value, group, covariate, encoding, gaps)
        if not quiet:
            say(summary(file, series))
        if test_from:
            ends = ends_before(series, test_from, "test_from")
        else:
            ends = [round(len(one) * (1 - test_size)) for one in series]
        kept = [one.until(end) for one, end in zip(series, ends, strict=True)]

        def finished() -> None:
            held_out = any(end < len(one) for one, end in zip(series, ends, strict=True))
            if held_out:
                model.annotate(test=model.backtest(series, ends).scores)
            if model.examined_:
                data = "test" if held_out else "validation"
                model.annotate(report=model.examined_.page(model.bundle_.training, data))

        columns = {
            "time": time or "",
            "value": list(value),
            "group": list(group),
            "covariate": list(covariate),
            "gaps": gaps,
        }
        events = model.fit_events(kept, valid_from=valid_from, partial=run.partial)
        run.train(model, events, finished, columns, file=file.name)
    if not quiet:
        show_training(model.examined_, model.bundle_.training)
        say_where(out, "plots of forecasts", f"anaphora predict {out} --file {file}")


def summary(file: Path, series: Sequence[Series]) -> str:
    """What the file holds, for a message."""
    lengths = sorted(len(one) for one in series)
    count = f"{lengths[0]:,}" if lengths[0] == lengths[-1] else f"{lengths[0]:,} to {lengths[-1]:,}"
    first = series[0]
    future = len(first.stamps_A) - len(first)
    known = f"; covariates of {future:,} future steps" if first.known_AX.shape[1] and future else ""
    begin, end = (format_stamp(first.stamps_A[index]) for index in (0, len(first) - 1))
    return f"{file}: {len(series):,} series of {count} values, {begin} to {end}{known}"


def show_training(examined: Backtest | None, training: Mapping[str, Any]) -> None:
    """Print the scores at the end of a training."""
    if examined is None:
        say("Nothing was held out, so there are no scores.")
        return
    show(examined, "test" if "test" in training else "validation")
    if "test" not in training and training["validation_windows"] >= ENOUGH_TO_CHOOSE:
        say(
            "These windows also chose the best epoch, so the scores are slightly optimistic; --test-size 0.2 holds out "
            "others."
        )


EVALUATE_OPTIONS = [
    click.Option(["--begin"], help="The time stamp of the first forecast step. [default: the end of the training]")
]


def evaluate(model: Forecaster, folder: Path, file: Path, encoding: str, begin: str | None) -> Backtest:
    """Score a forecaster on the series of a file, from rolling origins after its training part."""
    series = series_in(model, folder, file, encoding)
    reason = "" if begin else ", where the training data ended: choose another time stamp with --begin"
    begin = begin or model.bundle_.training.get("next_stamp")
    begins = [one.index_of(begin) if begin else 0 for one in series]
    if all(start >= len(one) for one, start in zip(series, begins, strict=True)):
        raise OptionError(f"{file} has no value from {begin} on{reason}")
    return model.backtest(series, begins)


PREDICT_OPTIONS = [click.Option(["--report"], type=FILE, help="Also write plots of the forecasts as an HTML page.")]


def predict(model: Forecaster, folder: Path, request: Request, report: Path | None) -> None:
    """Write the forecasts of the series of a file: a row for each step."""
    if request.file is None:
        raise OptionError(f"{folder} is a forecaster: name the file with the series to continue, --file FILE")
    if report:
        check_absent(report, request.force)
    series = series_in(model, folder, request.file, request.encoding)
    forecasts = model.forecast(series)
    time = model.bundle_.columns["time"] or "step"
    count = write_rows(rows(forecasts, time, common_step(series)), request.out, request.force)
    if request.out:
        say(f"{count:,} forecast steps are in {request.out}")
    if report:
        forecast_page = load_name("anaphora.tasks.forecast.page.forecast_page")
        with replacing(report, request.force) as page:
            facts = model.bundle_.training | {"file": request.file.name}
            page.write(forecast_page(model.plots(series, forecasts), forecasts[0].levels, facts))
        say(f"The plots are in {report}")


def series_in(model: Forecaster, folder: Path, file: Path, encoding: str) -> list[Series]:
    """The series of a file, by the names of the columns in the training."""
    columns = model.bundle_.columns
    if "value" not in columns:
        raise OptionError(f"{folder} was trained in Python and has no column names: use it from Python")
    time, values, groups, covariates, gaps = (columns[name] for name in ("time", "value", "group", "covariate", "gaps"))
    return read_series(file, time or None, values, groups, covariates, encoding, gaps)


def rows(forecasts: Sequence[Continuation], time: str, step: Step) -> Iterator[dict[str, Any]]:
    for forecast in forecasts:
        for stamp, mean, quantiles in zip(forecast.stamps_h, forecast.mean_h, forecast.quantiles_hQ, strict=True):
            row: dict[str, Any] = {"series": forecast.name} if len(forecasts) > 1 else {}
            row |= {time: step.format(stamp), "mean": f"{mean:.6g}"}
            levels = zip(forecast.levels, quantiles, strict=True)
            yield row | {f"q{level:g}": f"{quantile:.6g}" for level, quantile in levels}
