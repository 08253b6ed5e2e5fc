"""Why a model leads on this prompt: what each feature adds for each model, in points of good answers.

See policies/contextual.py for words for people.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from router_core.learning.contextual.vector import NAMES

Array = NDArray[np.float64]

_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Push:
    """``feature`` had ``value`` on this prompt and speaks for the arm at ``towards``.

    ``log_odds`` and ``share`` (of good answers): how much more it adds for that arm than for the next one.
    """

    feature: str
    value: float
    towards: int
    log_odds: float
    share: float


@dataclass(frozen=True, slots=True)
class Expected:
    """Share of good answers that one arm is expected to give to prompts like this: mean and central 95 %."""

    mean: float
    low: float
    high: float


def expected(mean: float, variance: float) -> Expected:
    """The share whose log-odds are N(mean, variance); its mean to .02, by probit approximation (MacKay 1992).

    The interval is the central 95 %, with the mean inside: far out, and very unsure, it lies beyond.
    """
    reach = _Z95 * sqrt(variance)
    middle = _sigmoid(mean / sqrt(1.0 + pi * variance / 8.0))
    return Expected(middle, min(_sigmoid(mean - reach), middle), max(_sigmoid(mean + reach), middle))


def pushes(rows: Array, coefficients: Array) -> list[Push]:
    """Every feature that tells the arms apart, the strongest first.

    A feature adds x_j b_j to an arm's log-odds; what counts is how much more than to the next arm. With two arms
    the signed pushes sum to the difference of the mean log-odds, and as shares to that of the shares at them.

    Args:
        rows: (arms, features), the prompt as each arm sees it.
        coefficients: (arms, features), the mean of each arm's belief.
    """
    parts = rows * coefficients
    towards = parts.argmax(axis=0)
    ranked = np.sort(parts, axis=0)
    by = ranked[-1] - ranked[-2] if len(rows) > 1 else np.zeros(rows.shape[1])
    slope = _slope(parts.sum(axis=1))
    found = [
        Push(NAMES[place], float(rows[towards[place], place]), int(towards[place]), size, size * slope)
        for place, size in enumerate(by.tolist())
        if size > 0.0
    ]
    return sorted(found, key=lambda one: -one.log_odds)


def _slope(logits: Array) -> float:
    """Share per unit of log-odds between the best and the next arm."""
    if len(logits) < 2:
        return 0.0
    low, high = sorted([float(logit) for logit in logits])[-2:]
    if high - low < 1e-6:
        p = _sigmoid(low)
        return p * (1.0 - p)
    return (_sigmoid(high) - _sigmoid(low)) / (high - low)


def _sigmoid(x: float) -> float:
    if x >= 0.0:
        return 1.0 / (1.0 + exp(-x))
    e = exp(x)
    return e / (1.0 + e)
