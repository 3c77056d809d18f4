"""The commands of saved sequence models: evaluate, predict."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from anaphora.cli.console import counted, say
from anaphora.cli.options import Request
from anaphora.data.write import write_rows
from anaphora.errors import OptionError
from anaphora.report.examined import Examined
from anaphora.tasks.sequences.classifier import SequenceClassifier
from anaphora.tasks.sequences.regressor import SequenceRegressor
from anaphora.tasks.sequences.table import Columns, SequenceFile, is_arrays, numeric_targets, read_arrays, read_table

Model = SequenceClassifier | SequenceRegressor
COLUMN_OPTIONS = [
    click.Option(["--id", "id_column"], help="The column of the sequences' ids, if it is not named as in training."),
    click.Option(["--value"], multiple=True, help="A column of numbers, if it is not named as in training."),
    click.Option(["--order"], help="A column that sorts the rows of a sequence, if it is not named as in training."),
]
EVALUATE_OPTIONS = [
    *COLUMN_OPTIONS,
    click.Option(["--target"], help="The column of the targets, if it is not named as in training."),
]


def evaluate(
    model: Model,
    folder: Path,
    file: Path,
    encoding: str,
    id_column: str | None,
    value: tuple[str, ...],
    order: str | None,
    target: str | None,
) -> Examined:
    """Score a model on the sequences of a file and their targets."""
    stepwise = model.bundle_.task.options.stepwise
    if is_arrays(file):
        data = read_arrays(file, stepwise)
    else:
        columns = columns_of(model, folder, id_column, value, order, target)
        if not columns.target:
            raise OptionError(f"{folder} has no name for the column of targets: name it with --target")
        data = read_table(file, columns, stepwise, encoding)
    if isinstance(model, SequenceRegressor):
        return model.examine(data.rows, numeric_targets(file, data))
    return model.examine(data.rows, data.targets or [])


def columns_of(
    model: Model,
    folder: Path,
    id_column: str | None,
    value: tuple[str, ...],
    order: str | None,
    target: str | None = None,
) -> Columns:
    """The columns that the model reads, as in its training or as given."""
    given = {"id": id_column, "value": value, "order": order, "target": target}
    columns = Columns.of_model(model.bundle_.columns, **given)
    if columns is None:
        raise OptionError(f"{folder} has no names of columns: name them with --id and --value")
    return columns


PREDICT_OPTIONS = COLUMN_OPTIONS


def predict(
    model: Model, folder: Path, request: Request, id_column: str | None, value: tuple[str, ...], order: str | None
) -> None:
    """Write an answer for each sequence of a file, or for each of its steps."""
    if request.file is None:
        raise OptionError(f"{folder} reads sequences of numbers: give a file of them with --file")
    stepwise = model.bundle_.task.options.stepwise
    if is_arrays(request.file):
        data = read_arrays(request.file, stepwise, with_targets=False)
    else:
        columns = replace(columns_of(model, folder, id_column, value, order), target=None)
        data = read_table(request.file, columns, stepwise, request.encoding)
    count = write_rows(counted(answers(model, data, stepwise), "rows"), request.out, request.force)
    if request.out:
        say(f"{count:,} answers for {len(data):,} sequences are in {request.out}")


def answers(model: Model, data: SequenceFile, stepwise: bool) -> Iterator[dict[str, Any]]:
    """A row for each sequence, or for each step."""
    classifier = isinstance(model, SequenceClassifier)
    predicted = model.predict_proba(data.rows) if isinstance(model, SequenceClassifier) else model.predict(data.rows)
    labels = model.classes_.tolist() if isinstance(model, SequenceClassifier) else []
    for key, steps, answer in zip(data.ids, data.steps, predicted, strict=True):
        for step, one in zip(steps, answer, strict=True) if stepwise else [(None, answer)]:
            row = {data.id_name: key} | ({data.step_name: step} if stepwise else {})
            yield row | (of_labels(labels, one) if classifier else of_numbers(one))


def of_labels(labels: Sequence[Any], probabilities_K: Any) -> dict[str, Any]:
    best = int(probabilities_K.argmax())
    return {"predicted": labels[best], "probability": f"{probabilities_K[best]:.4f}"}


def of_numbers(answer: Any) -> dict[str, Any]:
    """One number, or a column for each number of a vector."""
    if np.ndim(answer) == 0:
        return {"predicted": float(answer)}
    return {f"predicted_{index}": float(number) for index, number in enumerate(answer)}
