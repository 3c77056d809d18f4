import csv
import gzip
import io
import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import polars
import pytest

from anaphora.data import read as reading
from anaphora.data.read import read
from anaphora.errors import DataError, MissingExtra, UnknownColumn

ROWS = [{"text": 'He said "no",\nthen left', "label": "a"}, {"text": "tab\there, comma", "label": "b"}]
FEW_KINDS = ("csv", "tsv", "jsonl")


def put(file: Path, content: str | bytes) -> Path:
    content = content.encode() if isinstance(content, str) else content
    file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)
    return file


def as_kind(kind: str, rows: list[dict[str, str]], tmp_path: Path) -> str:
    if kind == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows)
    file = tmp_path / "plain"
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), delimiter="\t" if kind == "tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return file.read_bytes().decode()


def complaint(file: Path, *columns: str, **options: Any) -> str:
    """The message of the DataError that reading raises."""
    with pytest.raises(DataError) as caught:
        list(read(file, columns, **options))
    return str(caught.value)


# What can be read


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("kind", FEW_KINDS)
def test_rows_come_back_as_they_were_written(kind: str, ending: str, tmp_path: Path) -> None:
    file = put(tmp_path / f"rows.{kind}{ending}", as_kind(kind, ROWS, tmp_path))
    assert list(read(file, ["text", "label"])) == ROWS


@pytest.mark.parametrize("kind", FEW_KINDS)
def test_a_byte_order_mark_is_no_text(kind: str, tmp_path: Path) -> None:
    file = put(tmp_path / f"rows.{kind}", b"\xef\xbb\xbf" + as_kind(kind, ROWS, tmp_path).encode())
    assert list(read(file, ["text"])) == ROWS


def test_upper_case_endings_are_known(tmp_path: Path) -> None:
    assert list(read(put(tmp_path / "ROWS.CSV", "text\nx\n"))) == [{"text": "x"}]


def test_a_field_may_be_a_megabyte_long(tmp_path: Path) -> None:
    text = "word " * 220_000
    assert next(read(put(tmp_path / "long.csv", f"text\n{text}\n")))["text"] == text


@pytest.mark.parametrize("kind", FEW_KINDS)
def test_blank_lines_are_passed_over(kind: str, tmp_path: Path) -> None:
    content = as_kind(kind, [{"text": "x", "label": "a"}], tmp_path) + "\n\n"
    assert list(read(put(tmp_path / f"rows.{kind}", content))) == [{"text": "x", "label": "a"}]


def test_parquet_comes_back_as_text(tmp_path: Path) -> None:
    polars.DataFrame({"text": ["x", None], "stars": [1, 2], "no": [0, 0]}).write_parquet(tmp_path / "rows.parquet")
    rows = [{name: row[name] for name in ("text", "stars")} for row in read(tmp_path / "rows.parquet")]
    assert rows == [{"text": "x", "stars": "1"}, {"text": "", "stars": "2"}]


def test_a_parquet_row_keeps_all_its_columns(tmp_path: Path) -> None:
    polars.DataFrame({"text": ["x"], "id": [7]}).write_parquet(tmp_path / "rows.parquet")
    assert list(read(tmp_path / "rows.parquet", ["text"])) == [{"text": "x", "id": "7"}]


def test_missing_values_of_json_are_empty_texts(tmp_path: Path) -> None:
    file = put(tmp_path / "rows.jsonl", '{"text": "x", "label": 1}\n{"text": null, "label": true}\n{"label": "b"}\n')
    assert [(row["text"], row["label"]) for row in read(file, ["text"])] == [("x", "1"), ("", "true"), ("", "b")]


def test_another_encoding_is_read_when_named(tmp_path: Path) -> None:
    file = put(tmp_path / "rows.csv", "text\ncafé\n".encode("latin-1"))
    assert list(read(file, encoding="latin-1")) == [{"text": "café"}]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_what_lacks_its_byte_order_mark_is_told(encoding, tmp_path):
    file = put(tmp_path / "rows.csv", "text\nabcd\n".encode(f"{encoding}-le")[:20])
    with pytest.raises(DataError, match=rf"not {encoding} \(.*\); {encoding}-le or {encoding}-be needs no such mark"):
        list(read(file, encoding=encoding))


