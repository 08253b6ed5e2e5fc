"""Beta posteriors: update, mean, interval, and the probability that an arm is the best value.

See sampling.py for drawing, policies/thompson.py for everything about traffic: this is arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, betaln

from router_core.learning.small_shapes import best_probabilities_of_small_shapes
from router_core.types import MICRO, Evidence, Posterior

Array = NDArray[np.float64]

# Where panels end, as mean * first row + standard deviation * second row + third row + shift * fourth row: steps
# around each arm's mean, far out for the exponential tails of lopsided posteriors; steps that shrink geometrically
# towards 0 and 1, because a density like x^0.3 is no polynomial there; the end of the support; and two places left
# for the ends of all arms together.
_SPREAD = np.array([-8.0, -5, -3, -1.5, 0, 1.5, 3, 5, 8, 16])
_GRADED = 4.0 ** -np.arange(1, 8)
_CUTS = np.array(
    [
        [1.0] * len(_SPREAD) + [*_GRADED, *_GRADED] + [0, 0, 0],
        [*_SPREAD] + [0.0] * (2 * len(_GRADED)) + [0, 0, 0],
        [0.0] * (len(_SPREAD) + len(_GRADED)) + [*(1 - _GRADED)] + [1, 0, 0],
        [-1.0] * (len(_SPREAD) + 2 * len(_GRADED) + 3),
    ]
)
_ORDER = 8  # Gauss-Legendre nodes per panel
_NEARLY_1 = 1.0 - 1e-15
_SMALL = 0.5  # shapes below it pile up at 0 and 1 closer than floating-point numbers can tell apart
_TAILS = np.array([1e-13, 1.0 - 1e-13])  # a posterior is taken to end where this much mass is left


def update(posterior: Posterior, reward: float) -> Posterior:
    """The posterior after one more outcome: Beta(alpha + r, beta + 1 - r), r in [0, 1].

    A fractional reward counts as that share of a good answer.
    """
    return Posterior(posterior.alpha + reward, posterior.beta + 1.0 - reward, posterior.observations + 1)


def from_evidence(evidence: Evidence, prior_alpha: float, prior_beta: float) -> Posterior:
    """The prior updated by all outcomes at once; the order in which they came does not matter."""
    good = evidence.reward_micro / MICRO
    return Posterior(prior_alpha + good, prior_beta + evidence.count - good, evidence.count)


def mean(posterior: Posterior) -> float:
    """Expected share of good answers, in (0, 1)."""
    return posterior.alpha / (posterior.alpha + posterior.beta)


def interval(posterior: Posterior, level: float = 0.95) -> tuple[float, float]:
    """The central credible interval of the share of good answers, with the mean inside.

    The mean of a very skewed Beta (a prior of a thousandth of an answer) lies above nearly all of its mass.
    """
    tail = (1.0 - level) / 2.0
    low, high = betaincinv(posterior.alpha, posterior.beta, np.array([tail, 1.0 - tail]))
    middle = mean(posterior)
    return min(float(low), middle), max(float(high), middle)


def density(posterior: Posterior, theta: Array) -> Array:
    """The posterior's density at each ``theta`` in (0, 1)."""
    a, b = posterior.alpha, posterior.beta
    return np.asarray(np.exp((a - 1) * np.log(theta) + (b - 1) * np.log1p(-theta) - betaln(a, b)))


