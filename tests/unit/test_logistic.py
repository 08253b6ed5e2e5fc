"""Beliefs about success, against brute force in one and two dimensions, and one by one against all at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from router_core.contextual.logistic import Belief, fit, prior, update


def brute(before: Belief, x: np.ndarray, rewards: np.ndarray, points: int = 401) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the exact posterior, by summing over a grid 8 deviations wide."""
    d = len(before.mean)
    sds = np.sqrt(np.diag(before.covariance))
    axes = [before.mean[i] + sds[i] * np.linspace(-8, 8, points) for i in range(d)]
    grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    away = grid - before.mean
    log = -0.5 * np.einsum("ni,ij,nj->n", away, np.linalg.inv(before.covariance), away)
    for row, reward in zip(x, rewards, strict=True):
        eta = grid @ row
        log += reward * eta - np.logaddexp(0, eta)
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    mean = mass @ grid
    return mean, (grid - mean).T @ ((grid - mean) * mass[:, None])


@pytest.mark.parametrize("d", [1, 2])
def test_close_to_the_exact_posterior(d: int) -> None:
    """After fifty outcomes the normal approximation is off by less than a third of a deviation."""
    rng = np.random.default_rng(d)
    before = prior(np.full(d, 0.2), np.full(d, 1.5))
    x = np.column_stack([np.ones(50), rng.normal(size=50)])[:, :d]
    rewards = (rng.random(50) < expit(x @ np.array([0.7, -0.8])[:d])).astype(float)
    exact_mean, exact = brute(before, x, rewards)
    found = fit(before, x, rewards)
    sds = np.sqrt(np.diag(exact))
    assert np.abs((found.mean - exact_mean) / sds).max() < 0.33
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(sds, rel=0.10)


def test_the_mode_is_exact() -> None:
    """Where the slope of the exact log posterior is nought, and the covariance is its curvature there."""
    rng = np.random.default_rng(5)
    before, x, rewards = prior(np.zeros(3), np.full(3, 2.0)), rng.normal(size=(200, 3)), rng.random(200)
    found = fit(before, x, rewards)
    p = expit(x @ found.mean)
    slope = x.T @ (rewards - p) - (found.mean - before.mean) / 4.0
    assert np.abs(slope).max() < 1e-8
    assert np.linalg.inv(found.covariance) == pytest.approx(np.eye(3) / 4.0 + (x * (p * (1 - p))[:, None]).T @ x)


@pytest.mark.parametrize("reward", [0.0, 0.3, 1.0])
def test_one_update_is_one_fit(reward: float) -> None:
    """For a single outcome the fast way is exact."""
    rng = np.random.default_rng(6)
    before = Belief(rng.normal(size=4), np.diag([0.5, 2.0, 9.0, 0.1]), 3)
    x = rng.normal(size=4) * 2
    one, many = update(before, x, reward), fit(before, x[None], np.array([reward]))
    assert one.mean == pytest.approx(many.mean, abs=1e-9)
    assert one.covariance == pytest.approx(many.covariance, abs=1e-9)
    assert one.observations == many.observations == 4


def test_incremental_against_batch() -> None:
    """A thousand outcomes one by one end within half a deviation of all at once."""
    rng = np.random.default_rng(7)
    before, truth = prior(np.zeros(5), np.ones(5)), np.array([0.5, 1.0, -1.0, 0.3, 0.0])
    x = np.column_stack([np.ones(1000), rng.normal(size=(1000, 4))])
    rewards = (rng.random(1000) < expit(x @ truth)).astype(float)
    belief = before
    for row, reward in zip(x, rewards, strict=True):
        belief = update(belief, row, reward)
    batch = fit(before, x, rewards)
    sds = np.sqrt(np.diag(batch.covariance))
    assert np.abs((belief.mean - batch.mean) / sds).max() < 0.5
    assert np.sqrt(np.diag(belief.covariance)) == pytest.approx(sds, rel=0.08)
    assert np.abs((batch.mean - truth) / sds).max() < 3.5


def test_order_does_not_matter_to_a_fit_and_weights_are_repetitions() -> None:
    rng = np.random.default_rng(8)
    before, x, rewards = prior(np.zeros(2), np.ones(2)), rng.normal(size=(40, 2)), rng.random(40)
    times = rng.integers(0, 4, 40)
    found = fit(before, np.repeat(x, times, axis=0), np.repeat(rewards, times))
    assert fit(before, x, rewards, times.astype(float)).mean == pytest.approx(found.mean, abs=1e-9)
    assert fit(before, x[::-1], rewards[::-1]).mean == pytest.approx(fit(before, x, rewards).mean, abs=1e-9)


def test_good_and_bad_are_mirror_images() -> None:
    """Exchanging good and bad turns the sign of the belief."""
    rng = np.random.default_rng(9)
    before, x = prior(np.zeros(3), np.ones(3)), rng.normal(size=3)
    good, bad = update(before, x, 1.0), update(before, x, 0.0)
    assert good.mean == pytest.approx(-bad.mean)
    assert good.covariance == pytest.approx(bad.covariance)


def test_extreme_logits_do_not_overflow() -> None:
    """A surprise at a logit of 500 moves the belief, finitely."""
    before = Belief(np.array([500.0]), np.array([[4.0]]))
    after = update(before, np.array([1.0]), 0.0)
    assert after.mean[0] == pytest.approx(496.0)  # the slope is 1 all the way: 500 - 4 * 1
    assert fit(before, np.ones((1, 1)), np.zeros(1)).mean[0] == pytest.approx(496.0)
    assert fit(before, np.empty((0, 1)), np.empty(0)) is before
