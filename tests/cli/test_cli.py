import csv
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anaphora import TextClassifier, load

Run = Callable[..., Any]
SCORES = ("accuracy", "macro_f1", "n", "per_class", "confusion_matrix")


@pytest.fixture
def scores(run: Run, saved: Path, toy_csv: Path) -> dict[str, Any]:
    """What `anaphora evaluate --json` prints."""
    done = run("evaluate", saved, toy_csv, "--json")
    assert (done.code, done.err) == (0, "")
    printed: dict[str, Any] = json.loads(done.out)
    return printed


# train


def test_training_writes_a_model_that_has_learned(train: Run, toy_csv: Path, tmp_path: Path, toy: Any) -> None:
    assert train(toy_csv, tmp_path / "model").code == 0
    assert load(tmp_path / "model").score(*toy) > 0.9


def test_training_talks_on_stderr_and_scores_on_stdout(train: Run, toy_csv: Path, tmp_path: Path) -> None:
    done = train(toy_csv, tmp_path / "model")
    assert "epoch   1 " in done.err
    assert "80 rows, 2 labels" in done.err
    assert "epoch   1 " not in done.out
    assert "linear" in done.out
    assert "majority" in done.out
    assert "16 validation rows" in done.out


def test_a_linear_model_answers_together_with_the_network(run: Run, train: Run, toy_csv: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    done = train(toy_csv, folder, "--with-linear", "--test-size", "0.3")
    shown = [line.split("  ")[0] for line in done.out.splitlines()]
    expected = ["network + linear member", "network", "linear member", "linear baseline", "majority"]
    assert [name for name in shown if name in expected] == expected
    assert "fitting the linear member" in done.err
    assert "--with-linear averages" not in done.out + done.err
    scores = json.loads(run("evaluate", folder, toy_csv, "--json").out)
    assert {name: of["n"] for name, of in scores["members"].items()} == {"network": 80, "linear": 80}
    facts = json.loads(run("inspect", folder, "--json").out)
    assert {"tokenizer.json", "linear/linear.json"} <= set(facts["files"])
    assert "linear member" in run("inspect", folder).out
    assert "Learning curve of the network" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_training_without_one_says_that_there_is_such_a_thing(train: Run, toy_csv: Path, tmp_path: Path) -> None:
    assert "--with-linear averages" in train(toy_csv, tmp_path / "model", "--test-size", "0.3").err


def test_quiet_training_says_nothing(train: Run, toy_csv: Path, tmp_path: Path) -> None:
    assert train(toy_csv, tmp_path / "model", "--quiet") == (0, "", "")


def test_the_model_remembers_its_columns_file_and_seed(train: Run, toy_csv: Path, tmp_path: Path) -> None:
    train(toy_csv, tmp_path / "model", "--seed", 5, epochs=1)
    saved = load(tmp_path / "model").bundle_
    assert saved.columns == {"text": ["text"], "label": "label"}
    assert (saved.training["file"], saved.task.options.seed) == ("toy.csv", 5)


def test_the_command_line_trains_what_python_trains(train: Run, toy_csv: Path, tmp_path: Path, toy: Any) -> None:
    train(toy_csv, tmp_path / "model", "--cell", "gru", epochs=2)
    loaded = load(tmp_path / "model")
    fitted = TextClassifier(**loaded.get_params()).fit(*toy)
    np.testing.assert_array_equal(loaded.predict_proba(toy.texts), fitted.predict_proba(toy.texts))


def test_a_test_part_is_held_out_and_scored(train: Run, toy_csv: Path, tmp_path: Path) -> None:
    done = train(toy_csv, tmp_path / "model", "--test-size", "0.25", epochs=1)
    assert "20 test rows" in done.out
    assert load(tmp_path / "model").bundle_.training["test"]["n"] == 20


def test_several_text_columns_are_joined(run: Run, tmp_path: Path, toy: Any) -> None:
    file = tmp_path / "rows.tsv"
    halves = [(text[: len(text) // 2], text[len(text) // 2 :]) for text in toy.texts]
    rows = ["a\tb\tc", *(f"{a}\t{b}\t{label}" for (a, b), label in zip(halves, toy.labels, strict=True))]
    file.write_text("\n".join(rows))
    more = ("--label", "c", "--out", tmp_path / "model", "--epochs", 1, "--quiet")
    assert run("train", "classify", file, "--text", "b", "--text", "a", *more).code == 0
    assert load(tmp_path / "model").bundle_.columns["text"] == ["b", "a"]


# evaluate


@pytest.mark.parametrize("of", ["network", "majority", "linear"])
def test_the_json_scores_have_the_promised_keys_for_network_and_baselines(of: str, scores: dict[str, Any]) -> None:
    found = scores if of == "network" else scores["baselines"][of]
    assert [key for key in SCORES if key not in found] == []
    assert found["n"] == 80
    assert np.sum(found["confusion_matrix"]["rows"]) == 80
    assert set(found["per_class"]["pos"]) == {"precision", "recall", "f1", "support"}


def test_the_json_scores_are_those_of_the_model(scores: dict[str, Any], model: TextClassifier, toy: Any) -> None:
    assert scores["accuracy"] == pytest.approx(model.score(*toy))
    assert scores["baselines"]["majority"]["accuracy"] == pytest.approx(0.5)


def test_evaluation_for_people_shows_tables_and_a_verdict(run: Run, saved: Path, toy_csv: Path) -> None:
    done = run("evaluate", saved, toy_csv)
    assert done.code == 0
    assert all(word in done.out for word in ("macro F1", "majority", "linear", "precision", "McNemar"))


def test_other_columns_can_be_named(run: Run, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("words,mood\ngood great,pos\nbad awful,neg\n")
    done = run("evaluate", saved, tmp_path / "rows.csv", "--text", "words", "--label", "mood", "--json")
    assert json.loads(done.out)["n"] == 2


# predict


def test_texts_are_answered_in_order_a_line_each(run: Run, saved: Path) -> None:
    done = run("predict", saved, "good great film", "bad awful film")
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert [(line[0], line[2]) for line in lines] == [("pos", "good great film"), ("neg", "bad awful film")]
    assert all(0.5 <= float(line[1]) <= 1 for line in lines)


def test_an_answer_is_one_line_whatever_the_text_holds(run: Run, saved: Path) -> None:
    assert len(run("predict", saved, "good\ngreat film").out.splitlines()) == 1


def test_lines_of_stdin_are_answered(run: Run, saved: Path) -> None:
    done = run("predict", saved, stdin="good great\r\n\nbad awful")
    assert [line.split("\t")[::2] for line in done.out.splitlines()][::2] == [
        ["pos", "good great"],
        ["neg", "bad awful"],
    ]
    assert len(done.out.splitlines()) == 3


def test_no_lines_on_stdin_are_no_answers(run: Run, saved: Path) -> None:
    assert run("predict", saved) == (0, "", "")


def test_json_answers_have_the_probability_of_every_label(run: Run, saved: Path, model: TextClassifier) -> None:
    answer = json.loads(run("predict", saved, "good film", "--json").out)
    assert answer["label"] == "pos"
    assert answer["probability"] == answer["probabilities"]["pos"]
    expected = dict(zip(["neg", "pos"], model.predict_proba(["good film"])[0].tolist(), strict=True))
    assert answer["probabilities"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.jsonl"])
def test_a_files_rows_keep_their_columns_and_get_answers(name: str, run: Run, saved: Path, tmp_path: Path) -> None:
    rows = [{"id": "7", "text": 'good, "great"'}, {"id": "8", "text": "bad\nawful"}]
    (tmp_path / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = run("predict", saved, "--file", tmp_path / "new.jsonl", "--out", tmp_path / name)
    assert (done.code, done.out) == (0, "")
    text = (tmp_path / name).read_text()
    if name.endswith("jsonl"):
        found = [json.loads(line) for line in text.splitlines()]
    else:
        found = list(csv.DictReader(text.splitlines(True), delimiter="\t" if name.endswith("tsv") else ","))
    assert [(row["id"], row["text"], row["predicted"]) for row in found] == [
        ("7", 'good, "great"', "pos"),
        ("8", "bad\nawful", "neg"),
    ]


def test_a_parquet_files_rows_keep_their_columns(run: Run, saved: Path, tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    polars.DataFrame({"id": [7], "text": ["good"]}).write_parquet(tmp_path / "new.parquet")
    assert run("predict", saved, "--file", tmp_path / "new.parquet").out.startswith("id,text,predicted,probability\n7,")


def test_without_out_a_files_rows_go_to_stdout(run: Run, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv.gz").write_bytes(gzip.compress(b"text\ngood great\n"))
    done = run("predict", saved, "--file", tmp_path / "new.csv.gz")
    assert done.out.splitlines()[0] == "text,predicted,probability"
    assert "good great,pos," in done.out


def test_a_long_file_is_answered_whole(run: Run, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("text\n" + "good film\nbad plot\n" * 2_500)
    run("predict", saved, "--file", tmp_path / "new.csv", "--out", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open() as out:
        assert [row["predicted"] for row in csv.DictReader(out)] == ["pos", "neg"] * 2_500


def test_an_existing_output_is_replaced_by_force(run: Run, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("text\ngood\n")
    (tmp_path / "out.csv").write_text("mine")
    assert run("predict", saved, "--file", tmp_path / "new.csv", "--out", tmp_path / "out.csv", "--force").code == 0
    assert "predicted" in (tmp_path / "out.csv").read_text()


# inspect


def test_inspect_shows_layers_shapes_and_parameters(run: Run, saved: Path) -> None:
    done = run("inspect", saved)
    assert done.code == 0
    assert all(word in done.out for word in ("embedding", "weight_ih_l0", "in all", "pos"))


def test_inspect_counts_the_parameters(run: Run, saved: Path, model: TextClassifier) -> None:
    facts = json.loads(run("inspect", saved, "--json").out)
    assert facts["parameters"] == sum(array.size for array in model.bundle_.arrays.values())
    assert facts["learned"]["labels"] == ["neg", "pos"]
    assert facts["options"]["hidden_size"] == 8
    assert facts["networks"] == 1


def test_of_an_ensemble_all_networks_are_counted(run: Run, train: Run, toy_csv: Path, tmp_path: Path) -> None:
    assert train(toy_csv, tmp_path / "model", "--ensemble", 3, epochs=1).code == 0
    facts = json.loads(run("inspect", tmp_path / "model", "--json").out)
    arrays = load(tmp_path / "model").bundle_.arrays
    assert (facts["networks"], facts["parameters"]) == (3, sum(array.size for array in arrays.values()))
    assert "in 3 networks" in run("inspect", tmp_path / "model").out
    assert "ensemble: 3 networks, whose answers are averaged" in (tmp_path / "model" / "README.md").read_text()


# the whole


@pytest.mark.parametrize("command", [(), ("train",), ("train", "classify"), ("evaluate",), ("predict",), ("inspect",)])
def test_help_is_a_result(command: tuple[str, ...], run: Run) -> None:
    done = run(*command, "--help")
    assert (done.code, done.err) == (0, "")
    assert "Usage: anaphora" in done.out


@pytest.mark.slow
def test_a_slow_pipe_gets_its_answers_line_by_line(saved: Path) -> None:
    program = "import sys; from anaphora.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "predict", str(saved)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as predicting:
        assert predicting.stdin is not None
        assert predicting.stdout is not None
        for line in ("good great", "bad awful"):
            predicting.stdin.write(line + "\n")
            predicting.stdin.flush()
            assert predicting.stdout.readline().endswith(f"\t{line}\n")
        predicting.stdin.close()
        assert predicting.wait(timeout=30) == 0


def test_a_page_is_not_overwritten_without_force(run: Run, saved: Path, toy_csv: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine")
    refused = run("evaluate", saved, toy_csv, "--report", page)
    assert (refused.code, page.read_text()) == (2, "mine")
    assert run("evaluate", saved, toy_csv, "--report", page, "--force").code == 0
    assert page.read_text().startswith("<!doctype html>")


def test_the_model_remembers_the_command_that_made_it(train: Run, toy_csv: Path, tmp_path: Path) -> None:
    train(toy_csv, tmp_path / "model", "--quiet")
    command = load(tmp_path / "model").bundle_.training["command"]
    assert command.startswith(f"anaphora train classify {toy_csv} --text text --label label --out")


def test_an_evaluation_says_how_many_rows_were_trained_on(run: Run, saved: Path, toy_csv: Path) -> None:
    scores = json.loads(run("evaluate", saved, toy_csv, "--json").out)
    assert 0 < scores["seen_in_training"] <= scores["n"]
    assert "from the training data" in run("evaluate", saved, toy_csv).out