class Endless:
    """A binary file of rows that never ends, and counts what was taken from it."""

    def __init__(self) -> None:
        self.taken = 0

    def __call__(self, path: Path) -> Any:
        outer = self

        class Raw(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                start = b"text\n" if not outer.taken else b""
                content = (start + b"x\n" * (len(buffer) // 2 + 1))[: len(buffer)]
                buffer[: len(content)] = content
                outer.taken += len(content)
                return len(content)

        return io.BufferedReader(Raw())


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv"])
def test_the_first_rows_come_before_the_rest_is_read(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    endless = Endless()
    monkeypatch.setattr(reading, "_open_bytes", endless)
    rows: Iterator[dict[str, str]] = read(put(tmp_path / name, "not empty"), ["text"])
    assert [row["text"] for row in islice(rows, 3)] == ["x", "x", "x"]
    assert endless.taken < 1 << 20


@pytest.mark.data
def test_a_real_file_of_tweets_is_read_whole(real_data: Path) -> None:
    moods = [row["airline_sentiment"] for row in read(real_data / "airline" / "Tweets.csv", ["text"])]
    assert (len(moods), set(moods)) == (14_640, {"negative", "neutral", "positive"})


# What cannot, and what is said


@pytest.mark.parametrize("kind", [*FEW_KINDS, "parquet"])
def test_an_unknown_column_is_named_with_the_nearest_and_all(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"rows.{kind}"
    if kind == "parquet":
        polars.DataFrame(ROWS).write_parquet(file)
    else:
        put(file, as_kind(kind, ROWS, tmp_path))
    with pytest.raises(UnknownColumn, match=r"'lable'.* did you mean 'label'\? Columns: text, label"):
        next(read(file, ["text", "lable"]))


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.csv.gz", "rows.tsv.gz", "rows.parquet"])
def test_an_empty_file_is_called_empty(name: str, tmp_path: Path) -> None:
    assert "empty" in complaint(put(tmp_path / name, b""), "text")


def test_a_header_alone_gives_no_rows(tmp_path: Path) -> None:
    assert list(read(put(tmp_path / "rows.csv", "text,label\n"), ["text"])) == []


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("before", [0, 1, 70_000, 65_533, 131_072, 300_001])
def test_a_byte_that_is_not_utf8_is_found_by_line_and_number(
    before: int, mark: bytes, ending: str, tmp_path: Path
) -> None:
    content = mark + b"text\n" + "é\n".encode() * (before // 3) + b"x" * (before % 3)
    bad = content + b"\xff tail\nnext\n"
    file = put(tmp_path / f"rows.csv{ending}", bad)
    line = content.count(b"\n") + 1
    assert f"line {line}, byte {len(content)}: not utf-8" in complaint(file, "text")


def test_a_row_cut_within_a_character_is_found(tmp_path: Path) -> None:
    file = put(tmp_path / "rows.csv", b"text\nab\xc3")
    assert "line 2, byte 7" in complaint(file, "text")


@pytest.mark.parametrize("row", ["x,a,b", "x"])
def test_a_row_with_too_many_or_too_few_fields_is_named(row: str, tmp_path: Path) -> None:
    file = put(tmp_path / "rows.csv", f"text,label\nfine,a\n{row}\n")
    assert f"line 3: {row.count(',') + 1} fields, but the header has 2" in complaint(file, "text")


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    assert "'text' more than once" in complaint(put(tmp_path / "rows.csv", "text,text\nx,y\n"), "text")


@pytest.mark.parametrize("line", ['{"text": ', "[1, 2]", "text", "[" * 100_000])
def test_a_line_that_is_no_json_object_is_named(line: str, tmp_path: Path) -> None:
    assert "line 2" in complaint(put(tmp_path / "rows.jsonl", f'{{"text": "x"}}\n{line}\n'), "text")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_half_a_gzip_file_is_refused(share: float, tmp_path: Path) -> None:
    content = gzip.compress("".join(["text\n", *(f"{random.Random(i).random()}\n" for i in range(5_000))]).encode())
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(content[: int(len(content) * share)])
    assert "gzip" in complaint(file, "text")


def test_a_gzip_file_with_wrong_bytes_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress("".join(["text\n", *(f"{i * 7919}\n" for i in range(5_000))]).encode()))
    content[200:260] = bytes(60)
    (tmp_path / "rows.csv.gz").write_bytes(content)
    assert "gzip" in complaint(tmp_path / "rows.csv.gz", "text")


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.parquet"])
def test_a_file_that_is_not_what_its_name_says_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"text\nplain\n")
    assert name in complaint(tmp_path / name, "text")


def test_a_missing_file_and_a_folder_are_no_files(tmp_path: Path) -> None:
    assert "is not a file" in complaint(tmp_path / "absent.csv")
    assert "is not a file" in complaint(tmp_path)


def test_an_unknown_ending_is_refused_with_those_known(tmp_path: Path) -> None:
    assert ".csv, .tsv, .jsonl, .parquet" in complaint(put(tmp_path / "rows.xlsx", "x"))


@pytest.mark.parametrize("encoding", ["uft-8", "rot13", "hex"])
def test_an_unknown_encoding_is_refused(encoding: str, tmp_path: Path) -> None:
    assert encoding in complaint(put(tmp_path / "rows.csv", "text\nx\n"), encoding=encoding)


def test_parquet_without_polars_names_the_extra(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtra, match=r'pip install "anaphora\[parquet\]"'):
        next(read(put(tmp_path / "rows.parquet", b"PAR1")))
