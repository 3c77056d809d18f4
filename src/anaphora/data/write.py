"""Rows to a file: CSV, TSV or JSON lines; and facts as JSON."""

import csv
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from anaphora.data.read import file_kind
from anaphora.errors import DataError, OutputExists, in_words


def to_json(facts: Any) -> str:
    """Facts as JSON, which has no NaN and no infinity: null stands for them."""
    return json.dumps(finite(facts), indent=2, ensure_ascii=False, allow_nan=False)


def finite(facts: Any) -> Any:
    """The same with None for each number that is not finite, however deep."""
    if isinstance(facts, Mapping):
        return {key: finite(value) for key, value in facts.items()}
    if isinstance(facts, list | tuple):
        return [finite(value) for value in facts]
    return None if isinstance(facts, float) and not math.isfinite(facts) else facts


def check_absent(path: Path, force: bool) -> None:
    """Raise OutputExists where a file is there already, unless `force` says to replace it."""
    if path.exists() and not force:
        raise OutputExists(f"{path} exists already; choose another name, or replace it with --force")


@contextmanager
def replacing(path: Path, force: bool) -> Iterator[IO[str]]:
    """Open a file for writing that takes its name only when all is written. Raises OutputExists."""
    check_absent(path, force)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_rows(rows: Iterable[Mapping[str, Any]], path: Path | None, force: bool = False) -> int:
    """Write rows as they come, in the format that the name says (CSV to the standard output), and count them."""
    if path is None:
        return _write(rows, sys.stdout, ".csv")
    kind = file_kind(path)
    if kind == ".parquet" or path.name.endswith(".gz"):
        raise DataError(f"{path}: results are written as .csv, .tsv or .jsonl")
    with replacing(path, force) as out:
        return _write(rows, out, kind)


def _write(rows: Iterable[Mapping[str, Any]], out: IO[str], kind: str) -> int:
    count, writer = 0, None
    for count, row in enumerate(rows, 1):
        if kind == ".jsonl":
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            continue
        if writer is None:
            writer = csv.DictWriter(out, list(row), delimiter="\t" if kind == ".tsv" else ",", lineterminator="\n")
            writer.writeheader()
        if other := set(row) - set(writer.fieldnames):
            raise DataError(f"row {count} has columns that the first has not: {in_words(other)}; write .jsonl instead")
        writer.writerow(row)
    return count
