"""Posteriors and chances that a person can work by hand, and the published check row."""

from __future__ import annotations

from math import exp as e

import numpy as np
import pytest
from scipy.special import betaln

from router_core.learning.beta import best_probabilities, density, from_evidence, interval, mean, update
from router_core.types import Evidence, Posterior


def chances(
    *shapes: tuple[float, float], costs: list[float] | None = None, value: float = float("inf")
) -> list[float]:
    """P(best) of Beta(a, b) arms."""
    posteriors = [Posterior(a, b) for a, b in shapes]
    return best_probabilities(posteriors, costs or [0.0] * len(shapes), value).tolist()


def test_one_success_and_one_failure() -> None:
    """From Beta(1, 1): a success gives Beta(2, 1), a failure after it Beta(2, 2), a tie half of each."""
    start = Posterior(1, 1)
    assert update(start, 1.0) == Posterior(2, 1, 1)
    assert update(update(start, 1.0), 0.0) == Posterior(2, 2, 2)
    assert update(start, 0.5) == Posterior(1.5, 1.5, 1)


def test_all_at_once_is_one_by_one() -> None:
    """Three good, one bad, one tie, on a prior of Beta(2, 3)."""
    assert from_evidence(Evidence(5, 3_500_000), 2, 3) == Posterior(5.5, 4.5, 5)


def test_mean_and_interval_of_the_uniform() -> None:
    """Beta(1, 1): mean one half, central 95 % from 2.5 % to 97.5 %."""
    assert mean(Posterior(1, 1)) == 0.5
    assert interval(Posterior(1, 1)) == pytest.approx((0.025, 0.975))


def test_interval_of_beta_2_1() -> None:
    """Beta(2, 1) has distribution function x^2."""
    low, high = interval(Posterior(2, 1), level=0.5)
    assert (low, high) == pytest.approx((0.25**0.5, 0.75**0.5))


def test_density_of_beta_2_1() -> None:
    """Beta(2, 1) has density 2x."""
    theta = np.array([0.1, 0.5, 0.9])
    assert density(Posterior(2, 1), theta) == pytest.approx(2 * theta)


def test_check_row() -> None:
    """Five arms, cost ignored (figures of the plan)."""
    row = chances((100, 50), (30, 100), (5, 5), (10, 5), (20, 200))
    assert row == pytest.approx([0.413338, 0.0, 0.098453, 0.488209, 0.0], abs=1e-6)


def test_beta_2_1_against_the_uniform() -> None:
    """P(X > Y) for X ~ Beta(2, 1), Y uniform is E[X] = 2/3."""
    assert chances((2, 1), (1, 1)) == pytest.approx([2 / 3, 1 / 3], abs=1e-9)


def test_three_uniforms_share_alike() -> None:
    """Equal arms are equally likely to be best."""
    assert chances((1, 1), (1, 1), (1, 1)) == pytest.approx([1 / 3] * 3, abs=1e-12)


def test_a_price_on_two_uniforms() -> None:
    """Uniform shares, prices 0 and 0.1 for a value of 1: P(Y - 0.1 > X) = 0.9^2 / 2."""
    assert chances((1, 1), (1, 1), costs=[0.0, 0.1], value=1.0) == pytest.approx([1 - 0.405, 0.405], abs=1e-9)


def test_worth_nothing_leaves_only_cost() -> None:
    """At a value of 0 the cheapest arm is best, and equal prices share."""
    assert chances((9, 1), (1, 9), (1, 1), costs=[2.0, 1.0, 1.0], value=0.0) == [0.0, 0.5, 0.5]


def test_one_arm() -> None:
    """Alone it is the best."""
    assert chances((3, 4)) == [1.0]


def test_a_price_that_nothing_can_make_up() -> None:
    """An arm that costs more than a good answer is worth is never best."""
    assert chances((99, 1), (1, 99), costs=[2.0, 0.0], value=1.0) == pytest.approx([0.0, 1.0], abs=1e-12)


def closed_form(a: int, b: int, c: int, d: int) -> float:
    """P(Beta(a, b) > Beta(c, d)) for whole parameters, the well-known sum over i < a of a ratio of betas."""
    below = sum(e(betaln(c + i, b + d) - np.log(b + i) - betaln(1 + i, b) - betaln(c, d)) for i in range(a))
    return float(below)


@pytest.mark.parametrize(
    "shape", [(3, 4, 5, 2), (10, 10, 12, 9), (41, 6, 13, 1), (200, 30, 60, 12), (1, 1, 500, 500)]
)
def test_closed_form_for_two_arms(shape: tuple[int, int, int, int]) -> None:
    """The integral agrees with the closed form."""
    a, b, c, d = shape
    assert chances((a, b), (c, d))[0] == pytest.approx(closed_form(a, b, c, d), abs=2e-8)


def test_the_closed_form_itself() -> None:
    """The yardstick worked by hand: P(Beta(2, 1) > uniform) = 2/3, and of equal arms one half."""
    assert closed_form(2, 1, 1, 1) == pytest.approx(2 / 3)
    assert closed_form(5, 3, 5, 3) == pytest.approx(1 / 2)
