"""Drawing tokens: the rule does what it says, and the compiled one is the rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anaphora import _native
from anaphora.errors import OptionError
from anaphora.runtime.decoding.sampling import Sampling, draw, exponential, philox

HALVES = np.log(np.array([1, 4, 2, 1], np.float32) / 8)


def still(logits_V, rows=1):
    """A writer whose scores are always these."""
    V = len(logits_V)
    zero = np.zeros((1, 1), np.float32)
    packed = _native.Packed("rnn_tanh", zero, zero, None, None, True, False, "float32", None, 1)
    session = _native.Session([packed], rows, packed.table(np.zeros((V, 1), np.float32)), None, 1)
    head = _native.Head(np.zeros((V, 1), np.float32), np.asarray(logits_V, np.float32), "float32", None, 1)
    return _native.Writer(session, head, 1)


def write(writer, n, sampling, banned_V=None):
    out = np.empty((n, len(writer.seen)), np.int64)
    s, done_R = sampling, np.zeros(len(writer.seen), np.uint8)
    assert writer.write(out, s.temperature, s.top_k, s.top_p, s.repetition_penalty, s.seed, banned_V, -1, done_R) == n
    return out


def loop(logits_V, n, sampling, rows=1, banned_V=None):
    """The same by the rule."""
    logits_RV = np.tile(np.asarray(logits_V, np.float32), (rows, 1))
    seen_RV, out = np.zeros(logits_RV.shape, np.uint8), []
    for position in range(n):
        out.append(draw(logits_RV, seen_RV, banned_V, sampling, position))
        seen_RV[np.arange(rows), out[-1]] = 1
    return np.array(out)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # known answers of the paper's authors
        ((0, 0, 0, 0), 0, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 4, 2**64 - 1, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            0x299F31D0A4093822,
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_philox_gives_the_known_answers(counter, key, expected):
    assert philox(counter, key) == expected


def test_the_exponential_is_one():
    x = np.concatenate([-np.geomspace(1e-12, 30, 100_000), [0.0]])
    assert np.abs(exponential(x) / np.exp(x) - 1).max() < 2.0**-41
    assert exponential(np.array([0.0])) == 1
    assert np.rint(2.0**40 * exponential(np.array([-30.0, -1e300, -np.inf]))).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, {0, 1, 2, 3}),
        ({"top_k": 1}, {1}),
        ({"top_k": 3}, {0, 1, 2}),  # of equals the lowest id
        ({"top_k": 9}, {0, 1, 2, 3}),
        ({"top_p": 0.0}, {1}),
        ({"top_p": 0.499}, {1}),
        ({"top_p": 0.501}, {1, 2}),
        ({"top_p": 0.85}, {0, 1, 2}),
        ({"top_p": 0.876}, {0, 1, 2, 3}),
        ({"top_k": 2, "top_p": 0.6}, {1}),  # a share of what top-k leaves
        ({"temperature": 0.01}, {1}),
        ({"temperature": 5e-324}, {1}),
    ],
)
def test_what_may_be_drawn(options, kept):
    assert set(write(still(HALVES), 300, Sampling(**options)).ravel()) == kept
    assert set(loop(HALVES, 300, Sampling(**options)).ravel()) == kept


def test_the_highest_score_wins_without_a_temperature_and_of_equals_the_lowest_id():
    assert write(still([1, 3, 3, 2]), 3, Sampling(temperature=0)).tolist() == [[1]] * 3
    assert write(still([-5, -1, -1]), 1, Sampling(temperature=0), np.array([0, 1, 0], np.uint8)).tolist() == [[2]]


def test_tokens_that_occurred_are_penalized_on_either_side_of_zero():
    greedy = Sampling(temperature=0, repetition_penalty=2)
    assert write(still([3, 2, 1]), 4, greedy).ravel().tolist() == [0, 1, 0, 0]
    assert write(still([-3, -4, -9]), 4, greedy).ravel().tolist() == [0, 1, 0, 0]


def test_shares_are_those_of_the_probabilities():
    logits_V = np.random.default_rng(0).standard_normal(30).astype(np.float32)
    expected = np.exp(logits_V.astype(float)) / np.exp(logits_V.astype(float)).sum()
    counts = np.bincount(write(still(logits_V), 20_000, Sampling(seed=7)).ravel(), minlength=30)
    chi_square = ((counts - 20_000 * expected) ** 2 / (20_000 * expected)).sum()
    assert 10 < chi_square < 60  # of 29 degrees of freedom: all but 1 in 1000 on either side


def test_a_seed_gives_these_tokens_on_every_machine():
    sampling = Sampling(seed=2**31 - 1, top_k=7, top_p=0.9, repetition_penalty=1.5)
    expected = [[6, 4, 4, 7, 7, 4, 3, 6, 5, 7, 4, 7], [6, 4, 7, 7, 4, 2, 7, 5, 3, 4, 7, 7]]
    assert write(still(np.arange(8) / 4, rows=2), 12, sampling).T.tolist() == expected
    assert loop(np.arange(8) / 4, 12, sampling, rows=2).T.tolist() == expected


numbers = st.one_of(
    st.floats(-60, 60, width=32), st.integers(-3, 3).map(float), st.sampled_from([-np.inf, 3e38, -3e38, 1e-45, -0.0])
)


@settings(max_examples=300, deadline=None)
@given(
    logits=st.lists(numbers, min_size=1, max_size=40),
    options=st.fixed_dictionaries(
        {
            "temperature": st.sampled_from([0.0, 5e-324, 1e-3, 0.7, 1.0, 1.5, 1e9, 1e308]),
            "top_k": st.sampled_from([0, 1, 2, 7, 40, 2**31 - 1]),
            "top_p": st.sampled_from([0.0, 1e-300, 0.3, 0.9, 1 - 2**-53, 1.0]),
            "repetition_penalty": st.sampled_from([1.0, 1.2, 5.0, 1e308]),
            "seed": st.integers(0, 2**31 - 1),
        }
    ),
    rows=st.integers(1, 3),
    ban=st.booleans(),
)
def test_the_compiled_rule_is_the_rule(logits, options, rows, ban):
    sampling = Sampling(**options)
    banned_V = (np.arange(len(logits)) % 3 == 1).astype(np.uint8) if ban else None
    try:
        expected = loop(logits, 6, sampling, rows, banned_V)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error)[:20]):
            write(still(logits, rows), 6, sampling, banned_V)
    else:
        assert np.array_equal(write(still(logits, rows), 6, sampling, banned_V), expected)


@pytest.mark.parametrize("kind", ["normal", "flat", "two heights", "steep"])
@pytest.mark.parametrize("options", [{"top_k": 40}, {"top_k": 4000}, {"top_p": 0.9}, {"top_k": 500, "top_p": 0.5}])
def test_many_tokens_are_cut_as_by_a_whole_sort(kind, options):
    V, rng = 5001, np.random.default_rng(1)
    logits_V = {
        "normal": 3 * rng.standard_normal(V),
        "flat": np.zeros(V),
        "two heights": rng.integers(0, 2, V),
        "steep": -np.arange(V) / 50,
    }[kind]
    sampling = Sampling(seed=3, **options)
    assert np.array_equal(write(still(logits_V), 40, sampling), loop(logits_V, 40, sampling))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_scores_that_are_no_numbers_are_told(wrong, temperature):
    for draws in (lambda *given: write(still(given[0]), *given[1:]), loop):
        with pytest.raises(ValueError, match="scores are not numbers"):
            draws([1, wrong, 2], 1, Sampling(temperature=temperature))


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_no_token_left_is_told(temperature):
    sampling = Sampling(temperature=temperature)
    for logits, banned_V in (([-np.inf] * 2, None), ([1, 2], np.ones(2, np.uint8))):
        with pytest.raises(ValueError, match="no token is left"):
            write(still(logits), 1, sampling, banned_V)
        with pytest.raises(ValueError, match="no token is left"):
            loop(logits, 1, sampling, 1, banned_V)


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1}, {"temperature": np.nan}, {"top_k": -1}, {"top_p": 1.1}, {"repetition_penalty": 0.9}],
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(OptionError, match=next(iter(wrong))):
        Sampling(**wrong)
