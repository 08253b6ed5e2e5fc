"""From chances of being the best value to probabilities: the exploration floor and the fading starting weights.

p_i = f w_i + (1 - f) (eps + (1 - N eps) P_i), with f = n0 / (n0 + n) after n outcomes. The floor is inside the
blend, so starting weights mean what they say until the first outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router_core.types import ReasonLine

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Blend:
    """Probabilities and what they are made of.

    Args:
        probabilities: one per arm, summing to 1.
        floor: the share that every arm keeps of what is learned, eps.
        fading: the part of the starting weights that still counts, f, in [0, 1].
    """

    probabilities: tuple[float, ...]
    floor: float
    fading: float

    @property
    def lines(self) -> tuple[list[ReasonLine], list[ReasonLine]]:
        """What a reason says of it: of the starting weights, and of the floor; nothing where they do not count."""
        weights = (
            [ReasonLine("your initial split still counts", f"{self.fading:.0%}")] if self.fading > 0.005 else []
        )
        floor = [ReasonLine("exploration minimum for every model", f"{self.floor:.1%}")] if self.floor > 0 else []
        return weights, floor


def blend(
    best: Sequence[float],
    weights: Sequence[float],
    *,
    exploration: float,
    strength: float,
    outcomes: int,
    left: float = 1.0,
) -> Blend:
    """Chances of being the best value, floored for exploration and blended with the starting weights.

    Args:
        best: one chance per arm, summing to 1.
        weights: starting weights, relative.
        exploration: the floor asked for; at most 1 / arms is kept.
        strength: outcomes after which starting weights and evidence count the same, n0.
        outcomes: so far, n.
        left: the part of the starting weights that a budget leaves, in [0, 1].
    """
    floor = min(exploration, 1.0 / len(best))
    fading = fading_part(strength, outcomes) * left
    return Blend(blended(best, starting_shares(weights), floor, fading), floor, fading)


def blended_rows(best: Array, starting: Sequence[float], exploration: float, fading: float) -> Array:
    """``blended`` for many prompts at once: ``best`` and the result are (n, arms)."""
    spread = 1.0 - best.shape[1] * exploration
    return np.asarray(fading * np.asarray(starting) + (1.0 - fading) * (exploration + spread * best))


def fading_part(strength: float, seen: int) -> float:
    """How much the starting weights still count after so many outcomes, in [0, 1]."""
    return strength / (strength + seen) if strength + seen > 0 else 0.0


def starting_shares(weights: Sequence[float]) -> list[float]:
    """Weights as shares of traffic that sum to 1; evenly where none is positive."""
    total = sum(weights)
    return [weight / total for weight in weights] if total > 0 else [1.0 / len(weights)] * len(weights)


def blended(
    best: Sequence[float], starting: Sequence[float], exploration: float, fading: float
) -> tuple[float, ...]:
    """The formula itself, with one entry of ``best`` and ``starting`` per arm; ``exploration`` <= 1 / arms."""
    spread = 1.0 - len(best) * exploration
    return tuple(
        [
            fading * start + (1.0 - fading) * (exploration + spread * chance)
            for start, chance in zip(starting, best, strict=True)
        ]
    )
