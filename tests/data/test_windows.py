"""A corpus, its windows, and what of a text is held out."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.errors import DataError
from anaphora.tasks.language.corpus import Corpus, write
from anaphora.tasks.language.documents import Column, Documents, TextFiles, Texts, held_out, read_documents
from anaphora.tasks.language.windows import Windows

END = 1


def encode(texts: list[str]) -> list[np.ndarray]:
    return [np.array([ord(letter) for letter in text], np.int32) for text in texts]


def corpus_of(*documents: str, closed: bool = False, file: Path | None = None) -> Corpus:
    return write(Texts(documents), encode, 256, END, closed, file)


DOCUMENTS = st.lists(st.text("abc", max_size=12), min_size=1, max_size=6)


@pytest.mark.parametrize("closed", [False, True])
@given(DOCUMENTS)
def test_a_corpus_holds_every_document_after_its_end_sign(closed: bool, documents: list[str]) -> None:
    corpus = corpus_of(*documents, closed=closed)
    assert corpus.documents == len(documents)
    for document, first, past in zip(documents, corpus.starts, corpus.starts[1:], strict=False):
        expected = [END, *map(ord, document), *[END] * closed]
        assert corpus.ids[first:past].tolist() == expected
    assert corpus.targets == sum(map(len, documents)) + closed * len(documents)
    assert corpus.characters == sum(map(len, documents))


def test_a_corpus_on_disk_is_the_same(tmp_path: Path) -> None:
    documents = ["ab" * 1000, "", "c"] * 400
    kept, mapped = corpus_of(*documents), corpus_of(*documents, file=tmp_path / "ids")
    assert isinstance(mapped.ids, np.memmap)
    assert mapped.ids.dtype == np.uint16
    assert np.array_equal(kept.ids, mapped.ids)
    assert np.array_equal(kept.starts, mapped.starts)


@given(DOCUMENTS, st.integers(1, 5), st.integers(1, 9))
def test_windows_hold_every_target_once_with_what_stands_before_it(
    documents: list[str], streams: int, length: int
) -> None:
    corpus = corpus_of(*documents)
    windows = Windows(corpus, streams, length)
    seen = np.zeros(corpus.targets, int)
    for window in windows.in_order():
        ids_RT, lengths_R = windows.batch(window).inputs
        numbers = windows.numbers(window)
        seen[numbers] += 1
        inputs = [id for row, n in zip(ids_RT, lengths_R, strict=True) for id in row[:n]]
        places = corpus.indices(numbers)
        assert inputs == corpus.ids[places - 1].tolist()
        assert windows.batch(window).targets.tolist() == corpus.ids[places].tolist()
        assert windows.count(window) == len(numbers)
    assert (seen == 1).all()


@given(DOCUMENTS, st.integers(1, 4), st.integers(1, 9))
def test_a_row_goes_on_only_within_its_document(documents: list[str], streams: int, length: int) -> None:
    corpus = corpus_of(*documents)
    windows = Windows(corpus, streams, length)
    last_of_stream: dict[int, int] = {}
    for window in windows.in_order():
        batch = windows.batch(window)
        assert batch.carry is not None
        numbers, lengths = windows.numbers(window), batch.inputs[1]
        ends = np.cumsum(lengths)
        for row, stream in enumerate(batch.carry.enters_R):
            first = numbers[ends[row] - lengths[row]]
            opens = corpus.indices(np.array([first]))[0] - 1 in corpus.starts
            if stream >= 0:
                assert first == last_of_stream[stream] + 1
                assert not opens
            else:
                assert opens or first in [len(windows) * s // streams for s in range(streams)]
        for stream, row in enumerate(batch.carry.leaves_S):
            if row >= 0:
                last_of_stream[stream] = numbers[ends[row] - 1]


def test_epochs_have_as_many_windows_with_borders_that_move() -> None:
    windows = Windows(corpus_of("abcdefghij" * 100), 3, 16)
    rng = np.random.default_rng(0)
    epochs = [windows.epoch(3, rng) for _ in range(5)]
    assert {len(epoch) for epoch in epochs} == {windows.steps} == {21}
    assert len({tuple(epoch) for epoch in epochs}) == 5
    for epoch in epochs:
        assert epoch[0].first == 0
        assert epoch[-1].past == windows.longest
        assert [window.past for window in epoch[:-1]] == [window.first for window in epoch[1:]]
        assert sum(map(windows.count, epoch)) == 1000
        assert all(8 <= window.past - window.first <= 24 for window in epoch)


def test_some_streams_begin_anew_within_an_epoch() -> None:
    windows = Windows(corpus_of("abcdefghij" * 1000), 4, 10)
    epoch = windows.epoch(4, np.random.default_rng(0))
    fresh = [window for window in epoch[1:] if window.fresh]
    assert 0.01 < sum(len(window.fresh) for window in fresh) / (4 * len(epoch)) < 0.04
    for window in fresh:
        carry = windows.batch(window).carry
        assert carry is not None
        assert {*np.flatnonzero(carry.enters_R < 0).tolist()} == {*window.fresh}
        assert (carry.leaves_S >= 0).all()


def text_of(documents: Documents) -> list[str]:
    return ["".join(document) for document in documents]


def test_of_one_text_the_tail_is_held_out_from_where_a_line_begins() -> None:
    text = "".join(f"line {n}\n" for n in range(1000))
    kept, held = held_out(Texts([text]), 0.1, np.random.default_rng(0))
    assert "".join(text_of(kept)) + "".join(text_of(held)) == text
    assert text_of(held)[0].startswith("line 9")
    assert 0.09 < len(text_of(held)[0]) / len(text) < 0.1


def test_a_text_of_one_line_is_cut_where_it_is() -> None:
    kept, held = held_out(Texts(["a" * 100]), 0.1, np.random.default_rng(0))
    assert (text_of(kept), text_of(held)) == (["a" * 90], ["a" * 10])


@pytest.mark.parametrize("text", ["x" * 50_000 + "\n", "word " * 10_000 + "\n", "short\n" * 100 + "x" * 30_000 + "\n"])
def test_a_tail_within_the_last_line_is_held_out_too(text: str) -> None:
    kept, held = held_out(Texts([text]), 0.1, np.random.default_rng(0))
    assert "".join(text_of(kept)) + "".join(text_of(held)) == text
    assert 0.09 < len("".join(text_of(held))) / len(text) < 0.11


def test_of_many_documents_whole_ones_are_held_out_and_equal_ones_together() -> None:
    documents = [f"text {n // 2}" for n in range(400)]
    kept, held = held_out(Texts(documents), 0.2, np.random.default_rng(0))
    assert sorted(text_of(kept) + text_of(held)) == sorted(documents)
    assert len(text_of(held)) == 80
    assert not {*text_of(kept)} & {*text_of(held)}


def test_a_short_text_keeps_all() -> None:
    kept, held = held_out(Texts(["abc"]), 0.5, np.random.default_rng(0), 100)
    assert (text_of(kept), text_of(held)) == (["abc"], [])


def test_files_folders_and_tables_are_read(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"two\r\nlines")
    (tmp_path / "a.txt").write_text("x" * 300_000 + "\nend", encoding="utf-8")
    (tmp_path / "rows.csv").write_text("text,n\nhello,1\nworld,2\n", encoding="utf-8")
    (tmp_path / "none").mkdir()
    assert text_of(read_documents([tmp_path], (), "utf-8")) == ["x" * 300_000 + "\nend", "two\r\nlines"]
    assert text_of(read_documents([tmp_path / "rows.csv"] * 2, ("text",), "utf-8")) == ["hello", "world"] * 2
    assert text_of(Column(tmp_path / "rows.csv", ("text", "n"))) == ["hello 1", "world 2"]
    with pytest.raises(DataError, match=r"is a table: say which column"):
        read_documents([tmp_path / "rows.csv"], (), "utf-8")
    with pytest.raises(DataError, match=r"without any \.txt"):
        read_documents([tmp_path / "none"], (), "utf-8")
    with pytest.raises(DataError, match="is not a file"):
        read_documents([tmp_path / "absent.txt"], (), "utf-8")


def test_a_text_that_is_not_utf8_is_refused_where_it_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("ab\ncafé".encode("latin-1"))
    with pytest.raises(DataError, match="line 2, byte 6: not utf-8"):
        text_of(TextFiles([tmp_path / "latin.txt"]))
    assert text_of(TextFiles([tmp_path / "latin.txt"], "latin-1")) == ["ab\ncafé"]
