"""The chance of being the best buy for one prompt, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit, ndtr

from router_core.contextual.best_buy import best_buy_probabilities


def brute(means: np.ndarray, variances: np.ndarray, costs: np.ndarray, value: float) -> np.ndarray:
    """40,001 points per arm."""
    z = np.linspace(-9.5, 9.5, 40_001)
    mass = np.exp(-z * z / 2)
    mass /= mass.sum()
    found = []
    for i in range(len(means)):
        theta, product = expit(means[i] + np.sqrt(variances[i]) * z), mass.copy()
        for j in range(len(means)):
            if j != i:
                least = np.clip(theta - (costs[i] - costs[j]) / value, 1e-300, 1 - 1e-16)
                product *= ndtr((logit(least) - means[j]) / np.sqrt(variances[j]))
        found.append(product.sum())
    return np.array(found)


@pytest.mark.parametrize("arms", [2, 3, 5])
def test_against_brute_force(arms: int) -> None:
    """Wide, narrow and near-certain beliefs, small and prohibitive costs: below 1e-6."""
    rng = np.random.default_rng(arms)
    for _ in range(60):
        means, variances = rng.normal(0, 2, arms), np.exp(rng.uniform(-7, 2, arms))
        costs, value = rng.uniform(0, 0.02, arms), float(np.exp(rng.uniform(-4, 2)))
        found = best_buy_probabilities(means.tolist(), variances.tolist(), costs.tolist(), value)
        assert np.abs(found - brute(means, variances, costs, value)).max() < 1e-6


def test_against_sampling() -> None:
    """A million draws."""
    rng = np.random.default_rng(0)
    means, variances, costs = [0.3, 1.0, 0.7], [0.5, 0.2, 1.5], [0.001, 0.010, 0.004]
    theta = expit(rng.normal(means, np.sqrt(variances), (1_000_000, 3)))
    best = (0.05 * theta - costs).argmax(axis=1)
    drawn = np.bincount(best, minlength=3) / 1_000_000
    assert best_buy_probabilities(means, variances, costs, 0.05) == pytest.approx(drawn, abs=0.002)


def test_equal_arms_share_alike() -> None:
    assert best_buy_probabilities([0.4] * 2, [0.3] * 2, [0.01] * 2, 0.05) == pytest.approx([0.5, 0.5])
    assert best_buy_probabilities([0.4] * 4, [0.3] * 4, [0.01] * 4, 0.05) == pytest.approx([0.25] * 4)


def test_arms_may_be_exchanged() -> None:
    """The chance belongs to the arm, not to its place."""
    given = ([0.1, 1.2, -0.5], [0.2, 0.6, 2.0], [0.001, 0.01, 0.0])
    turned = tuple(one[::-1] for one in given)
    found = best_buy_probabilities(*given, 0.05)
    assert found[::-1] == pytest.approx(best_buy_probabilities(*turned, 0.05), abs=1e-7)


def test_monotone_in_cost_and_value() -> None:
    """A dearer arm is chosen less, and a better and dearer arm more, the more a good answer is worth."""
    dearer = [
        best_buy_probabilities([0.2, 0.9], [0.3, 0.3], [0.001, c], 0.05)[1] for c in np.linspace(0, 0.06, 40)
    ]
    assert all(np.diff(dearer) <= 1e-9)
    assert dearer[-1] < 1e-6
    worth = [
        best_buy_probabilities([0.2, 0.9], [0.3, 0.3], [0.001, 0.01], v)[1] for v in np.geomspace(0.005, 50, 40)
    ]
    assert all(np.diff(worth) >= -1e-9)


def test_the_ends() -> None:
    """Worth nothing: the cheapest. Worth anything: success alone. One arm: that. A certain arm: a step."""
    assert best_buy_probabilities([0.0, 5.0], [1.0, 1.0], [0.1, 0.2], 0.0).tolist() == [1.0, 0.0]
    free = best_buy_probabilities([0.0, 1.0], [0.5, 0.5], [0.0, 99.0], float("inf"))
    assert free[1] == pytest.approx(float(ndtr(1.0)))  # (1 - 0) / sqrt(0.5 + 0.5)
    assert best_buy_probabilities([3.0], [1.0], [1.0], 0.05).tolist() == [1.0]
    certain = best_buy_probabilities([0.0, 1.0], [0.0, 0.0], [0.0, 0.0], 1.0)
    assert certain == pytest.approx([0.0, 1.0], abs=1e-9)
