"""Every example runs, and shows what it says."""

import importlib.util
from pathlib import Path

import pytest

from anaphora.data.series import of_arrays

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_next_number_is_found_past_what_was_seen():
    assert load("next_number").main() == pytest.approx(0.7, abs=0.02)


def test_the_recipe_of_penn_treebank_runs_on_a_small_text(tmp_path):
    for part, lines in (("train", 400), ("valid", 40), ("test", 40)):
        (tmp_path / f"ptb.{part}.txt").write_text(" the cat sat on the mat \n" * lines, encoding="utf-8")
    small = {"hidden_size": 16, "batch_size": 4, "window": 8, "steps": 60, "learning_rate": 0.02}
    scores = load("penn_treebank").main(tmp_path, **small, locked_dropout=0.0, dropout=0.0, weight_drop=0.0)
    assert scores["n"] == 7 * 40  # the words and the line's end
    assert scores["perplexity"] < 3


def test_a_pretrained_classifier_is_compared_with_the_linear_baseline(capsys):
    texts = [
        f"the {animal} {what} number {i}" for i in range(40) for animal in ("cat", "dog") for what in ("sat", "ran")
    ]
    labels = ["rest" if " sat " in text else "sport" for text in texts]
    reader = {"hidden_size": 16, "layers": 1, "steps": 60, "learning_rate": 0.02, "min_count": 1, "validation": 0.2}
    found = load("pretrained_classifier").main((texts, labels), None, [0, 1], reader, {"steps": 300})
    assert len(found) == 2
    assert all(abs(difference) < 0.1 for difference in found)
    assert "difference over 2 seeds: " in capsys.readouterr().out


def test_every_example_has_a_test():
    tested = Path(__file__).read_text(encoding="utf-8")
    assert all(f'load("{file.stem}")' in tested for file in EXAMPLES.glob("*.py"))


def test_a_second_layer_finds_what_a_linear_model_cannot():
    one, two = load("stacked_regression").main(epochs=25)
    assert min(one, two) > 0.5


def test_the_adding_problem_is_learned_and_its_gradients_are_drawn(tmp_path):
    picture = tmp_path / "memory.svg"
    errors, reach = load("long_memory").main((10,), ("rnn", "lstm"), rows=1_500, epochs=12, picture=picture)
    assert errors["lstm", 10] < 1 / 6 / 2
    assert all(len(norms) == 10 and norms.min() > 0 for norms in reach.values())
    assert "<svg" in picture.read_text(encoding="utf-8")


def test_random_labels_stay_within_chance_and_order_is_learned(capsys):
    sizes = {"rows": 600, "steps": 5, "width": 8, "held": 150}
    random, order, (low, high) = load("sequence_vectors").main(**sizes, hidden_size=32, epochs=40, learning_rate=0.01)
    assert 0.35 < low < 0.42 < 0.58 < high < 0.65
    assert low <= random.held <= high
    assert random.learned > high
    assert order.held > 0.9
    assert low <= order.linear <= high
    said = capsys.readouterr().out
    assert "That is chance, and right" in said
    assert "The network is better than the linear baseline" in said


def test_forecasts_say_who_is_ahead(tmp_path, capsys):
    values = [10 + month % 12 + 0.1 * month + (month % 7) / 7 for month in range(120)]
    page = tmp_path / "forecasts.html"
    scores = load("forecasts").main(of_arrays(values), 0.33, page, horizon=6, lookback=12, season=12, steps=100)
    said = capsys.readouterr().out
    for name, baseline in scores["baselines"].items():
        difference = scores["mae"] - baseline["mae"]
        assert f"network {difference:+.3f}" in said
        assert (scores["comparison"][name]["difference"] < 0) == (difference < 0)
    assert page.read_text(encoding="utf-8").count("<svg") >= 4
