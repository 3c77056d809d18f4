"""Sampled softmax: a target's score beside those of some tokens, in the place of all (Bengio & Senecal 2008, IEEE
Transactions on Neural Networks 19(4); Jean et al. 2015, section 3).

All places of a step share their candidates: the step's own targets, and tokens drawn at random. A token that is one of
them with the probability p counts 1 / p times, so that their sum is that of all tokens on average (Horvitz & Thompson
1952), and the scores of the finished model are those of a whole softmax.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from anaphora.train import softmax
from anaphora.train.sparse_adam import HAVE_SPARSE

FLATTER = 0.75
"""Tokens are drawn by this power of their frequencies: few rare ones that count for many make gradients noisy."""


@dataclass(frozen=True)
class Candidates:
    """Which tokens are scored: their ids, the logarithms of their `p`, and where among them the targets stand."""

    ids_K: Tensor
    chances_K: Tensor
    places_N: Tensor


def draw(targets_N: Tensor, frequencies_V: Tensor, draws: int, generator: torch.Generator) -> Candidates:
    """The targets, and so many draws. The targets are taken for draws by the tokens' frequencies."""
    by_V = frequencies_V.double().pow(FLATTER)
    drawn = torch.multinomial(by_V, draws, replacement=True, generator=generator).to(targets_N.device)
    ids_K, places = torch.unique(torch.cat([targets_N, drawn]), return_inverse=True)
    of_targets_V, of_draws_V = (
        torch.log1p(-(each / each.sum()).clamp(max=1 - 1e-9)) for each in (frequencies_V.double(), by_V)
    )
    missed_V = len(targets_N) * of_targets_V + draws * of_draws_V
    chances_V = torch.log(-torch.expm1(missed_V)).to(targets_N.device)
    return Candidates(ids_K, chances_V[ids_K].float(), places[: len(targets_N)])


def cross_entropy(x_NH: Tensor, weight_VH: Tensor, bias_V: Tensor, candidates: Candidates, precision: str) -> Tensor:
    """`softmax.cross_entropy` among the candidates; the gradient of the matrix holds their rows alone."""
    rows_KH = functional.embedding(candidates.ids_K, weight_VH, sparse=weight_VH.device.type in HAVE_SPARSE)
    scores_K = bias_V[candidates.ids_K] - candidates.chances_K
    loss = softmax.cross_entropy(x_NH, rows_KH, scores_K, candidates.places_N, precision)
    return loss - candidates.chances_K[candidates.places_N].mean()
