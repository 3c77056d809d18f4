"""Every example runs, and shows what it says."""

import importlib.util
import random
import re
import struct
import sys
from pathlib import Path
from statistics import mean

import pytest

from anaphora.data.series import of_arrays

EXAMPLES = Path(__file__).parent.parent / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_next_number_is_found_past_what_was_seen():
    assert load("next_number").main() == pytest.approx(0.7, abs=0.01)


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


def test_all_examples_are_run_but_those_that_lack_their_data_or_take_hours(tmp_path, capfd):
    example = load("run_all")
    run = {command.split()[0] for command in example.COMMANDS}
    assert {file.stem for file in EXAMPLES.glob("*.py")} - run == {*example.LONG, "run_all"}
    commands = ["four_sentences", "fake_news DATA/news.csv", "four_cells DATA/none.csv --text a --label b"]
    assert example.main(commands[:2], None, tmp_path) == []
    out = capfd.readouterr().out
    assert "accuracy on the four: 1.0\n== four_sentences: " in out
    assert "== fake_news: left out, as it reads real data" in out
    assert example.main(commands[2:], str(tmp_path), tmp_path) == commands[2:]
    assert f"{tmp_path}/none.csv is not a file" in capfd.readouterr().err


def test_every_example_has_a_test():
    tested = Path(__file__).read_text(encoding="utf-8")
    assert all(f'load("{file.stem}")' in tested for file in EXAMPLES.glob("*.py"))


def test_a_second_layer_finds_what_a_linear_model_cannot():
    one, two = load("stacked_regression").main(epochs=25)
    assert min(one, two) > 0.5


def test_the_adding_problem_is_learned_and_its_gradients_are_drawn(tmp_path):
    picture = tmp_path / "memory.svg"
    errors, reaches = load("long_memory").main((10,), ("rnn", "lstm"), rows=1_500, picture=picture)
    assert errors["lstm", 10] < 0.01
    assert all(len(norms) == 10 and norms.min() > 0 for both in reaches.values() for norms in both)
    before, after = reaches["lstm"]
    assert after[-1] / after[0] > 2 * before[-1] / before[0]  # it has learned to keep
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


def hymns(roots, separate):
    """Cadences in several keys: every bar the same, but for the key. Who sings in unison shows in separate voices."""
    chords = ((0, 4, 7, 12), (5, 9, 12, 17), (7, 11, 14, 19), (0, 4, 12, 12))
    pieces = [[[root + step for step in chord] for chord in chords * 4] for root in roots]
    if separate:
        return [[chord[::-1] for chord in piece for _ in range(4)] for piece in pieces]
    return [[sorted(set(chord)) for chord in piece] for piece in pieces]


def notes_in_midi(content):
    """The notes (track, pitch, start, length) of a Standard MIDI File, times in quarter notes; read by its
    specification alone.
    """
    _, tracks, ticks = struct.unpack(">HHH", content[8:14])
    at, found = 14, []
    for track in range(tracks):
        assert content[at : at + 4] == b"MTrk"
        end = at + 8 + struct.unpack(">I", content[at + 4 : at + 8])[0]
        at, now, status, open_notes = at + 8, 0, 0, {}
        while at < end:
            delta = 0
            while content[at] & 0x80:
                delta, at = (delta + (content[at] & 0x7F)) << 7, at + 1
            now, at = now + delta + content[at], at + 1
            if content[at] & 0x80:
                status, at = content[at], at + 1
            if status == 0xFF:
                at += 2 + content[at + 1]
                continue
            if status >> 4 == 9 and content[at + 1]:
                open_notes[content[at]] = now
            elif status >> 4 in (8, 9):
                start = open_notes.pop(content[at])
                found.append((track, content[at], start / ticks, (now - start) / ticks))
            at += 1 if status >> 4 == 0xC else 2
        assert at == end
        assert not open_notes
    return found


