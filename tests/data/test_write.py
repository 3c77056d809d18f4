import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from anaphora.data.read import read
from anaphora.data.write import write_rows
from anaphora.errors import DataError, OutputExists

ROWS = [{"text": 'a "quote",\nand\ta tab', "n": "1"}, {"text": "ümlaut 😀", "n": ""}]


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl"])
def test_what_is_written_is_read_back(name: str, tmp_path: Path) -> None:
    assert write_rows(ROWS, tmp_path / name) == 2
    assert list(read(tmp_path / name)) == ROWS


def test_json_lines_keep_letters_as_they_are(tmp_path: Path) -> None:
    write_rows(ROWS, tmp_path / "rows.jsonl")
    assert json.loads((tmp_path / "rows.jsonl").read_text().split("\n")[1]) == ROWS[1]
    assert "ümlaut 😀" in (tmp_path / "rows.jsonl").read_text()


def test_without_a_file_rows_go_to_stdout_as_csv(capsys: pytest.CaptureFixture[str]) -> None:
    write_rows([{"a": 1, "b": "x,y"}], None)
    assert capsys.readouterr().out == 'a,b\n1,"x,y"\n'


def test_an_existing_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("mine")
    with pytest.raises(OutputExists, match="--force"):
        write_rows(ROWS, tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text() == "mine"


def test_an_existing_file_is_replaced_by_force(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("mine")
    write_rows(ROWS, tmp_path / "rows.csv", force=True)
    assert list(read(tmp_path / "rows.csv")) == ROWS


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv.gz", "rows.xlsx"])
def test_a_format_that_is_not_written_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\.csv"):
        write_rows(ROWS, tmp_path / name)


def broken() -> Iterator[dict[str, str]]:
    yield ROWS[0]
    raise DataError("the source broke")


@pytest.mark.parametrize("force", [False, True])
def test_rows_that_break_off_leave_the_folder_as_it_was(force: bool, tmp_path: Path) -> None:
    if force:
        (tmp_path / "rows.csv").write_text("mine")
    with pytest.raises(DataError, match="the source broke"):
        write_rows(broken(), tmp_path / "rows.csv", force)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"] * force


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    write_rows(ROWS, tmp_path / "new" / "rows.csv")
    assert (tmp_path / "new" / "rows.csv").is_file()


def test_a_row_with_a_column_that_the_first_lacks_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="note"):
        write_rows([{"text": "x"}, {"text": "y", "note": "z"}], tmp_path / "rows.csv")
