from dataclasses import replace

import numpy as np
import pytest

from anaphora.errors import BundleError
from anaphora.tasks.classify.baseline import FACTS, Baselines, rows_files, seen_in
from anaphora.tasks.classify.linear import ARRAYS, TERMS

PLANTS = ["red rose", "green leaf", "brown root"]


def garden(kinds: int, rows: int = 60) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(0)
    labels = [f"kind{row % kinds}" for row in range(rows)]
    fillers = rng.choice(["the", "old", "garden", "has"], rows)
    return [f"{fillers[row]} {PLANTS[row % kinds]} {row % 7}" for row in range(rows)], labels


@pytest.mark.parametrize("kinds", [2, 3])
def test_the_linear_model_learns(kinds: int) -> None:
    texts, labels = garden(kinds)
    assert Baselines.fit(texts, labels).predict(texts)["linear"] == labels


@pytest.mark.parametrize("kinds", [2, 3])
def test_its_answers_survive_saving(kinds: int) -> None:
    texts, labels = garden(kinds)
    fitted = Baselines.fit(texts, labels)
    unseen = [*texts, "rose leaf", "nothing known", "", "root red garden leaf"]
    assert Baselines.from_files(fitted.to_files()).predict(unseen) == fitted.predict(unseen)


@pytest.mark.parametrize("kinds", [2, 3])
def test_its_arrays_survive_saving_bit_by_bit(kinds: int) -> None:
    fitted = Baselines.fit(*garden(kinds)).linear
    again = Baselines.from_files(Baselines("x", fitted).to_files()).linear
    for name in ("idf", "weight", "bias"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fitted, name))


def test_the_majority_is_the_most_frequent_label() -> None:
    answers = Baselines.fit(["good film", "bad film", "bad plot"], ["pos", "neg", "neg"]).predict(["x", "y"])
    assert answers["majority"] == ["neg", "neg"]


def test_texts_without_a_word_have_no_linear_baseline() -> None:
    fitted = Baselines.fit(["", "!", "?", ""], ["a", "b", "a", "b"])
    assert fitted.linear is None
    assert Baselines.from_files(fitted.to_files()).predict(["x"]) == {"majority": ["a"]}


def test_words_seen_once_are_used_where_there_are_no_others() -> None:
    fitted = Baselines.fit(["red", "blue"], ["a", "b"])
    assert fitted.linear is not None
    assert set(fitted.linear.terms) == {"red", "blue"}


def test_words_seen_once_are_left_out_otherwise() -> None:
    texts, labels = garden(2)
    fitted = Baselines.fit([*texts, "unicorn"], [*labels, "kind0"])
    assert fitted.linear is not None
    assert "unicorn" not in fitted.linear.terms


def damaged(name: str, content: bytes | None) -> dict[str, bytes]:
    files = dict(Baselines.fit(*garden(3)).to_files())
    if content is None:
        del files[name]
    else:
        files[name] = content
    return files


@pytest.mark.parametrize("name", [FACTS, TERMS, ARRAYS])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"[]", b"null", b'{"linear": 1}'])
def test_a_damaged_file_is_a_bundle_error_in_one_line(name: str, content: bytes | None) -> None:
    with pytest.raises(BundleError) as caught:
        Baselines.from_files(damaged(name, content)).predict(["rose"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", [FACTS, TERMS, ARRAYS])
def test_a_truncated_file_is_a_bundle_error(name: str, share: float) -> None:
    whole = Baselines.fit(*garden(3)).to_files()[name]
    with pytest.raises(BundleError):
        Baselines.from_files(damaged(name, whole[: int(share * len(whole))]))


def test_parts_of_two_models_do_not_fit_together() -> None:
    linear = Baselines.fit(*garden(3)).linear
    assert linear is not None
    with pytest.raises(BundleError, match="fit together"):
        Baselines.from_files(Baselines("a", replace(linear, labels=("a", "b"))).to_files())


def test_a_term_named_twice_is_a_bundle_error() -> None:
    linear = Baselines.fit(*garden(3)).linear
    assert linear is not None
    twice = replace(linear, terms=(linear.terms[1], *linear.terms[1:]))
    with pytest.raises(BundleError):
        Baselines.from_files(Baselines("a", twice).to_files())


@pytest.mark.parametrize("majority", [b"5", b"null", b'["a"]'])
def test_a_majority_that_is_no_text_is_a_bundle_error(majority: bytes) -> None:
    with pytest.raises(BundleError):
        Baselines.from_files({FACTS: b'{"majority": ' + majority + b"}"})


def test_rows_that_were_trained_on_are_counted_case_and_signs_aside() -> None:
    files = rows_files(["Good film!", "a dull one", ":-)"])
    assert seen_in(files, ["good FILM", "another", ":-)", ":-(", "a dull one"]) == 3
    assert seen_in({}, ["good film"]) == 0
