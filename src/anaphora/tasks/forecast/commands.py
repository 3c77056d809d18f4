"""`anaphora train forecast`: from a file of series to a model that goes on with them."""

from pathlib import Path
from typing import Any

import click

from anaphora.cli.display import show_forecasts
from anaphora.cli.options import FILE, Sections, encoding_option, takes_options_of
from anaphora.cli.console import say
from anaphora.cli.training import check_share, output, output_options, say_where
from anaphora.tasks.forecast.series import GAPS, Series, read_series
from anaphora.tasks.forecast.times import written
from anaphora.errors import OptionError, in_words
from anaphora.tasks.forecast.estimator import Forecaster, ends_before
from anaphora.tasks.forecast.page import page
from anaphora.tasks.forecast.task import ForecastConfig
from anaphora.task import ENOUGH_TO_CHOOSE


class ForecastCommand(Sections):
    config = ForecastConfig


@click.command("forecast", cls=ForecastCommand, short_help="Series of numbers -> their next values.")
@click.argument("file", type=FILE)
@click.option("--time", help="The column of the time stamps; without one the rows are counted.")
@click.option("--value", multiple=True, required=True, help="A column of values; each is a series of its own.")
@click.option("--group", multiple=True, help="A column that tells several series of one column apart.")
@click.option("--covariate", multiple=True, help="A column of numbers that are known beforehand.")
@click.option(
    "--gaps",
    type=click.Choice(GAPS),
    default=GAPS[0],
    show_default=True,
    help="Missing time stamps and numbers: an error, or the line between those before and after.",
)
@click.option(
    "--valid-from",
    help="From this time stamp on the best epoch is chosen, given windows enough. [default: --validation's share]",
)
@click.option(
    "--test-from", help="The time stamp from which on the finished model is scored. [default: --test-size's share]"
)
@click.option(
    "--test-size",
    default=0.2,
    show_default=True,
    help="Share of each series, its end, to hold out of everything and to score the finished model on.",
)
@encoding_option
@output_options
@takes_options_of(ForecastConfig)
def forecast(
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
    network. Covariates are numbers that are known beforehand, such as a price or a holiday; rows at the end that have
    them and no value tell of the time to come.

    Beside the network's scores, from rolling origins in the end that was held out, stand those of repeating the last
    value, of the value a season before, and of a linear autoregression, which the network begins as.
    """
    check_share(test_size)
    named = [*([time] if time else []), *value, *group, *covariate]
    if len(set(named)) < len(named):
        raise OptionError(f"the columns {in_words(named)} are not all different")
    ForecastConfig.from_dict(options)  # wrong values are told before the file is read
    model = Forecaster(**options)
    with output(out, force, resume, quiet) as place:
        series = read_series(file, time, value, group, covariate, encoding, gaps)
        if not quiet:
            say(noticed(file, series))
        if test_from:
            ends = ends_before(series, test_from, "test_from")
        else:
            ends = [round(len(one) * (1 - test_size)) for one in series]
        kept = [one.until(end) for one, end in zip(series, ends, strict=True)]

        def finished() -> None:
            held = any(end < len(one) for one, end in zip(series, ends, strict=True))
            if held:
                model.annotate(test=model.backtest(series, ends).scores)
            if model.examined_:
                of = "held-out end" if held else "validation part"
                model.annotate(report=page(model.examined_, model.bundle_.training, of))

        columns = {
            "time": time or "",
            "value": list(value),
            "group": list(group),
            "covariate": list(covariate),
            "gaps": gaps,
        }
        events = model.fit_events(kept, valid_from=valid_from, partial=place.partial)
        place.train(model, events, finished, columns, file=file.name)
    if not quiet:
        report(model.bundle_.training, out, file)


def noticed(file: Path, series: list[Series]) -> str:
    """What reading the file showed."""
    lengths = sorted(len(one) for one in series)
    some = f"{lengths[0]:,}" if lengths[0] == lengths[-1] else f"{lengths[0]:,} to {lengths[-1]:,}"
    first = series[0]
    ahead = len(first.stamps_A) - len(first)
    known = f"; covariates known for {ahead:,} more steps" if first.known_AX.shape[1] and ahead else ""
    begin, end = (written(first.stamps_A[place]) for place in (0, len(first) - 1))
    return f"{file}: {len(series):,} series of {some} values, {begin} to {end}{known}"


def report(training: dict[str, Any], out: Path, file: Path) -> None:
    """The scores on what was not trained on, and what to do next."""
    if "test" in training:
        show_forecasts(training["test"], "the held-out end")
    elif "validation" in training:
        show_forecasts(training["validation"], "the validation part")
        if training["validation_windows"] >= ENOUGH_TO_CHOOSE:
            say("This part chose the best epoch, so the scores are a little kind; --test-size 0.2 holds out another.")
    else:
        say("Nothing was held out, so there are no scores.")
    say_where(out, "forecasts to look at", f"anaphora predict {out} --file {file}")
