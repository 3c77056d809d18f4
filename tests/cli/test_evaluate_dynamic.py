"""`anaphora evaluate --dynamic`."""

import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from anaphora import LanguageModel
from anaphora.cli import main
from anaphora.tasks.language.scores import dynamic_verdict

Run = Callable[..., Any]
TEXT = "Anna sees Otto.\nOtto sees Emma.\n" * 30
STRANGER = "Mango sees Otto.\n" * 30
SIZES: dict[str, Any] = {"hidden_size": 16, "embedding_size": 8, "layers": 1, "batch_size": 4, "window": 16}


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a language model. Nobody writes to it."""
    folder = tmp_path_factory.mktemp("writer") / "model"
    LanguageModel(**SIZES, learning_rate=0.02, steps=60).fit(TEXT + "Mgo", "Anna sees Otto.\n").save(folder)
    return folder


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    file = tmp_path / "stranger.txt"
    file.write_text(STRANGER)
    return file


def test_both_rows_stand_in_the_table_and_a_sentence_says_what_it_brings(
    run: Run, writer: Path, stranger: Path
) -> None:
    done = run("evaluate", writer, stranger, "--dynamic")
    assert (done.code, done.err) == (0, "")
    rows = [line.split("  ")[0] for line in done.out.splitlines()]
    assert rows.index("network, dynamic") == rows.index("network") + 1
    assert "With dynamic evaluation the network is better by " in done.out
    assert "dynamic" not in run("evaluate", writer, stranger).out


def test_the_json_has_the_dynamic_scores_beside_the_static_ones(run: Run, writer: Path, stranger: Path) -> None:
    with_it = json.loads(run("evaluate", writer, stranger, "--dynamic", "--json").out)
    without = json.loads(run("evaluate", writer, stranger, "--json").out)
    assert with_it["dynamic"]["perplexity"] < with_it["perplexity"]
    assert {*with_it.pop("dynamic")} == {"perplexity", "bits_per_character", "next_token_accuracy"}
    assert with_it == without


def test_the_page_has_both_rows(run: Run, writer: Path, stranger: Path, tmp_path: Path) -> None:
    assert run("evaluate", writer, stranger, "--dynamic", "--report", tmp_path / "page.html").code == 0
    assert "network, dynamic" in (tmp_path / "page.html").read_text()


def test_a_terminal_shows_how_far_it_has_come(
    writer: Path, stranger: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(SystemExit):
        main(["evaluate", str(writer), str(stranger), "--dynamic"])
    assert "10 of 26 windows " in sys.stderr.getvalue()  # type: ignore[attr-defined]  # of the terminal here
    capsys.readouterr()


def test_a_classifier_is_refused(run: Run, saved: Path, toy_csv: Path) -> None:
    refused = run("evaluate", saved, toy_csv, "--dynamic")
    assert (refused.code, refused.out) == (2, "")
    assert "--dynamic is not for" in refused.err


@pytest.mark.parametrize(("after", "said"), [(90.0, "better by 10.0%"), (110.0, "worse by 10.0%")])
def test_the_sentence_says_which_way_it_went(after: float, said: str) -> None:
    assert said in dynamic_verdict({"perplexity": 100.0, "dynamic": {"perplexity": after}})
