"""Which ratings move the verdict most, by hand."""

from __future__ import annotations

import pytest

from router_core.learning.beta import best_probabilities, from_evidence
from router_core.learning.next_rating import moved_by_rating, step_of_pair
from router_core.types import Evidence, Posterior

COSTS = (0.0001, 0.001)


def seen(good: int, of: int) -> Posterior:
    """A posterior after so many ratings."""
    return from_evidence(Evidence(of, good * 1_000_000), 1.0, 1.0)


def test_a_pair_goes_its_part_of_the_way() -> None:
    """1 / n of what is left; nothing where the conclusion is drawn or no pair would tell."""
    assert [step_of_pair(one) for one in (50, 2, 1, 0, None)] == [0.02, 0.5, 1.0, 1.0, 0.0]


def test_two_models_by_hand() -> None:
    """Nothing known, equal costs: a good answer makes 1/2 into 2/3, a bad one into 1/3, so a sixth moves."""
    assert moved_by_rating([seen(0, 0)] * 2, (0.0, 0.0), 1.0) == pytest.approx((1 / 6, 1 / 6))


def test_what_is_known_moves_less() -> None:
    """The model with few ratings first; with a clear winner hardly anything moves."""
    rare, often = moved_by_rating([seen(3, 4), seen(60, 80)], COSTS, 0.05)
    assert rare > 3 * often
    assert max(moved_by_rating([seen(95, 100), seen(20, 100)], COSTS, 0.05)) < 1e-6


def test_a_model_out_of_the_running_is_asked_least() -> None:
    """Of three models the one that is surely the worst tells nothing, however few its ratings are."""
    first, second, bad = moved_by_rating([seen(45, 50), seen(46, 50), seen(0, 30)], (0.0, 0.0, 0.0), 1.0)
    assert bad < first / 100
    assert bad < second / 100


def test_a_rating_leaves_the_chances_where_they_are_on_average() -> None:
    """The two outcomes, weighted by how likely they are, give back what was believed before."""
    beliefs = [seen(7, 10), seen(9, 11)]
    now = best_probabilities(beliefs, COSTS, 0.01)
    good = best_probabilities([Posterior(9.0, 4.0, 11), beliefs[1]], COSTS, 0.01)
    bad = best_probabilities([Posterior(8.0, 5.0, 11), beliefs[1]], COSTS, 0.01)
    assert (8 * good + 4 * bad) / 12 == pytest.approx(now, abs=1e-6)
    moved = moved_by_rating(beliefs, COSTS, 0.01)[0]
    assert moved == pytest.approx((8 * abs(good - now).sum() + 4 * abs(bad - now).sum()) / 24)
