"""Beta posteriors: update, mean, interval, and the probability that an arm is the best buy.

Leaves out drawing (sampling.py) and everything about traffic (policies/thompson.py): this is arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, betaln

from router_core.types import MICRO, Evidence, Posterior

Array = NDArray[np.float64]

# Where panels end, as mean * first row + standard deviation * second row + third row - shift: steps around each
# arm's mean, far out for the exponential tails of lopsided posteriors; steps that shrink geometrically towards 0
# and 1, because a density like x^0.3 is no polynomial there; the end of the support; and two places left for the
# ends of all arms together.
_SPREAD = np.array([-8.0, -5.5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5.5, 8, 16])
_GRADED = 4.0 ** -np.arange(1, 8)
_CUTS = np.array(
    [
        [1.0] * len(_SPREAD) + [*_GRADED, *_GRADED] + [0, 0, 0],
        [*_SPREAD] + [0.0] * (2 * len(_GRADED)) + [0, 0, 0],
        [0.0] * (len(_SPREAD) + len(_GRADED)) + [*(1 - _GRADED)] + [1, 0, 0],
        [-1.0] * (len(_SPREAD) + 2 * len(_GRADED) + 3),
    ]
)
_NEARLY_1 = 1.0 - 1e-15
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
    """The central credible interval of the share of good answers."""
    tail = (1.0 - level) / 2.0
    low, high = betaincinv(posterior.alpha, posterior.beta, np.array([tail, 1.0 - tail]))
    return float(low), float(high)


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
    beta >= 1 (median 3e-14), 6e-8 down to 0.5, 2e-5 down to 0.2, 2e-4 down to 0.05.

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
    shifts = [(cost - lowest) / success_value_usd for cost in costs_usd]
    columns = np.array([(p.alpha, p.beta, shift) for p, shift in zip(posteriors, shifts, strict=True)])
    a, b, shift = columns[:, 0:1], columns[:, 1:2], columns[:, 2:3]

    edges, start = _panel_edges(posteriors, shifts, a, b, shift)
    nodes, weights, cumulative = _gauss_legendre(6)
    width = (edges[1:] - edges[:-1])[:, None]
    z = edges[:-1, None] + width * nodes  # panel x node
    theta = z.reshape(1, -1) + shift
    # Never below 0, for shift is not negative; at 1 (also by rounding) there is no mass left.
    outside = theta >= 1.0 if edges[-1] + max(shifts) >= _NEARLY_1 else None
    if outside is not None:
        theta[outside] = 0.5
    log_pdf = (a - 1.0) * np.log(theta)
    log_pdf += (b - 1.0) * np.log1p(-theta)
    log_pdf -= betaln(a, b)
    pdf = np.exp(log_pdf, out=log_pdf)
    if outside is not None:
        pdf[outside] = 0.0
    pdf = pdf.reshape(count, len(width), -1)
    pdf *= width  # mass per unit of panel
    rows = pdf.reshape(-1, len(nodes))  # the same numbers, flat: one matrix product instead of many
    mass = (rows @ weights).reshape(count, -1)
    for arm in (
        i for i, p in enumerate(posteriors) if p.alpha < 1.0 or p.beta < 1.0
    ):  # an infinite density at an end: the panel's mass is known exactly, so use it
        at_edges = betainc(a[arm], b[arm], np.minimum(edges + shift[arm], 1.0))
        exact = at_edges[1:] - at_edges[:-1]
        pdf[arm] *= np.divide(exact, mass[arm], out=np.ones_like(exact), where=mass[arm] > 0)[:, None]
        mass[arm] = exact
    below = mass.cumsum(axis=1)
    below -= mass
    below += start
    cdf = (rows @ cumulative).reshape(pdf.shape)
    cdf += below[:, :, None]
    pdf *= _products_of_others(cdf)
    chance = (rows @ weights).reshape(count, -1).sum(axis=1)
    return np.asarray(chance / chance.sum())


def _panel_edges(
    posteriors: Sequence[Posterior], shifts: Sequence[float], a: Array, b: Array, shift: Array
) -> tuple[Array, Array]:
    """Where to cut the axis, and each arm's distribution function at the first cut (arm x 1).

    Takes the same numbers twice, for with a few arms plain floats are faster than arrays.
    """
    moments = []
    for posterior, by in zip(posteriors, shifts, strict=True):
        total = posterior.alpha + posterior.beta
        centre = posterior.alpha / total
        moments.append((centre, sqrt(centre * (1.0 - centre) / (total + 1.0)), 1.0, by))
    points = np.array(moments) @ _CUTS
    ends = (betaincinv(a, b, _TAILS) - shift).tolist()
    low = max([end[0] for end in ends])  # below it some factor is 0
    high = max([end[1] for end in ends])  # above it every density is
    points[0, -2] = low
    points[0, -1] = high
    cuts = points[(points >= low) & (points <= high)]
    cuts.sort()
    return cuts, betainc(a, b, np.minimum(low + shift, 1.0))


def _products_of_others(cdf: Array) -> Array:
    """For each arm the product of all other arms' entries, without dividing."""
    count = len(cdf)
    if count == 2:
        return cdf[::-1]
    before = np.ones_like(cdf)
    after = np.ones_like(cdf)
    np.multiply.accumulate(cdf[:-1], axis=0, out=before[1:])
    np.multiply.accumulate(cdf[:0:-1], axis=0, out=after[-2::-1])
    return before * after


@lru_cache(maxsize=4)
def _gauss_legendre(order: int) -> tuple[Array, Array, Array]:
    """Nodes and weights on [0, 1], and the matrix that integrates from 0 up to each node.

    Column k of the matrix holds the weights of the integral of the interpolating polynomial over [0, node k].
    """
    nodes, weights = np.polynomial.legendre.leggauss(order)
    nodes, weights = (nodes + 1.0) / 2.0, weights / 2.0
    powers = np.arange(order)
    vandermonde = nodes[:, None] ** powers
    integrals = nodes[:, None] ** (powers + 1) / (powers + 1)
    cumulative = (integrals @ np.linalg.inv(vandermonde)).T
    return nodes, weights, np.ascontiguousarray(cumulative)
