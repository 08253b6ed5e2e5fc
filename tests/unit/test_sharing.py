"""Strength shared between goals, against the joint normal model of all goals written out in full."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from router_core.learning.contextual.logistic import Belief, fit, prior
from router_core.learning.contextual.sharing import Learned, shared_prior

COMMON = Belief(np.array([0.3, -0.2, 0.1]), np.array([[1.0, 0.2, 0.0], [0.2, 0.5, 0.1], [0.0, 0.1, 0.8]]))
DEVIATION = np.array([0.9, 0.3, 0.5])


def a_goal(seed: int, outcomes: int, before: Belief | None = None, truth: np.ndarray | None = None) -> Learned:
    """A goal that began with some prior and learned from so many outcomes."""
    rng = np.random.default_rng(seed)
    start = before or prior(np.zeros(3), np.ones(3))
    x = np.column_stack([np.ones(outcomes), rng.normal(size=(outcomes, 2))])
    coefficients = np.array([1.0, -0.5, 0.2]) if truth is None else truth
    return Learned(start, fit(start, x, (rng.random(outcomes) < expit(x @ coefficients)).astype(float)))


def jointly(goals: list[Learned]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of a new goal's coefficients, by the model over (w, w_1 ... w_G, w_new) in one piece."""
    d, count = 3, len(goals) + 1
    size = d * (count + 1)
    own = np.diag(1 / np.square(DEVIATION))
    precision, pull = np.zeros((size, size)), np.zeros(size)
    precision[:d, :d] = np.linalg.inv(COMMON.covariance)
    pull[:d] = precision[:d, :d] @ COMMON.mean
    for goal in range(count):
        at = slice(d * (goal + 1), d * (goal + 2))
        precision[:d, :d] += own
        precision[at, at] += own
        precision[:d, at] -= own
        precision[at, :d] -= own
        if goal < len(goals):
            said, pulled = goals[goal].evidence()
            precision[at, at] += said
            pull[at] += pulled
    covariance = np.linalg.inv(precision)
    return (covariance @ pull)[-d:], covariance[-d:, -d:]


@pytest.mark.parametrize("outcomes", [[], [40], [40, 5, 300], [2, 1]])
def test_against_the_joint_model(outcomes: list[int]) -> None:
    """What a new goal starts with is what the whole model says of it."""
    goals = [a_goal(seed, count) for seed, count in enumerate(outcomes)]
    mean, covariance = jointly(goals)
    found = shared_prior(COMMON, DEVIATION, goals)
    assert found.mean == pytest.approx(mean, abs=1e-9)
    assert found.covariance == pytest.approx(covariance, abs=1e-9)


def test_a_goal_of_its_own_is_the_joint_model_too() -> None:
    """Its own outcomes under the prior that the others give: the same as everything at once."""
    others, own = [a_goal(1, 60), a_goal(2, 60)], a_goal(3, 25)
    found = own.under(shared_prior(COMMON, DEVIATION, others)).belief
    said, pulled = own.evidence()
    mean, covariance = jointly(others)
    precision = np.linalg.inv(covariance) + said
    assert found.covariance == pytest.approx(np.linalg.inv(precision), abs=1e-9)
    assert found.mean == pytest.approx(
        np.linalg.solve(precision, np.linalg.solve(covariance, mean) + pulled), abs=1e-9
    )


def test_without_others_the_common_prior_widens_by_the_goals_own_part() -> None:
    found = shared_prior(COMMON, DEVIATION, [])
    assert found.mean == pytest.approx(COMMON.mean)
    assert found.covariance == pytest.approx(COMMON.covariance + np.diag(np.square(DEVIATION)))


def test_a_goal_without_outcomes_says_nothing() -> None:
    quiet = Learned(COMMON, COMMON)
    assert quiet.evidence()[0] == pytest.approx(np.zeros((3, 3)))
    with_it = shared_prior(COMMON, DEVIATION, [a_goal(1, 40), quiet])
    assert with_it.mean == pytest.approx(shared_prior(COMMON, DEVIATION, [a_goal(1, 40)]).mean)


def test_a_new_goal_starts_from_what_others_share() -> None:
    """Close to the others' coefficients, and never narrower than goals differ."""
    truth = np.array([2.0, -1.0, 0.5])
    goals = [a_goal(seed, 3000, truth=truth) for seed in range(8)]
    found = shared_prior(COMMON, DEVIATION, goals)
    assert np.abs(found.mean - truth).max() < 3 * (DEVIATION / np.sqrt(8)).max()
    assert np.abs(found.mean - truth).max() < 0.5 * np.abs(COMMON.mean - truth).max()
    assert np.all(np.diag(found.covariance) >= np.square(DEVIATION))


def test_the_order_of_goals_does_not_matter() -> None:
    goals = [a_goal(1, 40), a_goal(2, 7), a_goal(3, 90)]
    assert shared_prior(COMMON, DEVIATION, goals).mean == pytest.approx(
        shared_prior(COMMON, DEVIATION, goals[::-1]).mean, abs=1e-12
    )


def test_the_same_prior_again_changes_nothing() -> None:
    """Taking the prior away and putting it back."""
    goal = a_goal(4, 50)
    again = goal.under(goal.prior).belief
    assert again.mean == pytest.approx(goal.belief.mean, abs=1e-10)
    assert again.covariance == pytest.approx(goal.belief.covariance, abs=1e-10)
    assert again.observations == 50


def test_another_prior_is_close_to_learning_anew_under_it() -> None:
    """The curvature was taken at another place, so not exactly: within a fifth of a deviation."""
    goal, other = a_goal(5, 80), Belief(np.array([1.0, -0.5, 0.0]), np.diag([0.5, 0.5, 0.5]))
    moved, anew = goal.under(other).belief, a_goal(5, 80, other).belief
    assert np.abs((moved.mean - anew.mean) / np.sqrt(np.diag(anew.covariance))).max() < 0.2