def best_probabilities(
    posteriors: Sequence[Posterior], costs_usd: Sequence[float], success_value_usd: float
) -> Array:
    """The probability of each arm that its utility V * theta - cost is the highest.

    P_i = integral of f_i(x) * prod_{j != i} F_j(x - (c_i - c_j) / V) dx (Russo et al. 2018, section 3, with a
    price on each arm). All arms are put on one axis, utility / V, cut into panels at which any density may
    turn; Gauss-Legendre nodes inside each panel integrate every density into its distribution function and
    then every product. Largest error seen against adaptive quadrature, over 250 random cases: 2e-8 for alpha,
    beta >= 1 (median 7e-14), 6e-8 down to 0.5, 2e-5 down to 0.2, 2e-4 down to 0.05.

    Args:
        posteriors: one Beta per arm.
        costs_usd: expected cost of one call of each arm; >= 0.
        success_value_usd: V, what one good answer is worth; ``inf`` ignores cost, 0 leaves only cost.

    Returns:
        One number per arm, summing to 1. Arms that are equal in every respect share alike.
    """
    count = len(posteriors)
    if count == 1:
        return np.ones(1)
    lowest = min(costs_usd)
    if success_value_usd == 0.0:
        cheapest = np.array([cost == lowest for cost in costs_usd], dtype=np.float64)
        return np.asarray(cheapest / cheapest.sum())
    if any(one.alpha < _SMALL or one.beta < _SMALL for one in posteriors):
        return best_probabilities_of_small_shapes(
            [(one.alpha, one.beta) for one in posteriors],
            [(cost - lowest) / success_value_usd for cost in costs_usd],
        )
    low = high = furthest = float("-inf")
    rows = []
    for posterior, cost in zip(posteriors, costs_usd, strict=True):
        a, b = posterior.alpha, posterior.beta
        centre, spread, log_beta, start, end = _shape(a, b)
        by = (cost - lowest) / success_value_usd
        low = max(low, start - by)  # below it some factor is 0
        high = max(high, end - by)  # above it every density is
        furthest = max(furthest, by)
        rows.append((centre, spread, 1.0, by, a - 1.0, b - 1.0, -log_beta))
    columns = np.array(rows)
    shift = columns[:, 3:4]
    edges = _panel_edges(columns[:, :4], low, high)
    panels = np.empty((2, len(edges) - 1))
    panels[0] = edges[:-1]
    np.subtract(edges[1:], edges[:-1], out=panels[1])
    placing, collecting = _gauss_legendre(_ORDER)
    z, weight = (placing @ panels).reshape(2, -1)  # every panel's first node, every panel's second ...

    terms = np.empty((count, 3, len(z)))  # of the log density: log theta, log(1 - theta), 1
    theta = np.add(z, shift, out=terms[:, 0])
    # Never below 0, for shift is not negative; at 1 (also by rounding) there is no mass left.
    outside = theta >= 1.0 if high + furthest >= _NEARLY_1 else None
    if outside is not None:
        theta[outside] = 0.5
    np.subtract(1.0, theta, out=terms[:, 1])
    np.log(terms[:, :2], out=terms[:, :2])
    terms[:, 2] = 1.0
    pdf = np.exp(columns[:, None, 4:7] @ terms)[:, 0]
    if outside is not None:
        pdf[outside] = 0.0
    pdf *= weight  # mass at each node
    parts = collecting @ pdf.reshape(count, _ORDER, -1)
    mass = parts[:, -1]
    for arm, posterior in enumerate(posteriors):
        if posterior.alpha < 1.0 or posterior.beta < 1.0:
            # an infinite density at an end: the panel's mass is known exactly, so use it
            at_edges = betainc(posterior.alpha, posterior.beta, np.minimum(edges + shift[arm], 1.0))
            exact = at_edges[1:] - at_edges[:-1]
            ratio = np.divide(exact, mass[arm], out=np.ones_like(exact), where=mass[arm] > 0)
            pdf[arm] *= np.tile(ratio, _ORDER)
            parts[arm] *= ratio
            mass[arm] = exact
    # Every arm ends below the last panel: what is not above a panel's start is below it.
    above = np.add.accumulate(mass[:, ::-1], axis=1)[:, ::-1]
    below = np.maximum(1.0 - above, 0.0)
    cdf = parts[:, :-1]
    cdf += below[:, None]
    chance = np.vecdot(pdf, _products_of_others(cdf.reshape(count, -1)))
    return np.asarray(chance / np.add.reduce(chance))


@lru_cache(maxsize=4096)
def _shape(alpha: float, beta: float) -> tuple[float, float, float, float, float]:
    """Mean, standard deviation, log B(alpha, beta), and where the posterior begins and ends.

    Kept, for an outcome changes one arm's posterior and the others are met again with the next decision.
    """
    total = alpha + beta
    centre = alpha / total
    start, end = betaincinv(alpha, beta, _TAILS).tolist()
    return centre, sqrt(centre * (1.0 - centre) / (total + 1.0)), float(betaln(alpha, beta)), start, end


def _panel_edges(arms: Array, low: float, high: float) -> Array:
    """Where to cut the axis between ``low`` and ``high``; ``arms`` are what _CUTS is multiplied with."""
    points: Array = arms @ _CUTS
    points[0, -2] = low
    points[0, -1] = high
    cuts = points[(points >= low) & (points <= high)]
    cuts.sort()
    return cuts


def _products_of_others(cdf: Array) -> Array:
    """For each arm the product of all other arms' entries, without dividing."""
    count = len(cdf)
    if count == 2:
        return cdf[::-1]
    before = np.ones_like(cdf)
    after = np.ones_like(cdf)
    np.multiply.accumulate(cdf[:-1], axis=0, out=before[1:])
    np.multiply.accumulate(cdf[:0:-1], axis=0, out=after[-2::-1])
    before *= after
    return before


@lru_cache(maxsize=4)
def _gauss_legendre(order: int) -> tuple[Array, Array]:
    """Two matrices: one places the nodes of a panel, one collects what was found at them.

    The first (2 * order x 2) makes (start, width) of a panel into its nodes and their weights. The second
    (order + 1 x order) makes weighted values at the nodes into their integrals up to each node, those of the
    interpolating polynomial, and into the integral over the panel.
    """
    nodes, weights = np.polynomial.legendre.leggauss(order)
    nodes, weights = (nodes + 1.0) / 2.0, weights / 2.0
    none, whole = np.zeros(order), np.ones(order)
    placing = np.array([[*whole, *none], [*nodes, *weights]]).T
    powers = np.arange(order)
    vandermonde = nodes[:, None] ** powers
    integrals = nodes[:, None] ** (powers + 1) / (powers + 1)
    upto = integrals @ np.linalg.inv(vandermonde) / weights
    return np.ascontiguousarray(placing), np.vstack([upto, whole])
