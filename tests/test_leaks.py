import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import Toy

from anaphora import SequenceRegressor, TextClassifier, load
from anaphora.cli import main
from anaphora.data.table import Table, read_table
from anaphora.estimators import rows as row_estimators
from anaphora.estimators.rows import Rows, validation_split
from anaphora.tasks.classify.baseline import Baselines
from anaphora.tasks.classify.train_command import split_rows
from anaphora.tasks.sequences.task import NumbersConfig


def planted(toy: Toy) -> tuple[list[str], list[str]]:
    """The toy set twice, each text with a word of its own: so often that only a split can leave it out."""
    return [f"{text} planted{row}" for row, text in enumerate(toy.texts)] * 2, toy.labels * 2


def known_everywhere(model: TextClassifier) -> set[int]:
    """The rows whose planted word is known, to the network's vocabulary, the baseline and a partner alike."""
    linear = Baselines.from_files(model.bundle_.baseline).linear
    assert linear is not None
    partner = model.bundle_.task.linear or linear
    vocabulary = set(model.bundle_.task.encoder.tokenizer.get_vocab())
    learned, *others = (
        {int(word[7:]) for word in words if word.startswith("planted") and " " not in word}
        for words in (vocabulary, linear.terms, partner.terms)
    )
    assert [learned, learned] == others
    return learned


def nearly_twice(toy: Toy) -> tuple[list[str], list[str]]:
    """Long texts, and each again with another last word."""
    longer = [" ".join(f"{word}{row}" for word in text.split() * 5) for row, text in enumerate(toy.texts)]
    return [*longer, *(f"{text} end" for text in longer)], toy.labels * 2


def held_out(
    monkeypatch: pytest.MonkeyPatch, estimator: TextClassifier, texts: list[str], labels: list[str], groups: Any = None
) -> Any:
    """Fit, and tell which row numbers were held out to choose the best epoch."""
    parts = []

    def remember(*given: Any) -> Any:
        parts.append(validation_split(*given))
        return parts[-1]

    monkeypatch.setattr(row_estimators, "validation_split", remember)
    for _ in estimator.fit_events(texts, labels, groups):
        pass
    [(_, held)] = parts
    return set(held.tolist())


def write(file: Path, texts: list[str], labels: list[str]) -> Path:
    file.write_text("text,label\n" + "".join(f"{a},{b}\n" for a, b in zip(texts, labels, strict=True)))
    return file


def trained(file: Path, out: Path, *more: str) -> TextClassifier:
    sizes = ["--hidden-size", "4", "--embedding-size", "4", "--epochs", "1", "--min-count", "1", "--quiet"]
    given = ["train", "classify", str(file), "--text", "text", "--label", "label", "--out", str(out), *sizes, *more]
    with pytest.raises(SystemExit) as stopped:
        main(given)
    assert stopped.value.code in (0, None)
    loaded: TextClassifier = load(out)
    return loaded


