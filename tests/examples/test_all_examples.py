"""All examples together."""

from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_all_examples_are_run_but_those_that_lack_their_data_or_take_hours(load, tmp_path, capfd):
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
    tested = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("*.py"))
    assert all(f'load("{file.stem}")' in tested for file in EXAMPLES.glob("*.py"))
