"""Talk on stderr while a file goes by."""

import io
import sys

import pytest

from anaphora.cli.console import counted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_how_many_have_gone_by_and_is_left_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert list(counted(iter(range(2_500)), "rows")) == list(range(2_500))
    first, second, blank, end = sys.stderr.getvalue().split("\r")[1:]
    assert first.startswith("1,000 rows ")
    assert second.startswith("2,000 rows ")
    assert (blank.strip(), end) == ("", "")
    assert len(blank) >= len(second)


def test_a_known_length_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert len(list(counted(range(25), "rows", every=10))) == 25
    first, second, *_ = sys.stderr.getvalue().split("\r")[1:]
    assert first.startswith("10 of 25 rows ")
    assert second.startswith("20 of 25 rows ")


def test_a_file_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert len(list(counted(range(2_500), "rows"))) == 2_500
    assert sys.stderr.getvalue() == ""
