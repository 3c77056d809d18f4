"""How a language model's next token is drawn. This is the definition; `native/sampling.cpp` computes the same, and for
the same scores the same token on any machine.

    s_v = l_v                                  the network's scores
          l_v / r  where l_v > 0, else l_v r   of a token that occurred before (Keskar et al. 2019, section 4.1)
          -inf                                 of a banned one
    w_v = round(2^40 e^((s_v - max s) / T))    T = 0 takes the highest s_v instead, of equals the lowest id
    top-k   keeps the k largest w_v
    top-p   keeps as few of the largest as have a share of p, and at least one (Holtzman et al. 2020)
    the token: the lowest id with w_0 + .. + w_id > u (w_0 + .. + w_V-1)

Of equal weights the lowest id's counts as the largest. Weights are whole numbers, so that no sum depends on its order;
e^x is `exponential`, whose multiplications are not fused with additions. u are 64 bits of Philox4x32-10 (Salmon et al.
2011): the key is the seed, the counter says which token of which row this is. So a row's text depends on no other row,
and goes on where it was left.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anaphora.config import Config, option


@dataclass(frozen=True)
class Sampling(Config):
    """What to draw by."""

    temperature: float = option(1.0, "below 1 likely tokens become likelier; 0 takes the likeliest", at_least=0)
    top_k: int = option(0, "draw from this many of the likeliest tokens; 0: from all", at_least=0)
    top_p: float = option(1.0, "draw from the likeliest tokens that have this share", at_least=0, at_most=1)
    repetition_penalty: float = option(1.0, "above 1 tokens that occurred become less likely", at_least=1)
    seed: int = option(0, "the same seed gives the same text", at_least=0)


def draw(
    logits_RV: NDArray[np.float32],
    seen_RV: NDArray[np.uint8],
    banned_V: NDArray[np.uint8] | None,
    sampling: Sampling,
    position: int,
) -> NDArray[np.int64]:
    """One token for each row, the `position`th that is drawn.

    Raises ValueError where scores are NaN or infinitely high, and where no token is left.
    """
    scores_RV = _scores(logits_RV.astype(np.float64), seen_RV, banned_V, sampling.repetition_penalty)
    if np.isnan(logits_RV).any() or np.isposinf(scores_RV).any():
        raise ValueError("the network's scores are not numbers")
    if np.isneginf(scores_RV.max(1)).any():
        raise ValueError("no token is left to draw: all are banned, or impossible by their scores")
    return np.array([_one(s_V, sampling, position, row) for row, s_V in enumerate(scores_RV)], np.int64)


def _scores(
    l_RV: NDArray[np.float64], seen_RV: NDArray[np.uint8], banned_V: NDArray[np.uint8] | None, penalty: float
) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        s_RV = np.where(seen_RV, np.where(l_RV > 0, l_RV / penalty, l_RV * penalty), l_RV)
    if banned_V is not None:
        s_RV[:, banned_V != 0] = -np.inf
    return s_RV


def _one(s_V: NDArray[np.float64], sampling: Sampling, position: int, row: int) -> int:
    if sampling.temperature == 0:
        return int(s_V.argmax())
    with np.errstate(over="ignore"):
        weight_V = np.rint(2.0**40 * exponential((s_V - s_V.max()) / sampling.temperature)).astype(np.int64)
    order_V = np.argsort(-weight_V, kind="stable")
    if sampling.top_k:
        weight_V[order_V[sampling.top_k :]] = 0
    if sampling.top_p < 1:
        enough = max(1, math.ceil(sampling.top_p * float(weight_V.sum())))
        last = np.searchsorted(weight_V[order_V].cumsum(), enough)
        weight_V[order_V[last + 1 :]] = 0
    sums_V = weight_V.cumsum()
    low, high, *_ = philox((position % 2**32, position >> 32, row, 0), sampling.seed)
    return int(np.searchsorted(sums_V, (high << 32 | low) * int(sums_V[-1]) >> 64, side="right"))


def exponential(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """e^x for x <= 0, within 2^-41; below -30 it stays at e^-30, whose weight is 0.

    e^x = 2^n e^r, with n the integer next to x / ln 2; of e^r the first eleven terms of Taylor's series.
    """
    x = np.maximum(x, -30)
    n = np.rint(x * 1.4426950408889634)
    r = x - n * 0.6931471805599453
    p = np.full_like(r, 1 / math.factorial(10))
    for k in range(9, -1, -1):
        p = p * r + 1 / math.factorial(k)
    return np.ldexp(p, n.astype(np.int64))


def philox(counter: tuple[int, int, int, int], key: int) -> tuple[int, int, int, int]:
    """Four random numbers of 32 bits: ten rounds of Philox4x32."""
    c0, c1, c2, c3 = counter
    k0, k1 = key % 2**32, key >> 32
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = b >> 32 ^ c1 ^ k0, b % 2**32, a >> 32 ^ c3 ^ k1, a % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1, c2, c3
