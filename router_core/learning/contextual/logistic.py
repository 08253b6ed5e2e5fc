"""A belief about one model's success as a logistic function of features: a normal distribution over its weights.

Success has probability sigmoid(w . x), w ~ N(mean, covariance). One outcome at a time, the belief becomes the
normal distribution with the exact mean and covariance of likelihood times belief (moment matching; Minka 2001);
many at once, that at their mode with the curvature there (Laplace). See best_buy.py for what the features are,
and what is chosen by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, inf, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TRIES = 50  # of Newton's method, at most
_CLOSE = 1e-12
_NEAR = 1e-7
_SAFE = 1.0
_REACH, _STEP, _LONGEST_STEP = 7.0, 0.5, 0.8  # of the trapezoid rule: two in standard deviations, one in logits


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """N(mean, covariance) over d weights; ``observations`` outcomes are in it."""

    mean: Array
    covariance: Array
    observations: int = 0

    def logit(self, x: Array) -> tuple[float, float]:
        """Mean and variance of the logit of success on a prompt with features ``x`` (d,)."""
        return float(self.mean @ x), float(x @ self.covariance @ x)


def prior(mean: Array, deviation: Array) -> Belief:
    """Independent weights: N(mean, diag(deviation^2)), both (d,)."""
    return Belief(np.asarray(mean, np.float64), np.diag(np.square(np.asarray(deviation, np.float64))))


def update(belief: Belief, x: Array, reward: float) -> Belief:
    """The belief after one more outcome: its mean and covariance are exactly those of likelihood times belief.

    The outcome speaks of the logit w . x alone, so one integral is enough, by the trapezoid rule around the mode.

    Args:
        belief: before.
        x: (d,), features of the prompt.
        reward: in [0, 1]; a fraction counts as that share of a good answer.
    """
    mean, covariance, seen = belief.mean, belief.covariance, belief.observations + 1
    along = covariance.dot(x)
    m, v = float(mean.dot(x)), float(along.dot(x))
    if v <= 0.0:  # all is known of such a prompt
        return Belief(mean, covariance, seen)
    moved, narrowed = _moments(m, v, reward)
    shrunk = along * (sqrt(max(0.0, v - narrowed)) / v)  # with itself, so that the product is symmetric
    along *= moved / v
    along += mean
    return Belief(along, covariance - shrunk[:, None] * shrunk, seen)


def _moments(m: float, v: float, reward: float) -> tuple[float, float]:
    """How far the mean of N(m, v) moves under sigmoid^reward (1 - sigmoid)^(1 - reward), and its new variance."""
    deviation, to_mode = sqrt(v), v * _step(m, v, reward)
    half = ceil(_REACH * deviation / min(_STEP * deviation, _LONGEST_STEP))
    places, squares, powers = _places(half)
    width = _REACH * deviation / half
    logits = places * width
    logits += m + to_mode
    mass = squares * (-0.5 * width * width / v)  # the square around m, written around the mode
    mass += places * (width * (reward - to_mode / v))
    mass -= np.logaddexp(0.0, logits, out=logits)
    mass -= mass[half]  # about its largest
    total, first, second = powers.dot(np.exp(mass, out=mass)).tolist()
    mean = first / total
    return to_mode + width * mean, width * width * (second / total - mean * mean)


@lru_cache(maxsize=256)
def _places(half: int) -> tuple[Array, Array, Array]:
    """-half ... half, their squares, and the powers 0, 1, 2 of them as rows."""
    places = np.arange(-half, half + 1, dtype=np.float64)
    return places, places * places, np.array([np.ones_like(places), places, places * places])


def fit(before: Belief, x: Array, rewards: Array, weights: Array | None = None) -> Belief:
    """The belief after many outcomes at once: the mode of all of them together and the curvature there.

    Does not depend on the order. ``update`` one by one comes close to it, and closer to the exact posterior.

    Args:
        before: belief without these outcomes.
        x: (n, d), features.
        rewards: (n,), in [0, 1].
        weights: (n,), how often each outcome counts; None: once.
    """
    if not len(rewards):
        return before
    precision: Array = np.asarray(np.linalg.inv(before.covariance), np.float64)
    mean, eta = before.mean, x @ before.mean
    for _ in range(_TRIES):
        p = _sigmoids(eta)
        off, curvature = rewards - p, p * (1.0 - p)
        if weights is not None:
            off *= weights
            curvature *= weights
        hessian = precision + (x * curvature[:, None]).T @ x
        slope = off @ x - precision @ (mean - before.mean)
        step: Array = np.asarray(np.linalg.solve(hessian, slope), np.float64)
        moved = x @ step
        if float(np.abs(moved).max()) > _SAFE:
            step, moved = _shortened(before, precision, mean, step, eta, moved, rewards, weights)
        mean, eta = mean + step, eta + moved
        if float(np.abs(step).max()) < _NEAR:  # what is left is about its square
            break
    p = _sigmoids(eta)
    curvature = p * (1.0 - p) if weights is None else weights * p * (1.0 - p)
    hessian = precision + (x * curvature[:, None]).T @ x
    covariance = np.asarray(np.linalg.inv(hessian), np.float64)
    return Belief(mean, (covariance + covariance.T) / 2.0, before.observations + len(rewards))


def _shortened(
    before: Belief,
    precision: Array,
    mean: Array,
    step: Array,
    eta: Array,
    moved: Array,
    rewards: Array,
    weights: Array | None,
) -> tuple[Array, Array]:
    """Half the step until the loss falls: it is convex. A step that moves no logit by more than 1 need not be
    tried: the curvature cannot change much on the way (Bach 2010).
    """  # fmt: skip
    counted = np.ones(len(rewards)) if weights is None else weights

    def loss(length: float) -> float:
        there, away = eta + length * moved, mean + length * step - before.mean
        return float(counted @ (np.logaddexp(0.0, there) - rewards * there) + 0.5 * away @ precision @ away)

    length, now = 1.0, loss(0.0)
    while loss(length) > now and length > 1e-6:
        length /= 2.0
    return length * step, length * moved


def _step(m: float, v: float, reward: float) -> float:
    """The root s of reward - sigmoid(m + v s) - s, which falls in s.

    Newton's method within [reward - 1, reward], and half the bracket wherever that does not halve what is off.
    """
    low, high = reward - 1.0, reward
    s, before = reward - _sigmoid(m), inf
    for _ in range(_TRIES):
        p = _sigmoid(m + v * s)
        off = reward - p - s
        if off > 0.0:
            low = s
        else:
            high = s
        moved = s + off / (1.0 + v * p * (1.0 - p))
        if not low < moved < high or abs(off) > 0.5 * before:
            moved = 0.5 * (low + high)
        before = abs(off)
        if abs(moved - s) < _CLOSE:
            return moved
        s = moved
    return s


def _sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + exp(-x))
    e = exp(x)
    return e / (1.0 + e)


def _sigmoids(x: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))
