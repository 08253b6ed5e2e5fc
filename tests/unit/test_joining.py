"""A model that joins."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.errors import NoEligibleArmError
from router_core.learning.contextual.best_buy import best_buy_probabilities
from router_core.learning.contextual.joining import OPTIMISM, Neighbour, hopeful, nearest, suggested
from router_core.learning.contextual.logistic import Belief

USUAL = np.array([1.0, 0.3])
VAGUE = Belief(np.zeros(2), np.eye(2))


def known(intercept: float) -> Belief:
    """Of a model with some hundred outcomes."""
    return Belief(np.array([intercept, 0.2]), np.diag([0.02, 0.05]), 300)


CHEAP, STRONG = Neighbour(0.01, known(1.1)), Neighbour(0.16, known(2.2))


def test_weights_are_linear_in_the_logarithm_of_cost() -> None:
    """4 cents lie halfway between 1 and 16."""
    assert nearest(0.04, [STRONG, CHEAP]) == ((CHEAP, pytest.approx(0.5)), (STRONG, pytest.approx(0.5)))
    assert dict(nearest(0.02, [CHEAP, STRONG])) == {CHEAP: pytest.approx(0.75), STRONG: pytest.approx(0.25)}


@pytest.mark.parametrize(("cost", "alone"), [(0.001, CHEAP), (0.01, CHEAP), (0.16, STRONG), (1.0, STRONG)])
def test_beyond_the_others_the_nearest_alone_counts(cost: float, alone: Neighbour) -> None:
    """And so does one of exactly that cost."""
    assert nearest(cost, [CHEAP, STRONG]) == ((alone, 1.0),)


def test_only_the_next_on_each_side_counts() -> None:
    """One further off does not, and two of one cost share its weight."""
    far = Neighbour(5.0, known(-4.0))
    twin = Neighbour(0.01, known(0.4))
    found = nearest(0.04, [far, CHEAP, STRONG, twin])
    assert found == ((CHEAP, 0.25), (twin, 0.25), (STRONG, pytest.approx(0.5)))


def test_a_free_neighbour() -> None:
    """The logarithm of 0 is not asked for: both sides count half."""
    free = Neighbour(0.0, known(1.1))
    assert nearest(0.002, [free, CHEAP]) == ((free, 0.5), (CHEAP, 0.5))
    assert nearest(0.0, [free, CHEAP]) == ((free, 1.0),)


def test_no_neighbour() -> None:
    """Is refused, with what to do instead."""
    with pytest.raises(NoEligibleArmError, match="give it the goal's prior instead"):
        nearest(0.1, [])


def test_a_model_that_joins_its_twin() -> None:
    """One neighbour: its own weights, held with 2 % of what it has seen; by hand, coefficient by coefficient."""
    twin = Neighbour(0.1, Belief(np.array([1.0, -0.5]), np.diag([1 / 1_001.0, 1 / 501.0]), 1_000))
    found = suggested(0.1, [twin], VAGUE)
    np.testing.assert_allclose(found.covariance, np.diag([1 / 21.0, 1 / 11.0]), rtol=1e-9)
    np.testing.assert_allclose(found.mean, [0.02 * 1_001 / 21, -0.02 * 501 * 0.5 / 11], rtol=1e-9)
    assert found.observations == 0


def test_neighbours_that_differ_leave_doubt() -> None:
    """Halfway between weights 1 and 3 with variance .01 each: mean 2, variance 1.01."""
    low, high = (
        Neighbour(cost, Belief(np.array([weight]), np.array([[0.01]])))
        for cost, weight in ((0.01, 1.0), (0.16, 3.0))
    )
    found = suggested(0.04, [low, high], Belief(np.zeros(1), np.array([[1e12]])), keep=1.0)
    assert found.mean.tolist() == [pytest.approx(2.0)]
    assert found.covariance.tolist() == [[pytest.approx(1.01)]]


def chance(newcomer: Belief, cost_usd: float, value_usd: float) -> float:
    """That it is the best value of the three for a usual prompt."""
    logits = [one.logit(USUAL) for one in (newcomer, CHEAP.belief, STRONG.belief)]
    costs = [cost_usd, CHEAP.cost_usd, STRONG.cost_usd]
    return float(best_buy_probabilities([m for m, _ in logits], [v for _, v in logits], costs, value_usd)[0])


def raised(newcomer: Belief, plain: Belief) -> float:
    """By how many standard deviations of the intercept."""
    return float((newcomer.mean - plain.mean)[0] / plain.covariance[0, 0] ** 0.5)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_hope_is_just_enough(share: float) -> None:
    """With it the newcomer gets the share asked for; with the next smaller hope it would not."""
    plain = suggested(0.05, [CHEAP, STRONG], VAGUE)
    found = hopeful(0.05, [CHEAP, STRONG], VAGUE, USUAL, 2.0, share)
    step = round(raised(found, plain), 9)
    assert step in OPTIMISM[1:]
    less = OPTIMISM[OPTIMISM.index(step) - 1] * plain.covariance[0, 0] ** 0.5
    fewer = Belief(plain.mean + np.array([less, 0.0]), plain.covariance)
    assert chance(found, 0.05, 2.0) >= share > chance(fewer, 0.05, 2.0)


def test_what_is_tried_anyway_needs_no_hope() -> None:
    """As dear as the cheap model, where the strong one costs more than it brings: wide enough as it is."""
    found = hopeful(0.01, [CHEAP, STRONG], VAGUE, USUAL, 0.2)
    assert raised(found, suggested(0.01, [CHEAP, STRONG], VAGUE)) == 0.0
    assert chance(found, 0.01, 0.2) > 0.1


def test_what_is_too_dear_gets_none() -> None:
    """At $5 a call for an answer worth $2 no hope will do."""
    found = hopeful(5.0, [CHEAP, STRONG], VAGUE, USUAL, 2.0)
    assert raised(found, suggested(5.0, [CHEAP, STRONG], VAGUE)) == 0.0
    assert chance(found, 5.0, 2.0) == pytest.approx(0.0, abs=1e-9)
