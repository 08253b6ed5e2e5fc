"""The chance of being best, against sampling and against adaptive quadrature, on many kinds of posteriors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta as beta_distribution

from router_core.learning.beta import best_probabilities
from router_core.learning.small_shapes import best_of_draws, best_probabilities_of_small_shapes
from router_core.types import Posterior

DRAWS = 400_000

CASES: dict[str, tuple[list[tuple[float, float]], list[float], float]] = {
    "two alike": ([(5, 3), (5, 3)], [0, 0], float("inf")),
    "price on the better": ([(46, 5), (41, 12)], [0.01, 0.001], 0.05),
    "price decides": ([(46, 5), (41, 12)], [0.05, 0.001], 0.05),
    "lopsided": ([(1, 1), (50_000, 50)], [0, 0], float("inf")),
    "narrow pair": ([(50_000, 50_000), (50_200, 49_900)], [0, 0], float("inf")),
    "near one": ([(400, 1), (900, 2)], [0, 0], float("inf")),
    "near zero": ([(1, 400), (2, 900)], [0, 0], float("inf")),
    "five, check row": ([(100, 50), (30, 100), (5, 5), (10, 5), (20, 200)], [0] * 5, float("inf")),
    "ten": ([(20 + 3 * i, 10 + i) for i in range(10)], [0.0001 * i for i in range(10)], 0.02),
    "ten uniforms with prices": ([(1, 1)] * 10, [0.002 * i for i in range(10)], 0.05),
    "priors below one": ([(0.5, 0.5), (0.5, 0.5), (3, 2)], [0, 0.001, 0.002], 0.05),
    "a prior close to nothing": ([(0.05, 0.05), (2, 2)], [0, 0], float("inf")),
    "three at the lowest prior": ([(0.01, 0.01)] * 3, [0, 0.1, 0.1], 1.0),
    "good answers alone, lowest prior": ([(5.01, 0.01), (3.01, 0.01)], [0, 0], float("inf")),
    "the lowest prior beside a settled model": ([(0.01, 0.02), (500, 30)], [0.002, 0.001], 0.05),
    "prices among small shapes": ([(0.1, 0.3), (0.3, 0.1), (2, 2)], [0, 0.01, 0.01], 0.05),
}


@pytest.mark.parametrize("name", CASES)
def test_against_sampling(name: str) -> None:
    """Within 4.5 standard errors of 400,000 draws with a fixed seed."""
    shapes, costs, value = CASES[name]
    computed = best_probabilities([Posterior(a, b) for a, b in shapes], costs, value)
    alpha, beta = (np.tile(column, (DRAWS, 1)) for column in np.array(shapes, float).T)
    drawn = best_of_draws(alpha, beta, np.array(costs), value, np.random.default_rng(20_241))
    sampled = np.bincount(drawn, minlength=len(shapes)) / DRAWS
    errors = np.sqrt(np.maximum(sampled * (1 - sampled), 1 / DRAWS) / DRAWS)
    assert np.all(np.abs(computed - sampled) <= 4.5 * errors)
    assert computed.sum() == pytest.approx(1.0, abs=1e-12)


def by_quadrature(shapes: list[tuple[float, float]], costs: list[float], value: float, arm: int) -> float:
    """P(arm is best) by scipy's adaptive quadrature, told where the density lies."""
    a, b = shapes[arm]

    def integrand(x: float) -> float:
        product = float(beta_distribution.pdf(x, a, b))
        for other, (c, d) in enumerate(shapes):
            if other != arm:
                product *= float(beta_distribution.cdf(x - (costs[arm] - costs[other]) / value, c, d))
        return product

    points = sorted({float(p) for p in beta_distribution.ppf([1e-9, 0.01, 0.25, 0.5, 0.75, 0.99, 1 - 1e-9], a, b)})
    edges = [0.0, *points, 1.0]
    pieces = (
        quad(integrand, low, high, epsabs=1e-12, epsrel=1e-10, limit=200)[0]
        for low, high in pairwise(edges)
        if high > low
    )
    return float(sum(pieces))


def test_against_adaptive_quadrature() -> None:
    """30 random configurations with alpha, beta >= 1 agree to 1e-7."""
    random = np.random.default_rng(7)
    worst = 0.0
    for _ in range(30):
        count = int(random.integers(2, 5))
        shapes = [(float(a), float(b)) for a, b in 1 + random.gamma(1.0, 30.0, (count, 2))]
        costs = random.uniform(0, 0.01, count).tolist()
        value = float(random.uniform(0.02, 0.2))
        computed = best_probabilities([Posterior(a, b) for a, b in shapes], costs, value)
        arm = int(random.integers(count))
        worst = max(worst, abs(float(computed[arm]) - by_quadrature(shapes, costs, value, arm)))
    assert worst < 1e-7


@pytest.mark.parametrize("small", [0.01, 0.02, 0.1, 0.3, 0.49])
@pytest.mark.parametrize("other", [0.01, 0.05, 0.4, 1.0, 7.0])
def test_against_a_closed_form(small: float, other: float) -> None:
    """Theta of Beta(a, 1) is U^(1/a), so the first is larger with chance a / (a + b); of Beta(1, b) it mirrors.

    At 0.01 double precision takes most values of Beta(1, 0.01) for 1: counted as ties, the chances were wrong by
    up to 0.44.
    """
    expected = small / (small + other)
    rising = best_probabilities([Posterior(small, 1.0), Posterior(other, 1.0)], [0.0, 0.0], float("inf"))
    falling = best_probabilities([Posterior(1.0, small), Posterior(1.0, other)], [0.0, 0.0], float("inf"))
    assert rising.tolist() == pytest.approx([expected, 1.0 - expected], abs=1e-9)
    assert falling.tolist() == pytest.approx([1.0 - expected, expected], abs=1e-9)


def test_both_ways_of_integrating_agree() -> None:
    """Where shapes are a half or more either may be used."""
    random = np.random.default_rng(3)
    for _ in range(20):
        shapes = [(float(a), float(b)) for a, b in 0.5 + random.gamma(0.5, 10.0, (3, 2))]
        costs = [0.0, *random.uniform(0.0, 0.02, 2).tolist()]
        usual = best_probabilities([Posterior(a, b) for a, b in shapes], costs, 0.1)
        small = best_probabilities_of_small_shapes(shapes, [cost / 0.1 for cost in costs])
        assert np.abs(usual - small).max() < 1e-6
