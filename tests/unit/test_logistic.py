"""Beliefs about success, against brute force in one and two dimensions, and one by one against all at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from router_core.learning.contextual.logistic import Belief, fit, prior, update


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
@pytest.mark.parametrize("d", [1, 2])
def test_one_update_has_the_exact_mean_and_covariance(d: int, reward: float) -> None:
    """Against summing likelihood times belief over a grid, correlated beliefs included."""
    before = Belief(np.array([0.4, -1.0])[:d], np.array([[0.8, 0.5], [0.5, 2.0]])[:d, :d], 3)
    x = np.array([1.0, -1.7])[:d]
    mean, covariance = brute(before, x[None], np.array([reward]), 801)
    after = update(before, x, reward)
    assert after.mean == pytest.approx(mean, abs=1e-8)
    assert after.covariance == pytest.approx(covariance, abs=1e-8)
    assert after.observations == 4


@pytest.mark.parametrize("d", [1, 2])
def test_many_updates_stay_close_to_the_exact_posterior(d: int) -> None:
    """Fifty outcomes one by one: in the mean of six worlds off by a seventh of a deviation, never by a quarter."""
    off = []
    for seed in range(6):
        rng = np.random.default_rng(10 * seed + d)
        belief = before = prior(np.full(d, 0.2), np.full(d, 1.5))
        x = np.column_stack([np.ones(50), rng.normal(size=50)])[:, :d]
        rewards = (rng.random(50) < expit(x @ np.array([0.7, -0.8])[:d])).astype(float)
        exact_mean, exact = brute(before, x, rewards, 301)
        for row, reward in zip(x, rewards, strict=True):
            belief = update(belief, row, reward)
        sds = np.sqrt(np.diag(exact))
        off.append(np.abs((belief.mean - exact_mean) / sds).max())
        assert np.sqrt(np.diag(belief.covariance)) == pytest.approx(sds, rel=0.15)
    assert max(off) < 0.25
    assert np.mean(off) < 0.15


@pytest.mark.parametrize(("sd", "mean"), [(0.01, 3.0), (1.0, 0.0), (10.0, 5.0), (30.0, -40.0)])
def test_narrow_and_wide_beliefs(sd: float, mean: float) -> None:
    """From a known logit to one that may be anything."""
    before = Belief(np.array([mean]), np.array([[sd * sd]]))
    for reward in (0.0, 1.0):
        exact_mean, exact = brute(before, np.ones((1, 1)), np.array([reward]), 40_001)
        after = update(before, np.ones(1), reward)
        assert after.mean == pytest.approx(exact_mean, abs=1e-6 * max(1.0, sd))
        assert after.covariance == pytest.approx(exact, abs=1e-6 * max(1.0, sd * sd))


def test_an_outcome_on_what_is_known_changes_nothing() -> None:
    before = Belief(np.array([1.0, 2.0]), np.diag([0.0, 1.0]))
    after = update(before, np.array([1.0, 0.0]), 0.0)
    assert np.array_equal(after.mean, before.mean)
    assert (after.observations, before.observations) == (1, 0)


def test_incremental_against_batch() -> None:
    """A thousand outcomes one by one end within half a deviation of the mode of all at once."""
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
    assert np.sqrt(np.diag(belief.covariance)) == pytest.approx(sds, rel=0.12)
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


def test_by_hand() -> None:
    """N(0, 1), one good answer at x = 1. All at once: the mode solves m = 1 - sigmoid(m).

    One by one: the density doubles, so the mean is 2 E[z sigmoid(z)] = 2 E[sigmoid'(z)] by parts, and the second
    moment stays 1, for sigmoid - 1/2 is odd.
    """
    before = prior(np.zeros(1), np.ones(1))
    mode = float(fit(before, np.ones((1, 1)), np.ones(1)).mean[0])
    assert mode == pytest.approx(1 - 1 / (1 + np.exp(-mode)), abs=1e-12)
    assert mode == pytest.approx(0.401058137541547, abs=1e-9)
    z = np.linspace(-12, 12, 100_001)
    density = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    mean = 2 * float(density @ (expit(z) * expit(-z)))
    after = update(before, np.ones(1), 1.0)
    assert after.mean[0] == pytest.approx(mean, abs=1e-9)
    assert after.covariance[0, 0] == pytest.approx(1 - mean * mean, abs=1e-9)


def test_a_fit_from_afar_finds_the_mode() -> None:
    """Where a full step of Newton's method would overshoot, half of it and less is taken."""
    x = np.column_stack([np.ones(400), np.linspace(-30, 30, 400)])
    rewards = (x[:, 1] > 0).astype(float)
    before = Belief(np.array([3.0, -8.0]), np.diag([4.0, 9.0]))
    found = fit(before, x, rewards)
    p = expit(x @ found.mean)
    slope = x.T @ (rewards - p) - (found.mean - before.mean) / [4.0, 9.0]
    assert np.abs(slope).max() < 1e-6


def test_covariances_stay_symmetric_and_positive() -> None:
    """Also after thousands of updates one by one."""
    rng = np.random.default_rng(10)
    belief = prior(np.zeros(20), np.ones(20))
    for row in rng.normal(size=(3000, 20)):
        belief = update(belief, row, float(rng.random() < 0.8))
    assert np.array_equal(belief.covariance, belief.covariance.T)
    assert np.linalg.eigvalsh(belief.covariance)[0] > 0