@pytest.mark.parametrize("separate", [False, True])
def test_chorales_are_learned_and_written_as_midi_and_as_a_picture(separate, tmp_path, capsys):
    chorales, out = load("chorales"), tmp_path / "written"
    parts = {"train": hymns(range(50, 62, 2), separate), "valid": hymns([55], separate), "test": hymns([57], separate)}
    small = {"hidden_size": 48, "layers": 1, "epochs": None, "steps": 150, "learning_rate": 0.03, "batch_size": 8}
    found, notes = chorales.main(parts, out, given=1, bars=4, **small)
    assert found["network"] < found["unigram"] / 3
    said = "less" if found["network"] < found["ngram"] else "more"
    assert f"The network is {said} surprised than the n-gram model" in capsys.readouterr().out

    frames = 4 if separate else 1
    read = notes_in_midi(out.with_suffix(".mid").read_bytes())
    assert read == [(note.voice, note.pitch, note.start / frames, note.length / frames) for note in notes]
    assert {note.voice for note in notes} == {0, 1, 2, 3}
    assert 4 < max(start + length for _, _, start, length in read) <= 16  # quarter notes; four of them were given
    drawn = re.findall(r'id="note-\d+"', out.with_suffix(".svg").read_text(encoding="utf-8"))
    assert len(set(drawn)) == len(drawn) == len(notes)


def test_a_chorale_comes_back_from_its_text():
    chorales = load("chorales")
    sixteenths = [[67, 64, 60, 48], [67, 65, 60, 48], [67, 65, 60, -1], [69, 65, 60, 53]]
    notation = chorales.Notation(separate=True)
    text = notation.write(sixteenths)
    assert text == "67 64 60 48\n. 65 . .\n. . . -1\n69 . . 53\n"
    assert notation.read(text).tolist() == sixteenths
    assert notation.read(notation.write(sixteenths, 3))[:3, 0].tolist() == [70, 70, 70]
    assert notation.read("67 64 60 48\n67 64\n6764 60 48 50\n. 65 . . .\n. 65 . .\n").tolist() == sixteenths[:2]


def test_a_chord_is_dealt_out_by_the_shortest_ways():
    read = load("chorales").Notation(separate=False).read
    assert read("72 67 64 60\n72 69 65\n").tolist() == [[72, 67, 64, 60], [72, 69, 65, 65]]
    assert read("72 71 64 60\n72 69 65\n").tolist() == [[72, 71, 64, 60], [72, 69, 65, 65]]
    assert read("72 67 64 60\n\n72 71 70 69 68\n").tolist() == [[72, 67, 64, 60], [-1, -1, -1, -1]]


def test_the_chorales_without_mido_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(SystemExit, match="pip install mido"):
        load("chorales")


def test_four_sentences_are_learned_and_real_ones_scored_beside_the_baselines(capsys):
    texts = [f"{word} seat {number}" for number in range(20) for word in ("fine", "nice", "poor", "dull")]
    moods = ["up", "up", "down", "down"] * 20
    accuracy, scores = load("four_sentences").main((texts, moods), epochs=8, learning_rate=0.02)
    assert accuracy == 1
    assert scores["accuracy"] > 0.9
    assert set(scores["baselines"]) == {"majority", "linear"}
    assert scores["verdict"] in capsys.readouterr().out


def test_hello_world_is_written_back_from_its_h_and_a_play_is_scored(capsys):
    text = "To be, or not to be, that is the question.\n" * 60
    written, scores = load("hello_world").main(
        text, prompt="To be", length=20, hidden_size=32, layers=1, steps=80, batch_size=4, learning_rate=0.02
    )
    assert written == "hello world"
    assert scores["perplexity"] < 2
    assert "To be" in capsys.readouterr().out


def test_lines_go_on_in_the_style_of_those_that_were_learned():
    example = load("in_the_style")
    known = set(example.made())
    written = example.main(example.made(), list(example.DOINGS), samples=4, **example.SMALL)
    for begin, (greedy, drawn) in written.items():
        assert greedy in known
        assert greedy.startswith(begin)
        assert sum(line in known for line in drawn) >= 3
        assert len({greedy, *drawn}) > 1


def test_a_plain_rnn_reads_what_each_stage_of_cleaning_leaves():
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


def test_cells_stand_in_one_table_and_the_sentence_is_what_the_numbers_say(capsys):
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


def test_copies_on_both_sides_of_a_split_are_what_the_classic_pipeline_scores_by():
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
