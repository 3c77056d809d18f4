"""`anaphora predict` and `anaphora evaluate` of a forecaster."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from anaphora.cli.console import say
from anaphora.tasks.forecast.series import Series, read_series
from anaphora.tasks.forecast.times import Step
from anaphora.data.write import check_absent, replacing, write_rows
from anaphora.errors import OptionError
from anaphora.tasks.forecast.estimator import Continuation, Forecaster
from anaphora.tasks.forecast.page import continuation_page
from anaphora.tasks.forecast.scores import Backtest
from anaphora.tasks.forecast.task import Forecast


def foretell(
    model: Forecaster, folder: Path, file: Path, out: Path | None, encoding: str, force: bool, report: Path | None
) -> None:
    """Write what comes after the series of a file: a row a step."""
    if report:
        check_absent(report, force)
    series = series_in(model, folder, file, encoding)
    found = model.forecast(series)
    columns = model.bundle_.columns
    step = cast(Forecast, model.bundle_.task).step
    count = write_rows(answer_rows(found, columns["time"] or "step", step), out, force)
    if out:
        say(f"{count:,} steps to come, in {out}")
    if report:
        with replacing(report, force) as page:
            facts = model.bundle_.training | {"file": file.name}
            page.write(continuation_page(model.pictured(series, found), found[0].levels, facts))
        say(f"The picture is in {report}")


def backtest(model: Forecaster, folder: Path, file: Path, encoding: str, begin: str | None) -> Backtest:
    """The scores on a file, from rolling origins after what was trained on."""
    series = series_in(model, folder, file, encoding)
    ended = "" if begin else ", which is where the training ended: --begin says another"
    begin = begin or model.bundle_.training.get("next_stamp")
    begins = [one.place(begin) if begin else 0 for one in series]
    if all(start >= len(one) for one, start in zip(series, begins, strict=True)):
        raise OptionError(f"{file} holds nothing from {begin} on{ended}")
    return model.backtest(series, begins)


def series_in(model: Forecaster, folder: Path, file: Path, encoding: str) -> list[Series]:
    columns = model.bundle_.columns
    if "value" not in columns:
        raise OptionError(f"{folder} was trained in Python and knows no column names: use it from Python")
    time, values, groups, covariates, gaps = (columns[name] for name in ("time", "value", "group", "covariate", "gaps"))
    return read_series(file, time or None, values, groups, covariates, encoding, gaps)


def answer_rows(found: list[Continuation], time: str, step: Step) -> Iterator[dict[str, Any]]:
    for one in found:
        for stamp, mean, quantiles in zip(one.stamps_h, one.mean_h, one.quantiles_hQ, strict=True):
            row: dict[str, Any] = {"series": one.name} if len(found) > 1 else {}
            row |= {time: step.shown(stamp), "mean": f"{mean:.6g}"}
            levels = zip(one.levels, quantiles, strict=True)
            yield row | {f"q{level:g}": f"{quantile:.6g}" for level, quantile in levels}
