"""Texts that are the same, or almost, in time that grows with their number and not with its square.

Two texts are near-duplicates when they are equal after lowercasing and removing what is not alphanumeric, or when the
Jaccard similarity of their sets of five-word shingles is at least 0.8. Candidates are found by MinHash (Broder 1997) in
bands, and every candidate is then compared exactly.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

SHINGLE = 5
SIMILAR = 0.8
BANDS, ROWS = 25, 5
"""At a similarity of 0.8 all 25 bands miss with a probability of 5e-5; at 0.5 one in two pairs becomes a candidate."""
COMPARED = 8
"""How many groups of one band's bucket a text is compared with."""
CHUNK = 4_096
_WORD = re.compile(r"[^\W_]+")
_PRIME = np.uint64(0x9E3779B97F4A7C15)


def near_duplicate_groups(texts: Sequence[str], known: Sequence[str] = ()) -> NDArray[np.int64]:
    """A number for each text, `[N]`, the same for texts that are near-duplicates (or linked by some), and for those of
    the same `known` group, if any are given; the empty one is none.
    """
    parent = list(range(len(texts)))
    firsts: dict[str, int] = {}
    for place, group in enumerate(known):
        if group:
            parent[place] = firsts.setdefault(group, place)
    shingles: list[Hashes] = []
    equal: dict[int, int] = {}
    buckets: list[dict[int, list[int]]] = [{} for _ in range(BANDS)]
    for place, text in enumerate(texts):
        words = _WORD.findall(text.lower())
        shingles.append(_shingles(words))
        first = equal.setdefault(_key(text, words), place)
        if first != place:
            parent[_root(parent, place)] = _root(parent, first)
            continue
        if len(words) < SHINGLE:
            continue
        for band, bucket in zip(_bands(shingles[place]), buckets, strict=True):
            members = bucket.setdefault(int(band), [])
            for other in members:
                mine, theirs = _root(parent, place), _root(parent, other)
                if mine != theirs and _jaccard(shingles[place], shingles[other]) >= SIMILAR:
                    parent[mine] = theirs
            if len(members) < COMPARED:
                members.append(place)
    return np.array([_root(parent, place) for place in range(len(texts))], np.int64)


def text_keys(texts: Sequence[str]) -> Hashes:
    """A number for each text, `[N]`, equal for texts that are equal but for case and signs; the same in any process."""
    return np.array([_key(text, _WORD.findall(text.lower())) for text in texts], np.uint64)


def _shingles(words: list[str]) -> Hashes:
    """The set of five-word shingles, each as a number."""
    hashes = np.array([_number(word) for word in words], np.uint64)
    if len(hashes) < SHINGLE:
        return hashes[:0]
    mixed = np.zeros(len(hashes) - SHINGLE + 1, np.uint64)
    for k in range(SHINGLE):
        mixed = mixed * _PRIME + hashes[k : k + len(mixed)]
    return np.unique(mixed)


def _bands(shingles: Hashes) -> Hashes:
    """The MinHash signature, cut into bands of a number each."""
    multipliers, offsets = _permutations()
    lowest = np.full(BANDS * ROWS, np.iinfo(np.uint64).max, np.uint64)
    for start in range(0, len(shingles), CHUNK):
        mixed = shingles[start : start + CHUNK, None] * multipliers + offsets
        np.minimum(lowest, (mixed >> np.uint64(20)).min(axis=0), out=lowest)  # the high bits are the well mixed ones
    band = np.zeros(BANDS, np.uint64)
    for k in range(ROWS):
        band = band * _PRIME + lowest[k::ROWS]
    return band


@lru_cache(maxsize=1)
def _permutations() -> tuple[Hashes, Hashes]:
    rng = np.random.default_rng(0)
    draw = rng.integers(0, 2**63, (2, BANDS * ROWS), np.uint64)
    return draw[0] * np.uint64(2) + np.uint64(1), draw[1]


def _key(text: str, words: list[str]) -> int:
    """A text by its letters and digits alone; one that has none by its signs."""
    return _digest("".join(words) or " ".join(text.split()))


@lru_cache(maxsize=1 << 18)
def _number(word: str) -> int:
    return _digest(word)


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _jaccard(one: Hashes, other: Hashes) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / max(1, len(one) + len(other) - shared)


def _root(parent: list[int], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place
