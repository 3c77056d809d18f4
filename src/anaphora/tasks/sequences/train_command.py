"""`anaphora train sequences`: from a file of sequences to a model folder."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click
import numpy as np
from click.core import ParameterSource

from anaphora.cli.console import say
from anaphora.cli.options import FILE, Sections, encoding_option, takes_options_of
from anaphora.cli.training import check_share, output, output_options, say_where, show_scores, test_size_option
from anaphora.config import fields_of
from anaphora.data.split import split
from anaphora.errors import DataError, OptionError, in_words
from anaphora.estimators.rows import Rows
from anaphora.tasks.sequences.classifier import SequenceClassifier
from anaphora.tasks.sequences.regressor import SequenceRegressor
from anaphora.tasks.sequences.table import (
    Columns,
    SequenceFile,
    as_numbers,
    is_arrays,
    numeric_targets,
    read_arrays,
    read_table,
)
from anaphora.tasks.sequences.task import LabelsConfig, NumbersConfig

Model = SequenceClassifier | SequenceRegressor
OUTPUTS = ("auto", "label", "number")
MAX_LABELS = 20
"""Whole numbers with more different values than this are numbers and not labels, unless --output says otherwise."""


class SequencesCommand(Sections):
    config = LabelsConfig


@click.command("sequences", cls=SequencesCommand, short_help="Sequences of numbers -> labels or numbers.")
@click.argument("file", type=FILE)
@click.option("--id", "id_column", help="The column that says which rows of a table are one sequence.")
@click.option("--value", multiple=True, help="A column of numbers; give it again for several columns.")
@click.option("--target", help="The column of the targets.")
@click.option("--order", help="A column that sorts the rows of a sequence.  [default: the file's order]")
@click.option(
    "--output",
    "kind",
    type=click.Choice(OUTPUTS),
    default=OUTPUTS[0],
    show_default=True,
    help=f"What the targets are; auto: numbers if one has a fraction or more than {MAX_LABELS} differ, else labels.",
)
@test_size_option
@encoding_option
@output_options
@takes_options_of(LabelsConfig)
def train(
    file: Path,
    id_column: str | None,
    value: tuple[str, ...],
    target: str | None,
    order: str | None,
    kind: str,
    test_size: float,
    encoding: str,
    out: Path,
    force: bool,
    resume: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a model of sequences on FILE: a table (CSV, TSV, JSON lines, each also .gz, or Parquet), or .npz.

    \b
    anaphora train sequences sensors.csv --id device --value temperature --value load --target state --out model/
    anaphora train sequences sensors.csv --id device --value load --target wear --targets step --out model/
    anaphora train sequences arrays.npz --out model/

    A row of a table is a step; the rows with the same --id are one sequence. The target of a sequence is in all its
    rows, or in its last one; with --targets step each row has a target. An empty value is missing: --missing mask
    accepts it.

    A .npz file has the arrays x [N, T, D] or [N, T], and y with a target for each sequence or for each step. For
    sequences of unequal length, x is [sum of T, D], with their lengths [N].

    The same command with --resume continues a training that was stopped or killed, to the same model. A share of the
    sequences chooses the best epoch (--validation), another share scores the model (--test-size). Equal sequences are
    never on both sides of a split. The scores are compared with those of the most frequent label, or the mean, and of a
    linear model on summaries of the sequences.
    """
    check_share(test_size)
    columns = columns_to_train(file, id_column, value, target, order)
    explicit = explicit_options(options)
    stepwise = options["targets"] == "step"
    make_model(kind, explicit).check_options()  # report wrong options before the file is read
    with output(out, force, resume, quiet) as run:
        data = read_file(file, columns, stepwise, encoding)
        kind = kind_of(data, stepwise) if kind == "auto" else kind
        model = make_model(kind, explicit)
        targets = numeric_targets(file, data) if kind == "number" else data.targets or []
        if not quiet:
            say(summary(file, data, targets, kind, stepwise))
        kept, held = split_sequences(model, data.rows, targets, test_size, options["seed"])

        def finished() -> None:
            if held.rows:
                model.annotate(test=model.evaluate(held.rows, held.targets))
            if model.examined_:
                name = "test" if held.rows else "validation"
                model.annotate(report=model.examined_.page(model.bundle_.training, name))

        events = model.fit_events(kept.rows, kept.targets, partial=run.partial)
        run.train(model, events, finished, columns.to_dict() if columns else {}, file=file.name)
    if not quiet:
        show_scores(model.examined_, model.bundle_.training)
        say_where(out, "plots", f"anaphora predict {out} --file {file}")


