"""How much the features matter: sizes of slopes against brute force, and what is believed of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from router_core.learning.contextual.logistic import Belief, fit, prior
from router_core.learning.contextual.sharing import Learned
from router_core.learning.contextual.shrinking import SIZES, shrunk, sizes
from router_core.learning.contextual.state import weak_prior
from router_core.learning.contextual.vector import SIZE

MEAN, DEVIATION = np.array([0.4, 0.3]), np.array([1.2, 0.7])


def taught(precision: np.ndarray, best: np.ndarray) -> Learned:
    """Two weights, and evidence exp(-(w - best) precision (w - best) / 2)."""
    before = prior(MEAN, DEVIATION)
    covariance = np.linalg.inv(np.linalg.inv(before.covariance) + precision)
    mean = covariance @ (np.linalg.inv(before.covariance) @ MEAN + precision @ best)
    return Learned(before, Belief(mean, covariance, 5))


def by_force(one: Learned, size: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Evidence, mean and second moment under slopes of that size, on a grid of a million points."""
    precision, pull = one.evidence()
    width = DEVIATION * np.array([1.0, size])
    axes = [np.linspace(m - 9 * s, m + 9 * s, 1001) for m, s in zip(MEAN, width, strict=True)]
    w = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    off = (w - MEAN) / width
    log = -0.5 * (off**2).sum(-1) + w @ pull - 0.5 * np.einsum("ijk,kl,ijl->ij", w, precision, w)
    mass = np.exp(log)
    total = float(mass.sum() * (axes[0][1] - axes[0][0]) * (axes[1][1] - axes[1][0]) / np.prod(width))
    mean = np.einsum("ij,ijk->k", mass, w) / mass.sum()
    second = np.einsum("ij,ijk,ijl->kl", mass, w, w) / mass.sum()
    return total, mean, second


LEARNED = [
    taught(np.array([[2.0, 0.5], [0.5, 1.5]]), np.array([0.1, 1.4])),
    taught(np.array([[1.0, -0.3], [-0.3, 4.0]]), np.array([-0.5, 0.2])),
]


@pytest.mark.slow
def test_sizes_are_those_of_brute_force() -> None:
    """Arms of one goal share one size: their evidence is multiplied."""
    evidence = np.array([[by_force(one, size)[0] for size in SIZES] for one in LEARNED]).prod(axis=0)
    assert sizes(LEARNED) == pytest.approx(evidence / evidence.sum(), abs=1e-6)


def test_a_belief_has_the_moments_of_the_mixture() -> None:
    """Mean and covariance over all sizes, by brute force."""
    likely = sizes(LEARNED)
    for one, belief in zip(LEARNED, shrunk(LEARNED), strict=True):
        found = [by_force(one, size) for size in SIZES]
        mean = sum(weight * m for weight, (_, m, _) in zip(likely, found, strict=True))
        second = sum(weight * s for weight, (_, _, s) in zip(likely, found, strict=True))
        assert belief.mean == pytest.approx(mean, abs=1e-5)
        assert belief.covariance == pytest.approx(second - np.outer(mean, mean), abs=1e-5)
        assert belief.observations == 5


def test_before_any_outcome_all_sizes_are_equally_likely() -> None:
    """And what is believed is the prior."""
    fresh = Learned(weak_prior(), weak_prior())
    assert shrunk([fresh]) == [fresh.belief]
    assert sizes([fresh, fresh]) == pytest.approx(np.full(len(SIZES), 1 / len(SIZES)))


def test_a_model_that_joins_does_not_undo_it() -> None:
    """What the others' outcomes say of the size of slopes counts, though this one has none."""
    fresh = Learned(prior(MEAN, DEVIATION), prior(MEAN, DEVIATION))
    alone, beside = shrunk(LEARNED[:1])[0], shrunk([LEARNED[0], fresh])[0]
    assert beside.mean == pytest.approx(alone.mean)
    assert np.abs(beside.mean - LEARNED[0].belief.mean).max() > 0.01


@pytest.mark.parametrize(("signal", "least", "most"), [(0.0, 0.0, 0.5), (1.5, 0.8, 1.0)])
def test_outcomes_decide_how_much_features_matter(signal: float, least: float, most: float) -> None:
    """After 2,000 outcomes without a signal, slopes are half as uncertain or less; with one, as before."""
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(2000), rng.normal(size=(2000, SIZE - 1)) / 2])
    rewards = (rng.random(2000) < expit(0.7 + signal * x[:, 1])).astype(float)
    learned = [Learned(weak_prior(), fit(weak_prior(), x, rewards))]
    (belief,) = shrunk(learned)
    before, after = (np.sqrt(np.diag(one.covariance))[2:].mean() for one in (learned[0].belief, belief))
    assert least <= after / before <= most
