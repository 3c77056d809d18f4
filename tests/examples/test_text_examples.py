"""Examples of classifiers and of language models."""

import random
import re
from statistics import mean


def test_the_recipe_of_penn_treebank_runs_on_a_small_text(load, tmp_path):
    for part, lines in (("train", 400), ("valid", 40), ("test", 40)):
        (tmp_path / f"ptb.{part}.txt").write_text(" the cat sat on the mat \n" * lines, encoding="utf-8")
    small = {"hidden_size": 16, "batch_size": 4, "window": 8, "steps": 60, "learning_rate": 0.02}
    scores = load("penn_treebank").main(tmp_path, **small, locked_dropout=0.0, dropout=0.0, weight_drop=0.0)
    assert scores["n"] == 7 * 40  # the words and the line's end
    assert scores["perplexity"] < 3


def test_a_pretrained_classifier_is_compared_with_the_linear_baseline(load, capsys):
    texts = [
        f"the {animal} {what} number {i}" for i in range(40) for animal in ("cat", "dog") for what in ("sat", "ran")
    ]
    labels = ["rest" if " sat " in text else "sport" for text in texts]
    reader = {"hidden_size": 16, "layers": 1, "steps": 60, "learning_rate": 0.02, "min_count": 1, "validation": 0.2}
    found = load("pretrained_classifier").main((texts, labels), None, [0, 1], reader, {"steps": 300})
    assert len(found) == 2
    assert all(abs(difference) < 0.1 for difference in found)
    assert "difference over 2 seeds: " in capsys.readouterr().out


def test_four_sentences_are_learned_and_real_ones_scored_beside_the_baselines(load, capsys):
    texts = [f"{word} seat {number}" for number in range(20) for word in ("fine", "nice", "poor", "dull")]
    moods = ["up", "up", "down", "down"] * 20
    accuracy, scores = load("four_sentences").main((texts, moods), epochs=8, learning_rate=0.02)
    assert accuracy == 1
    assert scores["accuracy"] > 0.9
    assert set(scores["baselines"]) == {"majority", "linear"}
    assert scores["verdict"] in capsys.readouterr().out


def test_hello_world_is_written_back_from_its_h_and_a_play_is_scored(load, capsys):
    text = "To be, or not to be, that is the question.\n" * 60
    written, scores = load("hello_world").main(
        text, prompt="To be", length=20, hidden_size=32, layers=1, steps=80, batch_size=4, learning_rate=0.02
    )
    assert written == "hello world"
    assert scores["perplexity"] < 2
    assert "To be" in capsys.readouterr().out


def test_lines_go_on_in_the_style_of_those_that_were_learned(load):
    example = load("in_the_style")
    known = set(example.made())
    written = example.main(example.made(), list(example.DOINGS), samples=4, **example.SMALL)
    for begin, (greedy, drawn) in written.items():
        assert greedy in known
        assert greedy.startswith(begin)
        assert sum(line in known for line in drawn) >= 3
        assert len({greedy, *drawn}) > 1


def test_a_plain_rnn_reads_what_each_stage_of_cleaning_leaves(load):
    texts = [f"<p>The {who} &amp; the {what}, they {done}!</p>" for who in ("cat", "dog", "hen", "cow", "fox")
             for what in ("mouse", "bone", "corn", "grass") for done in ("met", "sat")] * 3  # fmt: skip
    scores, stages = load("plain_language_model").main(
        texts, "<b>The CAT</b>,<br/>&amp; they met", hidden_size=32, steps=80, batch_size=4, learning_rate=0.02
    )
    said = dict(stages)
    assert said["without HTML"] == "The CAT , & they met"
    assert said["small letters"] == "the cat , & they met"
    assert said["without signs"] == "the cat they met"
    assert said["tokens"] == "the| cat| they| met"
    assert len(said["numbers"].split()) == 4
    assert "0" not in said["numbers"].split()
    assert scores["next_token_accuracy"] > 0.5
    assert 0 < scores["baselines"]["ngram"]["next_token_accuracy"] <= 1


def test_cells_stand_in_one_table_and_the_sentence_is_what_the_numbers_say(load, capsys):
    example = load("four_cells")
    texts = [f"{word} seat {number}" for number in range(30) for word in ("fine", "nice", "poor", "dull")]
    found, sentence = example.main(
        texts, ["up", "up", "down", "down"] * 30, (0, 1), hidden_size=8, epochs=6, learning_rate=0.02
    )
    sizes = [found[cell].parameters for cell in ("rnn", "gru", "gru_textbook", "lstm")]
    assert sizes[0] < sizes[2] <= sizes[1] < sizes[3]
    assert all(min(own.accuracy) > 0.8 and len(own.accuracy) == 2 for own in found.values())
    out = capsys.readouterr().out
    assert all(re.search(rf"^{cell} +{mean(own.accuracy):.4f} sd", out, re.MULTILINE) for cell, own in found.items())
    assert sentence in out
    apart, near = [0.9, 0.91, 0.9], [0.8, 0.8, 0.81]
    assert "0.1000 ahead of rnn, more than the seeds' spread" in example.verdict({"rnn": near, "lstm": apart})
    assert "ahead of rnn, which may be the seeds" in example.verdict({"rnn": [0.8, 0.9], "lstm": [0.95, 0.8]})


def test_copies_on_both_sides_of_a_split_are_what_the_classic_pipeline_scores_by(load):
    """Labels drawn by chance: whoever gets a held-out row right has seen a copy of it."""
    rng = random.Random(0)
    words = ["".join(rng.choices("bcdfglmnprst", k=2)) + rng.choice("aeiou") for _ in range(300)]
    rows = [(" ".join(rng.choices(words, k=8)), rng.choice("01")) for _ in range(60)]
    rows = [row for row in rows for _ in range(3)]
    headlines, labels = zip(*rows, strict=True)
    articles = [f"{headline} {headline[::-1]}" for headline in headlines]
    example = load("fake_news")
    found = example.main(headlines, articles, labels, [0], epochs=12, batch_size=16, learning_rate=0.005)
    assert found[example.SEEN][0] > 0.85
    assert found[example.UNSEEN][0] < 0.7
    assert found[example.CLASSIC_LINE][0] > found[example.APART][0] + 0.15
    assert all(len(values) == 1 for values in found.values())
    assert not set(example.CLASSIC) - {key for keys in example.STEPS.values() for key in keys}
