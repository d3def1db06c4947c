"""Arithmetic of ranks: how early the right document comes, and whether one way of ranking is better than another.

A rank is the place of the first right document, counted from 1; 0: it was not found.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

_SAMPLES = 10_000


def rank_of(found: Sequence[str], wanted: Collection[str]) -> int:
    return next((rank for rank, one in enumerate(found, start=1) if one in wanted), 0)


def recall_at(depth: int, ranks: Sequence[int]) -> float:
    return sum(0 < rank <= depth for rank in ranks) / len(ranks)


def mean_reciprocal_rank(ranks: Sequence[int]) -> float:
    return float(np.mean(_reciprocal(ranks)))


@dataclass(frozen=True)
class Comparison:
    """Of two mean reciprocal ranks, ours and another: `low` to `high` holds 95 of 100 differences."""

    ratio: float
    difference: float
    low: float
    high: float


def compare(ours: Sequence[int], theirs: Sequence[int]) -> Comparison:
    """Of the same questions in the same order; a paired bootstrap, the same in every run."""
    differences = np.subtract(_reciprocal(ours), _reciprocal(theirs))
    chance = np.random.default_rng(7)
    size = len(differences)
    means = [float(np.mean(differences[chance.integers(size, size=size)])) for _ in range(_SAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    base = mean_reciprocal_rank(theirs)
    ratio = mean_reciprocal_rank(ours) / base if base else float("inf")
    return Comparison(ratio, float(np.mean(differences)), float(low), float(high))


def _reciprocal(ranks: Sequence[int]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array([1 / rank if rank else 0.0 for rank in ranks])
