"""The chance of being the best value for one prompt, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit, ndtr

from router_core.learning.contextual.best_buy import (
    best_buy_probabilities,
    best_buy_rows,
    dearer_wins,
    dearer_wins_rows,
)


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
    """A pricier arm is chosen less, and a better and pricier arm more, the more a good answer is worth."""
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


def exactly(m: float, v: float, other: float, w: float, shift: float) -> float:
    """P(sigmoid(N(m, v)) - shift > sigmoid(N(other, w))) by Gauss-Legendre on a graded mesh."""
    x, weight = np.polynomial.legendre.leggauss(20)
    edge = max(-10.0, (logit(shift) - m) / np.sqrt(v))
    if edge >= 10.0:
        return 0.0
    cuts = np.unique(
        edge + (10.0 - edge) * np.concatenate(([0.0], np.geomspace(1e-14, 1, 3000), np.linspace(0, 1, 3000)))
    )
    width = np.diff(cuts)[:, None]
    z = cuts[:-1, None] + width * (x + 1) / 2
    logits = m + np.sqrt(v) * z
    good, bad = np.maximum(expit(logits) - shift, 1e-300), expit(-logits) + shift
    mass = np.exp(-z * z / 2) * ndtr((np.log(good) - np.log(bad) - other) / np.sqrt(w))
    return float((mass * weight / 2 * width).sum() / np.sqrt(2 * np.pi))


def extreme_cases(count: int) -> np.ndarray:
    """Rows of m, v, other, w, shift: variances from 0.0001 to 100, shifts from 0.0001 to almost 1."""
    rng = np.random.default_rng(11)
    v, w = 10.0 ** rng.uniform(-4, 2, (2, count))
    shift = np.where(rng.random(count) < 0.3, rng.uniform(0.3, 0.99, count), 10.0 ** rng.uniform(-4, -0.1, count))
    return np.column_stack([rng.normal(1, 3, count), v, rng.normal(1, 3, count), w, shift])


def test_two_arms_however_extreme() -> None:
    """One by one to 2e-9, many at once to 5e-7."""
    cases = extreme_cases(300)
    exact = np.array([exactly(*case) for case in cases])
    assert exact.min() + 1e-300 > 0.0
    assert exact.std() > 0.3  # the cases are not all decided
    assert np.abs([dearer_wins(*case) for case in cases] - exact).max() < 2e-9
    assert np.abs(dearer_wins_rows(*cases.T) - exact).max() < 5e-7


def test_many_at_once_at_the_ends() -> None:
    """Equal prices, prices that no answer is worth, certain and hopeless arms: as one by one."""
    cases = np.array(
        [
            [0.3, 0.5, 0.1, 0.7, 0.0],
            [9.0, 0.1, 0.0, 0.1, 1.0],
            [9.0, 0.1, 0.0, 0.1, 7.0],
            [0.4, 0.0, 0.1, 0.0, 0.01],
            [-50.0, 0.1, 50.0, 0.1, 0.01],
            [50.0, 0.1, -50.0, 0.1, 0.01],
        ]
    )
    alone = [dearer_wins(*case) for case in cases]
    assert dearer_wins_rows(*cases.T) == pytest.approx(alone, abs=5e-7)
    assert alone == pytest.approx([float(ndtr(0.2 / np.sqrt(1.2))), 0.0, 0.0, 1.0, 0.0, 1.0], abs=1e-9)
    assert len(dearer_wins_rows(*np.empty((5, 0)))) == 0


def test_good_and_bad_may_be_exchanged() -> None:
    """Bad answers in place of good ones turn the question round."""
    for m, v, other, w, shift in extreme_cases(100):
        assert dearer_wins(m, v, other, w, shift) == pytest.approx(dearer_wins(-other, w, -m, v, shift), abs=3e-9)


def test_three_arms_of_which_one_is_hopeless_are_two() -> None:
    """The general way agrees with the special one for two, extreme beliefs included."""
    for m, v, other, w, shift in extreme_cases(60):
        three = best_buy_probabilities([m, other, -40.0], [v, w, 0.01], [shift, 0.0, 2.0], 1.0)
        assert three == pytest.approx([dearer_wins(m, v, other, w, shift), 1 - three[0], 0.0], abs=1e-7)


@pytest.mark.parametrize(("arms", "near"), [(1, 0.0), (2, 5e-7), (3, 1e-15), (4, 1e-15)])
def test_many_prompts_at_once_are_prompts_one_by_one(arms: int, near: float) -> None:
    """Wide and narrow beliefs mixed, each prompt at its own costs; worth nothing, something and anything."""
    rng = np.random.default_rng(arms)
    means, variances = rng.normal(0, 2, (150, arms)), np.exp(rng.uniform(-7, 3, (150, arms)))
    costs = rng.uniform(0, 0.05, (150, arms)).round(3)  # some alike
    for value in (0.0, 0.05, float("inf")):
        alone = [
            best_buy_probabilities(*row, value)
            for row in zip(means.tolist(), variances.tolist(), costs.tolist(), strict=True)
        ]
        assert np.abs(best_buy_rows(means, variances, costs, value) - alone).max() <= near
    assert best_buy_rows(*np.empty((3, 0, arms)), 0.05).shape == (0, arms)
