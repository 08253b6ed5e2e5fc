"""A model that joins."""

from __future__ import annotations

import numpy as np
import pytest

from router_core.errors import NoEligibleArmError, SettingsError
from router_core.joining import (
    Neighbour,
    joining_normal,
    joining_prior,
    nearest,
    optimism_to_be_tried,
)
from router_core.posterior import best_probabilities, mean
from router_core.types import Posterior

CHEAP = Neighbour(0.01, Posterior(75.0, 25.0, 98))
STRONG = Neighbour(0.16, Posterior(90.0, 10.0, 98))


def test_weights_are_linear_in_the_logarithm_of_cost() -> None:
    """4 cents lie halfway between 1 and 16."""
    assert nearest(0.04, [STRONG, CHEAP]) == ((CHEAP, pytest.approx(0.5)), (STRONG, pytest.approx(0.5)))
    assert dict(nearest(0.02, [CHEAP, STRONG])) == {CHEAP: pytest.approx(0.75), STRONG: pytest.approx(0.25)}


@pytest.mark.parametrize(("cost", "alone"), [(0.001, CHEAP), (0.01, CHEAP), (0.16, STRONG), (1.0, STRONG)])
def test_beyond_the_others_the_nearest_alone_counts(cost: float, alone: Neighbour[Posterior]) -> None:
    """And so does one of exactly that cost."""
    assert nearest(cost, [CHEAP, STRONG]) == ((alone, 1.0),)


def test_only_the_next_on_each_side_counts() -> None:
    """One further off does not, and two of one cost share its weight."""
    far = Neighbour(5.0, Posterior(1.0, 99.0))
    twin = Neighbour(0.01, Posterior(60.0, 40.0))
    found = nearest(0.04, [far, CHEAP, STRONG, twin])
    assert found == ((CHEAP, 0.25), (twin, 0.25), (STRONG, pytest.approx(0.5)))


def test_a_free_neighbour() -> None:
    """The logarithm of 0 is not asked for: both sides count half."""
    free = Neighbour(0.0, Posterior(3.0, 1.0))
    assert nearest(0.002, [free, CHEAP]) == ((free, 0.5), (CHEAP, 0.5))
    assert nearest(0.0, [free, CHEAP]) == ((free, 1.0),)


def test_no_neighbour() -> None:
    """Is refused, with what to do instead."""
    with pytest.raises(NoEligibleArmError, match="give it the goal's prior instead"):
        nearest(0.1, [])


def test_the_prior_is_the_mean_in_log_odds() -> None:
    """Odds 3 and 9: halfway the odds are sqrt(27) = 5.196, a share of .8386; it counts as ten outcomes."""
    prior = joining_prior(0.04, [CHEAP, STRONG])
    assert prior.alpha + prior.beta == pytest.approx(10.0)
    assert mean(prior) == pytest.approx(27**0.5 / (1 + 27**0.5))
    assert prior.observations == 0


def test_young_neighbours_give_little_conviction() -> None:
    """Never more than they have themselves."""
    young = Neighbour(0.02, Posterior(2.0, 1.0, 1))
    prior = joining_prior(0.02, [young])
    assert (prior.alpha, prior.beta) == (pytest.approx(2.0), pytest.approx(1.0))


def test_no_prior_is_nearly_certain() -> None:
    """At least half a bad answer is assumed, however good the neighbour."""
    assert joining_prior(0.02, [Neighbour(0.02, Posterior(9_999.0, 1.0))]) == Posterior(
        pytest.approx(9.999), 0.5, 0
    )


@pytest.mark.parametrize(("strength", "optimism"), [(0.0, 0.0), (-1.0, 0.0), (5.0, -0.1)])
def test_numbers_out_of_range(strength: float, optimism: float) -> None:
    """Are refused with the values and what is allowed."""
    with pytest.raises(SettingsError, match="give a number above 0, and one of at least 0"):
        joining_prior(0.04, [CHEAP], strength, optimism)


def test_optimism_is_just_enough() -> None:
    """With it the newcomer gets the share asked for, with a little less it does not."""
    prior = joining_prior(0.01, [CHEAP])
    needed = optimism_to_be_tried(prior, 0.01, [CHEAP, STRONG], success_value_usd=2.0, share=0.8)
    assert needed is not None
    assert 0.5 < needed < 50.0

    def share(optimism: float) -> float:
        newcomer = joining_prior(0.01, [CHEAP], optimism=optimism)
        beliefs = [newcomer, CHEAP.belief, STRONG.belief]
        return float(best_probabilities(beliefs, [0.01, 0.01, 0.16], 2.0)[0])

    assert share(needed) >= 0.8 > share(needed - 0.05)


def test_what_is_tried_anyway_needs_none() -> None:
    """A prior of ten outcomes against narrow posteriors of about the same mean is wide enough."""
    assert optimism_to_be_tried(joining_prior(0.16, [STRONG]), 0.16, [CHEAP, STRONG], float("inf")) == 0.0


def test_what_is_too_dear_is_not_tried() -> None:
    """At $5 a call for an answer worth $2 no optimism will do."""
    prior = joining_prior(5.0, [CHEAP, STRONG])
    assert optimism_to_be_tried(prior, 5.0, [CHEAP, STRONG], success_value_usd=2.0) is None


def test_a_logistic_model_that_joins_its_twin() -> None:
    """One neighbour: its own weights, held with 2 % of what it has seen, the intercept a standard deviation up."""
    prior_mean, prior = np.zeros(2), np.eye(2)
    twin = Neighbour(0.1, (np.array([1.0, -0.5]), np.diag([1_001.0, 501.0])))
    weights, precision = joining_normal(0.1, [twin], prior_mean, prior, keep=0.02, optimism=0.0)
    np.testing.assert_allclose(precision, np.diag([21.0, 11.0]), rtol=1e-9)
    np.testing.assert_allclose(weights, [0.02 * 1_001 / 21, -0.02 * 501 * 0.5 / 11], rtol=1e-9)
    hopeful, _ = joining_normal(0.1, [twin], prior_mean, prior, keep=0.02, optimism=1.0)
    np.testing.assert_allclose(hopeful - weights, [21.0**-0.5, 0.0], atol=1e-12)


def test_neighbours_that_differ_leave_doubt() -> None:
    """Halfway between weights 1 and 3 with variance .01 each: mean 2, variance 1.01."""
    low = Neighbour(0.01, (np.array([1.0]), np.array([[100.0]])))
    high = Neighbour(0.16, (np.array([3.0]), np.array([[100.0]])))
    weights, precision = joining_normal(0.04, [low, high], np.zeros(1), np.zeros((1, 1)), keep=1.0, optimism=0.0)
    assert weights.tolist() == pytest.approx([2.0])
    assert precision.tolist() == [[pytest.approx(1 / 1.01)]]
