"""Files to rows, streaming: CSV, TSV, JSON lines (each also .gz) and Parquet.

The same code reads for training and for prediction, so a file means the same to both.
"""

import codecs
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from anaphora.errors import DataError, UnknownColumn, did_you_mean, in_words
from anaphora.extras import load_extra

Row = dict[str, str]
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_LONGEST_FIELD = 2**31 - 1


def read(path: Path, columns: Sequence[str] = (), encoding: str = "utf-8") -> Iterator[Row]:
    """Yield the rows of a file, `{column: text}`, one at a time; a missing value is an empty text.

    Raises DataError for a file that is absent, empty, of an unknown kind or not in `encoding`, and for a row with too
    many or too few fields; UnknownColumn where one of `columns` is not in the file.
    """
    if not path.is_file():
        raise DataError(f"{path} is not a file")
    kind = file_kind(path)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    if kind == ".parquet":
        yield from _parquet(path, columns)
        return
    rows = _json_lines if kind == ".jsonl" else _delimited
    with opened_text(path, encoding) as lines:
        yield from rows(path, lines, columns)


@contextmanager
def opened_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """A file of text (also .gz), its line ends as they are. Raises DataError for one that is not in `encoding`."""
    if not path.is_file():
        raise DataError(f"{path} is not a file")
    name = codec(encoding)
    try:
        with io.TextIOWrapper(_open_bytes(path), encoding=name, newline="") as lines:
            yield lines
    except UnicodeDecodeError as error:
        raise _where_not_decodable(path, encoding) from error
    except UnicodeError as error:  # of UTF-16 and UTF-32, whose first bytes say how the others lie
        raise DataError(f"{path}: not {encoding} ({error}); {name}-le or {name}-be needs no such mark") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file: {error}") from error


def file_kind(path: Path) -> str:
    """The file's format by its name: one of FORMATS. Raises DataError for another."""
    name = path.name.lower().removesuffix(".gz")
    for kind in FORMATS:
        if name.endswith(kind):
            return kind
    raise DataError(f"{path}: cannot tell the format from the name; it must end in {in_words(FORMATS)} (or .gz of it)")


def _open_bytes(path: Path) -> Any:
    return gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")


def codec(encoding: str) -> str:
    """Python's name of an encoding. Raises DataError for one that is not known."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)  # refuses what is a codec but no encoding of text, such as rot13
    except LookupError:
        raise DataError(f"encoding {encoding!r} is not known; try utf-8, latin-1, cp1252 or utf-16") from None
    return "utf-8-sig" if name == "utf-8" else name  # a byte order mark at the start is no text


def _delimited(path: Path, lines: IO[str], columns: Sequence[str]) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    # strict: an unclosed quote is an error, and does not swallow the rest of the file
    reader = csv.reader(lines, delimiter="\t" if file_kind(path) == ".tsv" else ",", strict=True)
    begun = 0
    names: list[str] = []
    try:
        for fields in reader:
            at, begun = begun + 1, reader.line_num
            if not fields:
                continue  # a blank line
            if not names:
                names = fields
                _check_header(path, names, columns)
                continue
            if len(fields) != len(names):
                raise DataError(
                    f"{path}, line {at}: {len(fields)} fields, but the header has {len(names)}; a field with a "
                    f"separator or a line end in it must stand in double quotes"
                )
            yield dict(zip(names, fields, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}, line {begun + 1}: {error} (is a double quote not closed?)") from error
    if not names:
        raise DataError(f"{path} is empty")


def _check_header(path: Path, names: Sequence[str], columns: Sequence[str]) -> None:
    if len(names) == 1 and columns and columns[0] not in names:
        for separator, called in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
            if separator in names[0]:
                raise DataError(
                    f"{path}: the columns are separated by {called}; save it with commas (.csv) or tabs (.tsv)"
                )
    _check_columns(path, columns, names)
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{path}: the header names {in_words(map(repr, twice))} more than once")


def _json_lines(path: Path, lines: IO[str], columns: Sequence[str]) -> Iterator[Row]:
    first = True
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {number}: not JSON: {error}") from error
        if not isinstance(values, dict):
            raise DataError(f"{path}, line {number}: a JSON object is needed, such as {{'text': 'a film'}}")
        if first:
            _check_columns(path, columns, list(values))
            first = False
        yield dict.fromkeys(columns, "") | {name: _as_text(value) for name, value in values.items()}


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    polars = load_extra("polars")
    try:
        frame = polars.scan_parquet(path)
        _check_columns(path, columns, frame.collect_schema().names())
        for part in frame.collect_batches():
            for row in part.iter_rows(named=True):
                yield {name: _as_text(value) for name, value in row.items()}
    except polars.exceptions.PolarsError as error:
        raise DataError(f"{path} is not a whole Parquet file: {' '.join(str(error).split())}") from error


def _as_text(value: Any) -> str:
    """A JSON value as the text that a CSV would hold: 1 -> "1", true -> "true", null -> ""."""
    if value is None:
        return ""
    return replace_surrogates(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def replace_surrogates(text: str) -> str:
    """The text with a replacement character for each unpaired surrogate, which JSON can hold and UTF-8 cannot."""
    return _HALF_CHARACTER.sub("\ufffd", text)


def _check_columns(path: Path, wanted: Sequence[str], present: Sequence[str]) -> None:
    for name in wanted:
        if name not in present:
            meant = did_you_mean(name, present) or "."
            raise UnknownColumn(f"{name!r} is not a column of {path}{meant} Columns: {in_words(present)}")


def _where_not_decodable(path: Path, encoding: str) -> DataError:
    """Read the file once more, to name the line and the byte."""
    decoder = codecs.getincrementaldecoder(codec(encoding))()
    line, read_so_far = 1, 0
    with _open_bytes(path) as raw:
        while True:
            piece = raw.read(1 << 16)
            try:
                line += decoder.decode(piece, final=not piece).count("\n")
            except UnicodeDecodeError as error:
                # The decoder's input is this piece, preceded by what the last one left undecoded.
                place = read_so_far - (len(error.object) - len(piece)) + error.start
                line += error.object[: error.start].count(b"\n")
                break
            read_so_far += len(piece)
    return DataError(
        f"{path}, line {line}, byte {place}: not {encoding}; say which encoding the file has, such as "
        f"--encoding latin-1 or --encoding cp1252"
    )
