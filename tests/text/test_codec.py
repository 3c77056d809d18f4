"""Tokens of which nothing is lost."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anaphora.text.codec import END_ID, LEVELS, SPECIAL, SPLITS, Codec
from anaphora.text.tokenize import UNKNOWN_ID

TEXTS = st.text(st.characters(codec="utf-8"), max_size=60)
PROSE = "It's a fine day, isn't it?\n\nYes  \r\n\tindeed -- naïve 日本語 😀 ...\n"


def learned(*texts: str, level: str = "char", split: str = "signs", size: int = 10_000, least: int = 1) -> Codec:
    return Codec.learn(texts, level=level, split=split, vocab_size=size, min_count=least)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("split", SPLITS)
@given(TEXTS)
def test_what_was_learned_from_is_decoded_exactly(level: str, split: str, text: str) -> None:
    assume(level != "word" or not any(name in text for name in SPECIAL))  # see below
    codec = learned(text, level=level, split=split)
    (ids,) = codec.encode([text])
    assert codec.decode(ids) == text
    decode = codec.decoder()
    assert "".join(decode(int(id)) for id in ids) == text


@pytest.mark.parametrize("level", LEVELS)
def test_prose_survives(level: str) -> None:
    codec = learned(PROSE, level=level)
    assert codec.decode(codec.encode([PROSE])[0]) == PROSE


@given(TEXTS)
def test_byte_pairs_know_every_text(text: str) -> None:
    codec = learned(PROSE, level="bpe", size=300)
    assert codec.decode(codec.encode([text])[0]) == text


def test_the_special_tokens_come_first_and_stand_for_no_text() -> None:
    for level in LEVELS:
        codec = learned(PROSE + "[END][UNK]", level=level)
        assert (codec.tokenizer.token_to_id("[UNK]"), codec.tokenizer.token_to_id("[END]")) == (UNKNOWN_ID, END_ID)
        assert codec.decode([UNKNOWN_ID, END_ID]) == ""
        for name in ("[END]", "[UNK]"):
            assert not {END_ID} & {*codec.encode([name])[0].tolist()}
            assert level == "word" or codec.decode(codec.encode([name])[0]) == name


def test_words_are_told_apart_by_signs_or_by_blanks() -> None:
    text = "the <unk> don't, N \n"
    assert [piece.decode() for piece in learned(text, level="word").pieces[2:]] == sorted(
        ["the", " <", "unk", ">", " don't", ",", " N", " \n"]
    )
    assert [piece.decode() for piece in learned(text, level="word", split="blanks").pieces[2:]] == sorted(
        ["the", " <unk>", " don't,", " N", " \n"]
    )


def test_frequent_tokens_come_first_and_rare_ones_are_unknown() -> None:
    codec = learned("b b b a a c", level="word", split="blanks", least=2)
    assert codec.pieces[2:] == [b" a", b" b"]  # "b" without a blank occurs once, as " c" does
    assert learned("aab", size=3).size == 3
    assert learned("aab", size=3).encode(["ab"])[0].tolist() == [2, UNKNOWN_ID]


def test_a_prompts_word_may_be_known_only_with_a_blank_or_only_without() -> None:
    codec = learned(" the king\nLo", level="word", split="blanks")
    assert codec.encode(["the king"])[0].tolist()[0] == UNKNOWN_ID
    assert codec.decode(codec.encode_prompt("the king")) == " the king"
    assert codec.decode(codec.encode_prompt("the Lo")) == " theLo"
    assert codec.unknown("the queen") == [" queen"]
    assert codec.encode_prompt("[END] x [UNK]").tolist() == [UNKNOWN_ID] * 3
    assert learned("abc").unknown("abx") == ["x"]


def test_characters_are_encoded_as_by_the_tokenizer_itself() -> None:
    codec = learned(PROSE)
    text = PROSE + "Ω"
    assert codec.encode([text])[0].tolist() == codec.tokenizer.encode(text).ids
    assert codec.encode([text])[0].dtype == np.int32