def test_words_of_the_validation_rows_alone_are_not_learned(
    toy: Toy, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    estimator = TextClassifier(**tiny | {"epochs": 1})
    held = {row % 80 for row in held_out(monkeypatch, estimator, *planted(toy))}
    assert held
    assert known_everywhere(estimator) == set(range(80)) - held


def test_words_of_the_test_rows_alone_are_not_learned(toy: Toy, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", *planted(toy))
    model = trained(file, tmp_path / "model", "--test-size", "0.25", "--validation", "0", "--linear")
    training = model.bundle_.training
    assert (training["test"]["n"], training["rows"]) == (40, 120)
    assert len(known_everywhere(model)) == 60


def test_identical_texts_never_straddle_the_validation_split(
    toy: Toy, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, labels = toy.texts * 3, toy.labels * 3
    held = held_out(monkeypatch, TextClassifier(**tiny | {"epochs": 1}), texts, labels)
    assert held
    assert not {texts[row] for row in held} & {texts[row] for row in range(240) if row not in held}


def test_near_duplicates_never_straddle_the_validation_split(
    toy: Toy, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = held_out(monkeypatch, TextClassifier(**tiny | {"epochs": 1}), *nearly_twice(toy))
    assert held
    assert {row % 80 for row in held}.isdisjoint(row % 80 for row in range(160) if row not in held)


def test_near_duplicates_never_straddle_the_test_split(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, labels = nearly_twice(toy)
    learned: list[int] = []
    fit_events = TextClassifier.fit_events

    def remember(self: TextClassifier, rows: Any, *given: Any, **named: Any) -> Any:
        learned.extend(texts.index(row) for row in rows)
        return fit_events(self, rows, *given, **named)

    monkeypatch.setattr(TextClassifier, "fit_events", remember)
    model = trained(write(tmp_path / "rows.csv", texts, labels), tmp_path / "model", "--test-size", "0.25")
    assert model.bundle_.training["test"]["n"] == 160 - len(learned) == 40
    assert len({row % 80 for row in learned}) == 60


def test_rows_of_a_named_group_never_straddle_the_test_split(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = {text: str(row // 8) for row, text in enumerate(toy.texts)}
    learned: set[str] = set()
    fit_events = TextClassifier.fit_events

    def remember(self: TextClassifier, rows: Any, *given: Any, **named: Any) -> Any:
        learned.update(films[row] for row in rows)
        return fit_events(self, rows, *given, **named)

    monkeypatch.setattr(TextClassifier, "fit_events", remember)
    file = tmp_path / "rows.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = zip(toy.texts, toy.labels, films.values(), strict=True)
        csv.writer(out).writerows([("text", "label", "film"), *rows])
    model = trained(file, tmp_path / "model", "--test-size", "0.25", "--group", "film")
    assert len(learned) < len(set(films.values()))
    assert model.bundle_.training["test"]["n"] == 8 * (len(set(films.values())) - len(learned))


def test_the_rows_of_a_part_keep_their_labels_and_groups() -> None:
    groups = [row // 4 for row in range(40)]
    table = Table([f"text {row}" for row in range(40)], ["ab"[group % 2] for group in groups])
    kept, held = split_rows(table, groups, 0.3, seed=0)
    for part in (kept, held):
        rows = [table.texts.index(text) for text in part.texts]
        assert (part.labels, part.groups) == ([table.labels[row] for row in rows], [groups[row] for row in rows])
    assert len(kept.texts) + len(held.texts) == 40
    assert set(kept.groups).isdisjoint(held.groups)


def test_the_scales_of_a_regressor_are_those_of_the_training_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 3, 1))
    regressor = SequenceRegressor(hidden_size=4, epochs=1, validation=0.2)
    everything = Rows(list(rows), list(rows[:, 0, 0]), list(range(60)))
    kept, held = validation_split(NumbersConfig(validation=0.2), regressor._profile, everything)
    rows[held] += 1_000_000
    regressor.fit(rows, rows[:, 0, 0])
    learned = regressor.bundle_.task.learned()
    assert learned["inputs"]["mean"] == pytest.approx([rows[kept].mean()])
    assert learned["outputs"]["mean"] == pytest.approx([rows[kept, 0].mean()])


def test_dropping_duplicates_leaves_every_text_once(toy: Toy, tmp_path: Path) -> None:
    file = write(tmp_path / "rows.csv", toy.texts * 2, toy.labels * 2)
    assert read_table(file, ["text"], "label", drop_duplicates=True).texts == toy.texts


def test_given_groups_never_straddle_the_validation_split(
    toy: Toy, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [row // 8 for row in range(80)]
    held = held_out(monkeypatch, TextClassifier(**tiny | {"epochs": 1}), *toy, groups)
    assert held
    assert {groups[row] for row in held}.isdisjoint(groups[row] for row in range(80) if row not in held)
