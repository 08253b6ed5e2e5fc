"""Strength shared between goals: what other goals learned about an arm is the prior of a new one.

An arm's coefficients in goal g are w + d_g: w is common to all goals, d_g ~ N(0, diag(deviation^2)) is the
goal's own. What a goal learned is kept as a normal factor, its belief without its prior. See state.py for when
priors are renewed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router_core.learning.contextual.logistic import Belief

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A belief, and the prior that it began with."""

    prior: Belief
    belief: Belief

    def evidence(self) -> tuple[Array, Array]:
        """What the outcomes alone say: precision (d, d) and precision times mean (d,); all 0 without outcomes."""
        before = np.asarray(np.linalg.inv(self.prior.covariance), np.float64)
        after = np.asarray(np.linalg.inv(self.belief.covariance), np.float64)
        return after - before, after @ self.belief.mean - before @ self.prior.mean

    def under(self, prior: Belief) -> Learned:
        """The same evidence under another prior; exact where the evidence is normal."""
        precision, pull = self.evidence()
        before = np.asarray(np.linalg.inv(prior.covariance), np.float64)
        covariance = np.asarray(np.linalg.inv(before + precision), np.float64)
        covariance = (covariance + covariance.T) / 2.0
        mean = covariance @ (before @ prior.mean + pull)
        return Learned(prior, Belief(mean, covariance, self.belief.observations))


def shared_prior(common: Belief, deviation: Array, others: Sequence[Learned]) -> Belief:
    """The prior of a goal, given what the others learned.

    With Lambda, h the evidence of another goal and T = diag(deviation^2), it says of the common coefficients
    precision Lambda (I + T Lambda)^-1 and pull (I + Lambda T)^-1 h: the goal's own part integrated out. However
    much others learned, the prior keeps the width T.

    Args:
        common: what is believed of the common coefficients before any goal has learned.
        deviation: (d,), standard deviation of a goal's coefficients around the common ones.
        others: what the other goals learned of the same arm.
    """
    size = len(common.mean)
    own = np.square(np.asarray(deviation, np.float64))
    precision = np.asarray(np.linalg.inv(common.covariance), np.float64)
    pull = precision @ common.mean
    for other in others:
        if not other.belief.observations:
            continue
        their_precision, their_pull = other.evidence()
        spread = np.eye(size) + their_precision * own  # I + Lambda T
        solved = np.linalg.solve(spread, np.column_stack([their_precision, their_pull]))
        precision = precision + solved[:, :size]
        pull = pull + solved[:, size]
    covariance = np.asarray(np.linalg.inv((precision + precision.T) / 2.0), np.float64)
    return Belief(covariance @ pull, (covariance + covariance.T) / 2.0 + np.diag(own))
