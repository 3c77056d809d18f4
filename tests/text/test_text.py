import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anaphora.text.clean import Cleaner, CleanOptions
from anaphora.text.encode import KEEP, TextEncoder, TextOptions, cut
from anaphora.text.tokenize import LEVELS, UNKNOWN, UNKNOWN_ID

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
FIVE_WORDS = ["b b b a a a c c d d e", "f"]


def clean(text: str, *, stopwords: tuple[str, ...] = (), **options: object) -> str:
    """The text after the chosen steps, and no others."""
    nothing = {"strip_html": False, "lowercase": False}
    return Cleaner(CleanOptions.from_dict(nothing | options), stopwords)(text)


def encoder(*texts: str, **options: object) -> TextEncoder:
    return TextEncoder.learn(TextOptions.from_dict({"min_count": 1} | options), texts)


def tokens(text: str, **options: object) -> list[str]:
    """The tokens that `text` is cut into."""
    learned = encoder(text, **options)
    return [learned.tokenizer.id_to_token(number) for number in learned.encode([text])[0]]


def vocabulary(learned: TextEncoder) -> set[str]:
    return set(learned.tokenizer.get_vocab()) - {UNKNOWN}


# Cleaning


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("one<br />two", "one two"),
        ("<p class='x'>bold</p>", "bold"),
        ("<!-- note -->said", "said"),
        ("salt &amp; pepper &quot;now&quot; &#39;", 'salt & pepper "now" \''),
        ("I <3 you", "I <3 you"),
        ("a < b and c > d", "a < b and c > d"),
        ("5<6", "5<6"),
    ],
)
def test_html_is_taken_out_and_what_only_looks_like_it_stays(raw: str, cleaned: str) -> None:
    assert clean(raw, strip_html=True) == cleaned


def test_an_escaped_tag_is_text() -> None:
    assert clean("use &lt;b&gt; here", strip_html=True) == "use <b> here"


def test_lower_case_comes_after_the_entities() -> None:
    assert clean("&Auml;RGER", strip_html=True, lowercase=True) == "ärger"


def test_nothing_is_cleaned_unasked() -> None:
    assert clean("<B>A &amp; B</B>, 7") == "<B>A &amp; B</B>, 7"


def test_stopwords_go_with_their_apostrophes_and_in_any_case() -> None:
    assert clean("I don’t mind The cat", stopwords=("don't", "the"), strip_special=True).split() == ["I", "mind", "cat"]


def test_special_signs_become_spaces_and_letters_of_all_languages_stay() -> None:
    assert clean("a_b, c-d! é 东", strip_special=True).split() == ["a", "b", "c", "d", "é", "东"]


def test_digits_become_spaces() -> None:
    assert clean("a1b 22 c", strip_digits=True).split() == ["a", "b", "c"]


def test_words_are_cut_to_their_porter_stems() -> None:
    assert clean("caresses ponies running, happy", stem=True) == "caress poni run, happi"


# Tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("don't stop", ["don't", "stop"]),
        ("it’s", ["it’s"]),
        ("@jane likes #films", ["@jane", "likes", "#films"]),
        ("well :-) ... yes!!!", ["well", ":-)", "...", "yes", "!!!"]),
        ("a 'quoted' word", ["a", "'", "quoted", "'", "word"]),
        ("mail@home", ["mail", "@home"]),
        ("naïve Überraschung 东京", ["naïve", "überraschung", "东京"]),
        ("3.14", ["3", ".", "14"]),
    ],
)
def test_words_signs_mentions_and_hashtags_are_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_every_character_is_a_token_at_the_level_of_characters() -> None:
    text = "Ab c\n\td\r\n😀"
    assert tokens(text, level="char", lowercase=False) == list(text)


@pytest.mark.parametrize("level", LEVELS)
def test_an_empty_text_has_no_tokens(level: str) -> None:
    assert encoder("some words", level=level).encode([""])[0].shape == (0,)


