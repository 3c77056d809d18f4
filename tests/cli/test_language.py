"""`anaphora train language`, `generate`, and `evaluate` for language models."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from anaphora import LanguageModel, load

HELLO = "hello world\n" * 300
TINY = ("--hidden-size", 16, "--embedding-size", 8, "--layers", 1, "--batch-size", 4, "--window", 16)
QUICK = (*TINY, "--learning-rate", 0.02, "--dropout", 0, "--layer-dropout", 0, "--locked-dropout", 0)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    file = tmp_path / "book.txt"
    file.write_text(HELLO, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model that has learned to write "hello world". Nobody writes to it."""
    folder = tmp_path_factory.mktemp("writer") / "model"
    options: dict[str, Any] = {"hidden_size": 24, "embedding_size": 12, "layers": 1, "batch_size": 4, "window": 16}
    nothing_dropped = {"dropout": 0.0, "layer_dropout": 0.0, "locked_dropout": 0.0}
    LanguageModel(**options, **nothing_dropped, learning_rate=0.02, steps=120).fit(HELLO).save(folder)
    return folder


def test_a_text_becomes_a_model_with_a_page_and_a_card(run: Any, book: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    done = run("train", "language", book, "--out", out, "--steps", 60, "--test-size", 0.2, *QUICK)
    assert done.code == 0, done.err
    assert "n-gram model" in done.out
    assert "test tokens" in done.out
    assert "perplexity" in done.err  # an epoch's line
    assert f"anaphora generate {out}" in done.err
    facts = json.loads((out / "config.json").read_text(encoding="utf-8"))["training"]
    assert facts["file"] == "book.txt"
    assert facts["test"]["n"] > 0 < facts["validation"]["n"]
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "test text" in page
    assert "hello" in page
    assert "perplexity" in (out / "README.md").read_text(encoding="utf-8")
    assert not (tmp_path / "model.partial").exists()


@pytest.mark.parametrize("level", ["char", "word", "bpe"])
def test_every_level_trains_on_files_folders_and_gz(run: Any, tmp_path: Path, level: str) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(HELLO, encoding="utf-8")
    with gzip.open(folder / "b.txt.gz", "wt", encoding="utf-8") as out:
        out.write(HELLO)
    out_folder = tmp_path / "model"
    done = run("train", "language", folder, "--level", level, "--out", out_folder, "--steps", 5, *QUICK)
    assert done.code == 0, done.err
    assert load(out_folder).bundle_.task.closed  # two documents


def test_rows_of_a_table_are_documents(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    rows = "".join(f"row {n % 7} says hello,{n}\n" for n in range(150))
    file.write_text("text,n\n" + rows, encoding="utf-8")
    out = tmp_path / "model"
    assert run("train", "language", file, "--text", "text", "--out", out, "--steps", 5, *QUICK).code == 0
    model = load(out)
    assert model.bundle_.columns == {"text": ["text"]}
    assert model.bundle_.task.closed
    scored = run("evaluate", out, file, "--json")
    assert json.loads(scored.out)["n"] == len("row 1 says hello") * 150 + 150
    missing = run("train", "language", file, "--out", tmp_path / "other", *QUICK)
    assert missing.code == 2
    assert "name the column of the texts with --text" in missing.err


def test_a_stopped_training_continues_to_the_same_model(run: Any, book: Path, tmp_path: Path, monkeypatch: Any) -> None:
    how = ("--learning-rate", 0.02, "--patience", 9)
    arguments = ("--steps", 40, "--validation", 0.3, "--weight-drop", 0.1, "--dropout", 0.2, *TINY, *how)
    assert run("train", "language", book, "--out", tmp_path / "whole", *arguments).code == 0

    from anaphora.train import loop

    sane = loop.check_sane

    def stop(loss: float, norm: float, step: int) -> None:
        if step == 23:
            raise KeyboardInterrupt
        sane(loss, norm, step)

    monkeypatch.setattr("anaphora.train.checkpoint.EVERY_SECONDS", 0.0)
    monkeypatch.setattr(loop, "check_sane", stop)
    assert run("train", "language", book, "--out", tmp_path / "parts", *arguments).code == 130
    monkeypatch.setattr(loop, "check_sane", sane)
    again = run("train", "language", book, "--out", tmp_path / "parts", *arguments, "--resume")
    assert again.code == 0, again.err
    assert "resumed after step" in again.err
    whole, parts = (tmp_path / name / "model.safetensors" for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()


def test_generate_writes_what_was_learned(run: Any, writer: Path) -> None:
    done = run("generate", writer, "--prompt", "h", "--length", 10, "--temperature", 0)
    assert (done.code, done.out) == (0, "hello world\n")
    stopped = run("generate", writer, "--prompt", "h", "--length", 50, "--temperature", 0, "--stop", "world")
    assert stopped.out == "hello \n"


def test_the_same_seed_gives_the_same_text_and_no_seed_a_new_one(run: Any, writer: Path) -> None:
    how = (writer, "--length", 60, "--temperature", 3)
    first, again, other = (run("generate", *how, "--seed", seed).out for seed in (1, 1, 2))
    assert first == again != other
    unseeded = run("generate", *how)
    seed = unseeded.err.split("--seed ")[1].split()[0]
    assert run("generate", *how, "--seed", seed).out == unseeded.out


def test_several_samples_are_written_side_by_side(run: Any, writer: Path) -> None:
    done = run("generate", writer, "--samples", 3, "--length", 20, "--temperature", 2, "--json", "--seed", 4)
    samples = [json.loads(line) for line in done.out.splitlines()]
    assert [sample["sample"] for sample in samples] == [1, 2, 3]
    assert len({sample["text"] for sample in samples}) == 3
    alone = run("generate", writer, "--length", 20, "--temperature", 2, "--seed", 4)
    assert alone.out == samples[0]["text"] + "\n"
    plain = run("generate", writer, "--samples", 2, "--length", 20, "--temperature", 2, "--seed", 4)
    assert plain.out == "".join(sample["text"] + "\n" for sample in samples[:2])


def test_unknown_characters_of_a_prompt_are_named(run: Any, writer: Path) -> None:
    done = run("generate", writer, "--prompt", "hé", "--length", 5)
    assert done.code == 0
    assert "read as [UNK]: 'é'" in done.err


@pytest.mark.parametrize("precision", ["auto", "bfloat16", "int8"])
def test_every_precision_writes(run: Any, writer: Path, precision: str) -> None:
    done = run("generate", writer, "--prompt", "h", "--length", 10, "--temperature", 0, "--precision", precision)
    assert done.out == "hello world\n"


def test_evaluate_shows_the_network_beside_the_n_gram_model(run: Any, writer: Path, tmp_path: Path) -> None:
    file = tmp_path / "more.txt"
    file.write_text("hello world\n" * 9, encoding="utf-8")
    done = run("evaluate", writer, file)
    assert "bits per character" in done.out
    assert "unigram" in done.out
    scores = json.loads(run("evaluate", writer, file, "--json", "--streams", 1).out)
    assert {"perplexity", "bits_per_character", "next_token_accuracy", "n", "baselines"} <= set(scores)
    assert set(scores["baselines"]) == {"ngram", "unigram"}
    assert run("evaluate", writer, file, "--report", tmp_path / "page.html").code == 0
    assert "evaluated text" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_inspect_shows_it(run: Any, writer: Path) -> None:
    done = run("inspect", writer)
    assert done.code == 0
    assert "Head" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--temperature", -1), "temperature=-1.0 is out of range"),
        (("--length", 0), "0 is not in the range x>=1"),
        (("--samples", 0), "0 is not in the range x>=1"),
        (("--top-p", 2), "top_p=2.0 is out of range"),
        (("--top-k", -1), "top_k=-1 is out of range"),
        (("--repetition-penalty", 0.5), "repetition_penalty=0.5 is out of range"),
        (("--stop", ""), "stop='' would stop at once"),
    ],
)
def test_generate_refuses_what_makes_no_sense(run: Any, writer: Path, arguments: Any, said: str) -> None:
    done = run("generate", writer, *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.out == ""


def test_models_of_the_other_kind_are_refused(run: Any, writer: Path, saved: Path, book: Path) -> None:
    written = run("generate", saved)
    assert written.code == 2
    assert "is a model for the task 'classify': generate is for language models" in written.err
    labelled = run("predict", writer, "a text")
    assert labelled.code == 2
    assert f"is a language model, which labels nothing: use anaphora generate {writer}" in labelled.err
    assert run("evaluate", writer, book, "--label", "label").code == 2
    assert run("evaluate", saved, book, "--streams", 2).code == 2


@pytest.mark.parametrize(("content", "said"), [(b"", "the training text is empty"), (b"ab\xff\n", "not utf-8")])
def test_texts_that_cannot_be_read_are_refused(run: Any, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "bad.txt"
    file.write_bytes(content)
    done = run("train", "language", file, "--out", tmp_path / "model", *QUICK)
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "model.partial").exists()


def test_a_model_is_kept_when_the_text_to_score_it_on_is_no_good(run: Any, book: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    out = ("--out", tmp_path / "model", "--steps", 2, *QUICK)
    done = run("train", "language", book, "--test", tmp_path / "empty.txt", *out)
    assert done.code == 2
    assert "the text to score is empty" in done.err
    assert load(tmp_path / "model").generate("h", 3)
    missing = run("train", "language", book, "--test", tmp_path / "absent.txt", *out, "--force")
    assert "is not a file" in missing.err
    assert "steps" not in missing.err  # told before the training


def test_half_a_character_of_a_prompt_is_mended(run: Any, writer: Path) -> None:
    done = run("generate", writer, "--prompt", "h\udcff", "--length", 3, "--seed", 1)
    assert done.code == 0
    assert done.out.startswith("h\ufffd")


def test_wrong_wishes_are_told_before_the_text_is_read(run: Any, book: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "model")
    for wrong, said in (
        (("--test-size", 1), "test_size=1.0 is out of range"),
        (("--test", book, "--test-size", 0.1), "give one of them"),
        (("--tied", "--embedding-size", 3, "--hidden-size", 4), "make them equal"),
        (("--level", "letter"), "is not one of"),
    ):
        done = run("train", "language", book, *out, *wrong)
        assert done.code == 2
        assert said in done.err
    assert run("train", "language", tmp_path / "absent.txt", *out).code == 2