def columns_to_train(
    file: Path, id_column: str | None, value: tuple[str, ...], target: str | None, order: str | None
) -> Columns | None:
    """The columns of a table; None for arrays. Raises OptionError for options that do not fit the file."""
    if is_arrays(file):
        if id_column or value or target or order:
            raise OptionError(f"{file} has arrays and no columns: --id, --value, --target and --order are for tables")
        return None
    if not id_column:
        raise OptionError(
            "--id is missing: name the column that says which rows are one sequence (a whole file as one sequence is "
            "nothing to learn from; anaphora train forecast continues a series)"
        )
    if not value or not target:
        raise OptionError(f"{'--value' if not value else '--target'} is missing: name the column")
    columns = Columns(id_column, value, target, order)
    check_different(columns)
    return columns


def check_different(columns: Columns) -> None:
    names = columns.names()
    if len(set(names)) < len(names) and not (columns.order in columns.value and len(set(names)) == len(names) - 1):
        raise OptionError(f"the columns {in_words(names)} are not all different")


def explicit_options(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were typed; the estimators have the defaults."""
    context = click.get_current_context()
    return {name: value for name, value in options.items() if typed_here(context, name)}


def typed_here(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is not ParameterSource.DEFAULT


def make_model(kind: str, explicit: dict[str, Any]) -> Model:
    """The estimator for labels or numbers; as long as it is not known, the one that has all options."""
    if kind != "number":
        return SequenceClassifier(**explicit)
    if unusable := sorted(set(explicit) - set(fields_of(NumbersConfig))):
        flags = ["--" + name.replace("_", "-") for name in unusable]
        raise OptionError(f"{in_words(flags)}: for labels only, and the targets are numbers; see --output")
    return SequenceRegressor(**explicit)


def read_file(file: Path, columns: Columns | None, stepwise: bool, encoding: str) -> SequenceFile:
    return read_table(file, columns, stepwise, encoding) if columns else read_arrays(file, stepwise)


def kind_of(data: SequenceFile, stepwise: bool) -> str:
    """Whether the targets are labels or numbers."""
    targets = data.targets or []
    one_each = list(chain.from_iterable(targets)) if stepwise else targets
    if any(isinstance(target, list) for target in one_each):
        return "number"  # a vector
    numbers = None if all(isinstance(target, bool) for target in one_each) else as_numbers(one_each)
    if numbers is None:
        return "label"
    fraction = any(not number.is_integer() for number in numbers)
    return "number" if fraction or len(set(numbers)) > MAX_LABELS else "label"


def split_sequences(
    model: Model, rows: Sequence[Any], targets: Sequence[Any], test_size: float, seed: int
) -> tuple[Rows, Rows]:
    """The sequences to train on, and the test sequences. Raises DataError as `fit` does, and where there is no test
    sequence.
    """
    profile, options = model._profile, model._options()
    checked, answers = profile.check(options, rows, targets)
    everything = Rows(checked, answers, profile.groups(checked))
    if not test_size:
        return everything, everything.take([])
    strata = profile.strata(options, answers)
    parts = split(everything.groups, strata, test_size, np.random.default_rng([seed, 1]))
    kept, held = profile.adjust(options, everything, parts)
    if not len(held):
        raise DataError("no sequence can be held out for --test-size: give --test-size 0, or more sequences")
    return everything.take(kept), everything.take(held)


def summary(file: Path, data: SequenceFile, targets: Sequence[Any], kind: str, stepwise: bool) -> str:
    """What the file holds, for a message."""
    lengths = sorted(map(len, data.rows))
    steps = f"{lengths[0]:,}" if lengths[0] == lengths[-1] else f"{lengths[0]:,} to {lengths[-1]:,}"
    of = "each step" if stepwise else "each sequence"
    one_each = list(chain.from_iterable(targets)) if stepwise else targets
    what = f"{len(set(one_each))} labels" if kind == "label" else "numbers"
    return f"{file}: {len(data):,} sequences of {steps} steps; the targets, one for {of}, are {what} (--output {kind})"
