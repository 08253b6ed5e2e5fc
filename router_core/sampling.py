"""From probabilities and an id to one arm, the same one every time.

Not random: the draw is a hash, so that any logged decision can be replayed and its logged
propensity is exact by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate


def uniform(seed: int, decision_id: str) -> float:
    """A number in [0, 1) fixed by seed and id: the top 53 bits of BLAKE2b over both."""
    digest = blake2b(decision_id.encode(), digest_size=8, key=seed.to_bytes(8, "big")).digest()
    return (int.from_bytes(digest, "big") >> 11) * 2.0**-53


def draw(probabilities: Sequence[float], seed: int, decision_id: str) -> int:
    """The index drawn: the first whose cumulative probability exceeds ``uniform(seed, decision_id)``.

    An index of probability 0 is never drawn.
    """
    u = uniform(seed, decision_id)
    last = 0
    for index, cumulative in enumerate(accumulate(probabilities)):
        if probabilities[index] > 0.0:
            last = index
            if u < cumulative:
                return index
    return last  # the sum fell short of 1 by a rounding error


def is_distribution(probabilities: Sequence[float]) -> bool:
    """Whether these are numbers in [0, 1] that sum to 1 but for rounding; NaN is not."""
    return all(0.0 <= p <= 1.0 for p in probabilities) and abs(sum(probabilities) - 1.0) < 1e-6


def mix_uniform(probabilities: Sequence[float], share: float) -> tuple[float, ...]:
    """``share`` of the traffic spread evenly, the rest as before."""
    count = len(probabilities)
    return tuple(share / count + (1.0 - share) * p for p in probabilities)
