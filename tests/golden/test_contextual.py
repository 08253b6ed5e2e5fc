"""Contextual sampling, worked out once: numbers that must not change without a new version of the features."""

from __future__ import annotations

from math import erf, sqrt

import numpy as np
import pytest

from router_core.learning.contextual.best_buy import best_buy_probabilities
from router_core.learning.contextual.state import ContextualState, learn
from router_core.policies.base import Known
from router_core.policies.contextual import ContextualPolicy
from router_core.policies.heuristic import HeuristicPolicy
from router_core.settings import GoalSettings, HeuristicSettings
from tests.builders import CHEAP, STRONG, a_candidate, a_context

STORY = (  # prompt, task type, model, reward
    ("Is this spam? You won a prize.", "classification", CHEAP, 1.0),
    ("Prove that there are infinitely many primes.", None, CHEAP, 0.0),
    ("Prove that there are infinitely many primes.", None, STRONG, 1.0),
    ("Compare these two leases and explain why one is better.", "analysis", STRONG, 0.5),
    ("def f(x):\n    return x + 1\nWhat does f(41) give?", None, CHEAP, 1.0),
)
ASKED = "Prove that the square root of 2 is irrational."
TWO = [0.281184487073, 0.718815512927]
FIVE = [0.102720808758, 0.142121218186, 0.190801488304, 0.248827757218, 0.315528727533]
CHANCES = [0.735251943657, 0.264748056343]
BELIEF = [0.400261924235, 8.10288212807]  # mean of the intercept, sum of variances


def test_by_hand_where_cost_plays_no_part() -> None:
    """P(eta_1 > eta_2) is the normal distribution function at (m_1 - m_2) / sqrt(v_1 + v_2)."""
    for m, v, other, w in ((0.3, 0.5, 0.1, 0.7), (-2.0, 4.0, 1.0, 0.01), (0.0, 1.0, 0.0, 1.0)):
        by_hand = 0.5 * (1 + erf((m - other) / sqrt(v + w) / sqrt(2)))
        found = best_buy_probabilities([m, other], [v, w], [0.0, 9.0], float("inf"))
        assert found == pytest.approx([by_hand, 1 - by_hand], abs=1e-12)


def test_known_rows() -> None:
    """Written down from sums over 120,000 nodes: even beliefs with a price, and five arms."""
    two = best_buy_probabilities([0.5, 1.5], [0.4, 0.2], [0.0, 0.1], 1.0)
    five = best_buy_probabilities(
        [0.2 * arm for arm in range(5)], [0.3] * 5, [0.001 * (arm + 1) for arm in range(5)], 0.05
    )
    assert two == pytest.approx(TWO, abs=1e-8)
    assert five == pytest.approx(FIVE, abs=1e-7)


def test_a_story() -> None:
    """Five outcomes, then a prompt: the same probabilities and beliefs as when this was written."""
    state = ContextualState()
    rules = HeuristicPolicy(HeuristicSettings(), CHEAP, STRONG)
    policy = ContextualPolicy(GoalSettings(), rules)
    for text, task, arm, reward in STORY:
        state = learn(state, arm, policy.features(a_context(text, task), [arm], state)[0], reward)
    candidates = [a_candidate(CHEAP, cost_usd=0.0001, weight=0.8), a_candidate(STRONG, cost_usd=0.002, weight=0.2)]
    found = policy.probabilities(a_context(ASKED), Known(candidates, contextual=state)).probabilities
    assert found == pytest.approx(CHANCES, abs=1e-9)
    belief = state.arms[CHEAP].belief
    assert [float(belief.mean[0]), float(np.trace(belief.covariance))] == pytest.approx(BELIEF, abs=1e-9)
