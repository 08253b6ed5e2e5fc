"""Thompson sampling, for all runs of a simulation at once: one posterior per model, or a logistic model of each.

Draws from the posteriors, which chooses each arm with just the probability that production computes. Does not
cover features beyond what it is handed, strength shared between goals, and the exploration floor.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from benchmarks.simulation.world import Arms, Array
from router_core.learning.drift import tempered, tempered_normal
from router_core.types import Posterior

_NEWTON_STEPS = 3


class Learner(Protocol):
    """Chooses one arm per run and learns from what came of it."""

    def choose(self, features: Array, penalties: Array, random: np.random.Generator) -> Arms:
        """One arm per run.

        Args:
            features: runs x features of the request that each run has now.
            penalties: runs x arms; what is taken off the chance of success for the cost of a call.
            random: the only source of randomness.
        """
        ...

    def learn(self, features: Array, arms: Arms, rewards: Array) -> Array:
        """Take in each run's reward in [0, 1]; returns the chance of it that was believed before."""
        ...

    def forget(self, run: int, arm: int, keep: float) -> None:
        """Let each outcome of that arm so far count ``keep`` of one."""
        ...


class BetaThompson:
    """One Beta(1, 1) per arm, blind to the prompt."""

    def __init__(self, runs: int, arms: int) -> None:
        self._good = np.ones((runs, arms))
        self._bad = np.ones((runs, arms))
        self._rows = np.arange(runs)

    def choose(self, features: Array, penalties: Array, random: np.random.Generator) -> Arms:
        """The arm whose drawn success less penalty is highest."""
        return np.asarray(np.argmax(random.beta(self._good, self._bad) - penalties, axis=1))

    def learn(self, features: Array, arms: Arms, rewards: Array) -> Array:
        """Beta(a + r, b + 1 - r)."""
        good, bad = self._good[self._rows, arms], self._bad[self._rows, arms]
        self._good[self._rows, arms] = good + rewards
        self._bad[self._rows, arms] = bad + (1.0 - rewards)
        return np.asarray(good / (good + bad))

    def forget(self, run: int, arm: int, keep: float) -> None:
        """See drift.tempered."""
        now = Posterior(self._good[run, arm], self._bad[run, arm])
        then = tempered(now, Posterior(1.0, 1.0), keep)
        self._good[run, arm], self._bad[run, arm] = then.alpha, then.beta


class LogisticThompson:
    """A Bayesian logistic model of success per arm: normal weights with full covariance, prior N(0, I).

    After each outcome the posterior along the request's features is replaced by a normal one around its mode
    (Laplace); the mode is found by Newton's method in that one direction.
    """

    def __init__(self, runs: int, arms: int, features: int) -> None:
        self._mean = np.zeros((runs, arms, features))
        self._covariance = np.tile(np.eye(features), (runs, arms, 1, 1))
        self._rows = np.arange(runs)

    def choose(self, features: Array, penalties: Array, random: np.random.Generator) -> Arms:
        """The arm whose drawn success less penalty is highest; the log-odds of each are normal."""
        spread = (self._covariance @ features[:, None, :, None])[..., 0]
        centre = (self._mean * features[:, None]).sum(axis=-1)
        width = np.sqrt((spread * features[:, None]).sum(axis=-1))
        drawn = _chance(centre + width * random.standard_normal(centre.shape))
        return np.asarray(np.argmax(drawn - penalties, axis=1))

    def learn(self, features: Array, arms: Arms, rewards: Array) -> Array:
        """One online Laplace step of the chosen arm's model."""
        covariance = self._covariance[self._rows, arms]
        spread = (covariance @ features[:, :, None])[..., 0]
        centre = (self._mean[self._rows, arms] * features).sum(axis=-1)
        variance = (spread * features).sum(axis=-1)
        mode = centre
        for _ in range(_NEWTON_STEPS):
            chance = _chance(mode)
            slope = chance * (1.0 - chance)
            mode = mode - (mode - centre - variance * (rewards - chance)) / (1.0 + variance * slope)
        chance = _chance(mode)
        slope = chance * (1.0 - chance)
        shrink = slope / (1.0 + slope * variance)
        self._mean[self._rows, arms] += (rewards - chance)[:, None] * spread
        self._covariance[self._rows, arms] -= shrink[:, None, None] * spread[:, :, None] * spread[:, None, :]
        return _chance(centre / np.sqrt(1.0 + np.pi / 8.0 * variance))  # MacKay 1992

    def forget(self, run: int, arm: int, keep: float) -> None:
        """See drift.tempered_normal."""
        size = self._mean.shape[-1]
        precision = np.linalg.inv(self._covariance[run, arm])
        mean, kept = tempered_normal(self._mean[run, arm], precision, np.zeros(size), np.eye(size), keep)
        self._mean[run, arm] = mean
        self._covariance[run, arm] = np.linalg.inv(kept)


def _chance(log_odds: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))
