"""What each feature adds for each model: sums, signs, order."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from router_core.learning.contextual.pushes import expected, pushes
from router_core.learning.contextual.vector import SIZE


def a_case(arms: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rows and coefficients."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(arms, SIZE)), rng.normal(size=(arms, SIZE)) / 3


def test_two_arms_sum_to_the_difference() -> None:
    """In log-odds, and in shares of good answers."""
    rows, coefficients = a_case(2)
    found = pushes(rows, coefficients)
    sign = [1 if push.towards == 1 else -1 for push in found]
    first, second = (rows * coefficients).sum(axis=1)
    assert sum(s * push.log_odds for s, push in zip(sign, found, strict=True)) == pytest.approx(second - first)
    shares = sum(s * push.share for s, push in zip(sign, found, strict=True))
    assert shares == pytest.approx(expit(second) - expit(first))


def test_the_strongest_first() -> None:
    found = pushes(*a_case(3, 1))
    assert len(found) > 5
    assert [push.log_odds for push in found] == sorted((push.log_odds for push in found), reverse=True)


def test_a_push_is_the_lead_over_the_next_arm() -> None:
    """One feature, three arms: .9 of the best less .4 of the next."""
    rows, coefficients = np.zeros((3, SIZE)), np.zeros((3, SIZE))
    rows[:, 4] = 1.0
    coefficients[:, 4] = [0.4, 0.9, -2.0]
    (push,) = pushes(rows, coefficients)
    assert (push.feature, push.towards, push.log_odds) == ("rule_short", 1, pytest.approx(0.5))
    assert push.share == pytest.approx(expit(0.9) - expit(0.4))


def test_what_does_not_tell_arms_apart_is_left_out() -> None:
    """Equal coefficients, a feature of 0, a single arm."""
    assert pushes(np.ones((2, SIZE)), np.ones((2, SIZE))) == []
    assert pushes(np.zeros((2, SIZE)), a_case(2)[1]) == []
    assert pushes(*a_case(1)) == []


def test_equal_log_odds_have_a_slope_all_the_same() -> None:
    """Where pushes cancel out: the derivative, 1/4 at even odds."""
    rows, coefficients = np.zeros((2, SIZE)), np.zeros((2, SIZE))
    rows[:, :2] = 1.0
    coefficients[0, 0] = coefficients[1, 1] = 0.8
    found = pushes(rows, coefficients)
    assert [push.towards for push in found] == [0, 1]
    assert [push.share for push in found] == pytest.approx([0.8 * expit(0.8) * expit(-0.8)] * 2)


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (2.0, 0.5), (-1.0, 4.0), (3.0, 0.0), (900.0, 1.0)])
def test_the_expected_share(mean: float, variance: float) -> None:
    """Against summing the normal out; the interval is that of the log-odds."""
    z = np.linspace(-8, 8, 4001)
    mass = norm.pdf(z) / norm.pdf(z).sum()
    found = expected(mean, variance)
    assert found.mean == pytest.approx(float(mass @ expit(mean + np.sqrt(variance) * z)), abs=0.02)
    assert found.low == pytest.approx(float(expit(mean - 1.96 * np.sqrt(variance))), abs=1e-4)
    assert found.low <= found.mean <= found.high
