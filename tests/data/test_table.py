from pathlib import Path

import pytest

from anaphora.data.table import read_table
from anaphora.errors import DataError

CONTENT = """title,body,mood
Up,we rose,good
Down,,bad
,,good
Up,we rose,bad
Gone,no mood,
Space,spaces,"  "
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(CONTENT)
    return tmp_path / "rows.csv"


def test_columns_are_joined_by_a_space_in_the_order_asked_for(file: Path) -> None:
    table = read_table(file, ["body", "title"], "mood", drop_missing=True)
    assert table.texts == ["we rose Up", "Down", "", "we rose Up"]


def test_labels_stand_beside_their_texts(file: Path) -> None:
    assert read_table(file, ["title"], "mood", drop_missing=True).labels == ["good", "bad", "good", "bad"]


def test_missing_labels_are_refused_and_counted(file: Path) -> None:
    with pytest.raises(DataError, match=r"2 of 6 rows of .*rows\.csv have no 'mood'; --drop-missing"):
        read_table(file, ["title"], "mood")


def test_rows_without_a_label_are_dropped_when_asked_and_counted(file: Path) -> None:
    assert read_table(file, ["title"], "mood", drop_missing=True).dropped_missing == 2


def test_only_the_first_row_of_a_text_is_kept_when_asked(file: Path) -> None:
    table = read_table(file, ["title", "body"], "mood", drop_missing=True, drop_duplicates=True)
    assert (table.labels, table.dropped_duplicates) == (["good", "bad", "good"], 1)


def test_empty_texts_are_kept_and_counted(file: Path) -> None:
    assert read_table(file, ["title", "body"], "mood", drop_missing=True).empty_texts == 1


def test_spaces_around_a_label_are_not_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\nx, a\ny,a \n")
    assert read_table(tmp_path / "rows.csv", ["text"], "label").labels == ["a", "a"]


def test_a_header_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\n")
    with pytest.raises(DataError, match="has a header but no rows"):
        read_table(tmp_path / "rows.csv", ["text"], "label")


def test_a_file_with_no_label_at_all_is_refused_even_when_dropping(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\nx,\n")
    with pytest.raises(DataError, match="no row of"):
        read_table(tmp_path / "rows.csv", ["text"], "label", drop_missing=True)


def test_a_parquet_column_may_be_named_twice(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    polars.DataFrame({"text": ["x", "y"]}).write_parquet(tmp_path / "rows.parquet")
    assert read_table(tmp_path / "rows.parquet", ["text"], "text").labels == ["x", "y"]
