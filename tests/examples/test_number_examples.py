"""Examples of sequences of numbers, and of forecasts."""

import numpy as np
import pytest

from anaphora import SequenceRegressor
from anaphora.tasks.forecast.series import from_arrays


def test_the_next_number_is_found_past_what_was_seen(load):
    assert load("next_number").main() == pytest.approx(0.7, abs=0.01)


def test_two_layers_find_what_a_linear_model_of_summaries_does_not(load):
    _, two, linear = load("stacked_regression").main(epochs=25)
    assert two > linear + 0.1


def test_the_adding_problem_is_learned_and_its_gradients_are_drawn(load, tmp_path):
    picture = tmp_path / "memory.svg"
    errors, reaches = load("long_memory").main((10,), ("rnn", "lstm"), rows=1_500, picture=picture)
    assert errors["lstm", 10] < 0.01
    assert all(len(norms) == 10 and norms.min() > 0 for both in reaches.values() for norms in both)
    before, after = reaches["lstm"]
    assert after[-1] / after[0] > 2 * before[-1] / before[0]  # it has learned to keep
    assert "<svg" in picture.read_text(encoding="utf-8")


def test_a_distance_at_which_no_number_is_marked_has_no_gradient(load):
    example = load("long_memory")
    x, y = example.adding(40, 10, seed=0)
    model = SequenceRegressor(cell="rnn", steps=2).fit(x, y)
    distances = {9 - step for step in np.flatnonzero(x[0, :, 1])}
    norms = example.reach(model, model.bundle_.arrays, x[:1])
    assert set(np.flatnonzero(np.isfinite(norms))) == distances


def test_random_labels_stay_within_chance_and_order_is_learned(load, capsys):
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


def test_forecasts_say_who_is_ahead(load, tmp_path, capsys):
    values = [10 + month % 12 + 0.1 * month + (month % 7) / 7 for month in range(120)]
    page = tmp_path / "forecasts.html"
    scores = load("forecasts").main(from_arrays(values), 0.33, page, horizon=6, lookback=12, season=12, steps=100)
    said = capsys.readouterr().out
    for name, baseline in scores["baselines"].items():
        difference = scores["mae"] - baseline["mae"]
        assert f"network {difference:+.3f}" in said
        assert (scores["comparison"][name]["difference"] < 0) == (difference < 0)
    assert page.read_text(encoding="utf-8").count("<svg") >= 4