def test_a_text_of_spaces_has_no_words() -> None:
    assert encoder("some words").encode([" \n\t "])[0].shape == (0,)


# Vocabulary


def test_a_token_seen_less_often_than_min_count_has_no_place() -> None:
    assert vocabulary(encoder(*FIVE_WORDS, min_count=2)) == {"a", "b", "c", "d"}


def test_vocab_size_counts_the_unknown_token_and_keeps_the_most_frequent() -> None:
    learned = encoder(*FIVE_WORDS, vocab_size=3)
    assert (learned.size, vocabulary(learned)) == (3, {"a", "b"})


def test_an_unseen_token_is_the_unknown_one() -> None:
    assert encoder("known").encode(["never known"])[0].tolist() == [UNKNOWN_ID, 1]


def test_texts_without_a_token_leave_only_the_unknown_one() -> None:
    assert encoder("", " ").size == 1


def test_two_processes_learn_the_same_vocabulary() -> None:
    program = (
        "from anaphora.text.encode import *;"
        "words = [' '.join(f'w{i * 7 % 501}' for i in range(501)) + ' w3 w4 w5']\n"
        "print(TextEncoder.learn(TextOptions(min_count=1, vocab_size=200), words).tokenizer.to_str())"
    )
    made = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)]
    assert json.loads(made[0])["model"]["vocab"] == json.loads(made[1])["model"]["vocab"]


def test_byte_pairs_know_every_character() -> None:
    ids = encoder("some plain words", level="bpe", vocab_size=300).encode(["żółć 😀 東"])[0]
    assert len(ids) > 0
    assert UNKNOWN_ID not in ids


def test_hashed_tokens_have_buckets_whatever_was_seen() -> None:
    learned = encoder("seen", encode="hash", vocab_size=1_000)
    [ids] = learned.encode(["seen never seen"])
    assert ids[0] == ids[2] != ids[1]
    assert 1 <= ids.min() <= ids.max() < learned.size


# The length limit


@pytest.mark.parametrize(
    ("keep", "length", "kept"),
    [
        ("head", 4, [0, 1, 2, 3]),
        ("tail", 4, [6, 7, 8, 9]),
        ("both", 4, [0, 1, 8, 9]),
        ("both", 5, [0, 1, 2, 8, 9]),
        ("both", 1, [0]),
        ("head", 10, list(range(10))),
        ("tail", 11, list(range(10))),
    ],
)
def test_a_long_text_is_cut_to_the_part_asked_for(keep: str, length: int, kept: list[int]) -> None:
    assert cut(np.arange(10, dtype=np.int32), length, keep).tolist() == kept


WAYS = [{"level": level} for level in LEVELS] + [{"encode": "hash", "vocab_size": 50}]


@given(st.lists(ANY_TEXT, min_size=1, max_size=5), st.integers(1, 20), st.sampled_from(KEEP), st.sampled_from(WAYS))
def test_ids_are_in_the_vocabulary_and_at_most_max_length(
    texts: list[str], length: int, keep: str, way: dict[str, object]
) -> None:
    learned = encoder(*texts[::2], max_length=length, keep=keep, **way)
    ids = learned.encode(texts)
    assert [len(row) <= length for row in ids] == [True] * len(texts)
    assert all(0 <= number < learned.size for row in ids for number in row.tolist())


@given(ANY_TEXT)
def test_characters_that_were_learned_come_back_from_their_ids(text: str) -> None:
    learned = encoder(text, level="char", lowercase=False, strip_html=False, max_length=1_000)
    ids = learned.encode([text])[0]
    assert "".join(learned.tokenizer.id_to_token(number) for number in ids) == text


@given(st.lists(ANY_TEXT, min_size=1, max_size=8))
def test_a_row_is_encoded_the_same_in_any_company(texts: list[str]) -> None:
    learned = encoder(*texts)
    alone = [learned.encode([text])[0].tolist() for text in texts]
    assert [row.tolist() for row in learned.encode(texts)] == alone
