"""The probability that an arm is the best value where a Beta posterior has a shape far below 1.

Such a posterior piles up at 0 and 1: of Beta(0.01, 0.01) a third lies closer to 1 than 1e-16, where floating-point
numbers cannot tell one value from another. Everything here is therefore computed with log(theta) and
log(1 - theta). See beta.py for all other posteriors, where that is not needed and would be slow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, expit

Array = NDArray[np.float64]
Shape = tuple[float, float]

_NEAR = -30.0  # log of a distance to 0 or 1 from which the distribution function is its power law to 1e-13
_SPREAD = (-8.0, -5.0, -3.0, -1.5, 0.0, 1.5, 3.0, 5.0, 8.0)
_ORDER = 16  # Gauss-Legendre nodes per panel


def best_probabilities_of_small_shapes(shapes: Sequence[Shape], dearer: Sequence[float]) -> Array:
    """The integral of ``beta.best_probabilities``, arm by arm.

    Args:
        shapes: (alpha, beta) of every arm, each > 0.
        dearer: what each arm costs more than the cheapest, in good answers: (c - c_min) / V.

    Returns:
        One number per arm, summing to 1.
    """
    chance = np.zeros(len(shapes))
    for arm, own in enumerate(shapes):
        shifts = [dearer[arm] - price for price in dearer]
        for piece in _pieces(own, shapes, shifts):
            mass = np.exp(piece.log_density(own)) * piece.weight
            for other, shape in enumerate(shapes):
                if other != arm:
                    mass *= piece.below(shape, shifts[other])
            chance[arm] += mass.sum()
    return np.asarray(chance / chance.sum())


def best_of_draws(
    alpha: Array, beta: Array, costs_usd: Array, worth_usd: float, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Thompson sampling, one draw per row: which arm has the highest utility (n,).

    Log-odds are drawn, so that values too close to 0 or 1 for floating-point numbers still have an order.

    Args:
        alpha, beta: (n, k), of every posterior.
        costs_usd: (k,), of a call.
        worth_usd: of a good answer; ``inf`` ignores cost.
        rng: where to draw.
    """
    logits = _log_gamma(alpha, rng) - _log_gamma(beta, rng)
    utility = expit(logits) if worth_usd == float("inf") else worth_usd * expit(logits) - costs_usd
    tied = utility == utility.max(axis=1, keepdims=True)
    return np.asarray(np.argmax(np.where(tied, logits, -np.inf), axis=1))


def _log_gamma(shape: Array, rng: np.random.Generator) -> Array:
    """Logarithms of gamma draws: of one with a shape larger by 1, times U^(1/shape) (Marsaglia & Tsang 2000)."""
    return np.asarray(np.log(rng.gamma(shape + 1.0)) + np.log1p(-rng.random(shape.shape)) / shape)


class _Piece:
    """Nodes at ``end`` + ``side`` * exp(``t``): a part of (0, 1) that begins or ends where something is singular.

    ``weight`` are those of an integral over t.
    """

    def __init__(self, end: float, side: int, t: Array, weight: Array) -> None:
        self.end, self.side, self.t, self.weight = end, side, t, weight
        self.theta = end + side * np.exp(t)

    def _logs(self, shift: float) -> tuple[Array, Array]:
        """log(theta - shift) and log(1 - theta + shift), both in (0, 1), exact where either is close to 0."""
        theta = np.clip(self.theta - shift, 1e-300, 1.0 - 1e-16)
        up, down = np.log(theta), np.log1p(-theta)
        if self.side > 0 and self.end == shift:
            up, down = self.t, np.log1p(-np.exp(self.t))
        elif self.side < 0 and self.end == 1.0 + shift:
            up, down = np.log1p(-np.exp(self.t)), self.t
        return up, down

    def log_density(self, shape: Shape) -> Array:
        """Of the arm's own posterior, times d theta / d t."""
        up, down = self._logs(0.0)
        return np.asarray((shape[0] - 1.0) * up + (shape[1] - 1.0) * down - betaln(*shape) + self.t)

    def below(self, shape: Shape, shift: float) -> Array:
        """The chance that another arm's theta is below theta - ``shift``."""
        middle = self.end + self.side * float(np.exp(self.t.max())) - shift
        if middle <= 0.0 or middle >= 1.0:
            return np.full(len(self.t), float(middle >= 1.0))
        a, b = shape
        up, down = self._logs(shift)
        low = np.exp(a * up - np.log(a) - betaln(a, b))
        high = 1.0 - np.exp(b * down - np.log(b) - betaln(a, b))
        inside = np.where(
            up < down,
            betainc(a, b, np.exp(np.maximum(up, _NEAR))),
            1.0 - betainc(b, a, np.exp(np.maximum(down, _NEAR))),
        )
        return np.asarray(np.where(up < _NEAR, low, np.where(down < _NEAR, high, inside)))


def _pieces(own: Shape, shapes: Sequence[Shape], shifts: Sequence[float]) -> Iterator[_Piece]:
    """All of (0, 1), cut where a density or a distribution function of any arm may turn."""
    cuts = {0.0, 1.0}
    for (a, b), shift in zip(shapes, shifts, strict=True):
        centre = a / (a + b)
        spread = (centre * (1.0 - centre) / (a + b + 1.0)) ** 0.5
        cuts |= {shift, 1.0 + shift, *(centre + step * spread + shift for step in _SPREAD)}
    for start, end in pairwise(sorted(cut for cut in cuts if 0.0 <= cut <= 1.0)):
        half = (end - start) / 2.0
        if half <= 0.0:
            continue
        for place, side in ((start, 1), (end, -1)):
            power = own[0] if place == 0.0 else own[1] if place == 1.0 else 1.0
            t, weight = _panels(max(40.0, 35.0 / power))
            yield _Piece(place, side, t + np.log(half), weight)


@lru_cache(maxsize=64)
def _panels(depth: float) -> tuple[Array, Array]:
    """Nodes and weights on (-``depth``, 0), in panels that double in width away from 0."""
    edges = [0.0, -0.5, -1.0]
    while edges[-1] > -depth:
        edges.append(2.0 * edges[-1])
    nodes, weights = np.polynomial.legendre.leggauss(_ORDER)
    high, low = np.array(edges[:-1])[:, None], np.array(edges[1:])[:, None]
    half = (high - low) / 2.0
    return (low + half * (nodes + 1.0)).ravel(), (half * weights).ravel()
