"""What is true of the simulated world without playing it: worked out from its rates, by hand or by integration."""

from __future__ import annotations

from itertools import pairwise

import pytest
from scipy.integrate import quad
from scipy.stats import norm

from benchmarks.simulation.world import World

REQUESTS = 20_000
LAMBDA = 0.1
EASY, HARD = 0.6, 0.4
LOST_IF_STRONG_ON_EASY = (0.93 - LAMBDA / 16) - (0.95 - LAMBDA)
LOST_IF_CHEAP_ON_HARD = (0.88 - LAMBDA) - (0.45 - LAMBDA / 16)


def policy(strong_if_hard: float, strong_if_easy: float) -> tuple[float, float, float]:
    """Success, cost (in strong calls) and regret of one that asks the strong model that often."""
    success = EASY * (0.93 + 0.02 * strong_if_easy) + HARD * (0.45 + 0.43 * strong_if_hard)
    share = EASY * strong_if_easy + HARD * strong_if_hard
    lost = EASY * strong_if_easy * LOST_IF_STRONG_ON_EASY + HARD * (1 - strong_if_hard) * LOST_IF_CHEAP_ON_HARD
    return success, share + (1 - share) / 16, REQUESTS * lost


@pytest.mark.parametrize(
    ("rates", "success", "cost", "regret"),
    [
        ((0, 0), 0.738, 0.0625, 2_690),
        ((1, 1), 0.922, 1.0, 885),
        ((1, 0), 0.910, 0.4375, 0),
    ],
)
def test_fixed_models_and_the_oracle(
    rates: tuple[float, float], success: float, cost: float, regret: float
) -> None:
    """73.8 % at 6 %, 92.2 % at 100 %, 91.0 % at 44 %; one model for everything loses 885 or 2,690 at lambda .1."""
    assert policy(*rates) == (pytest.approx(success), pytest.approx(cost), pytest.approx(regret))


def test_the_rules_of_the_default_world() -> None:
    """85.9 % at 50 % of the cost."""
    half, at = World().rule_separation / 2, World().rule_threshold
    success, cost, _ = policy(float(norm.sf(at - half)), float(norm.sf(at + half)))
    assert (round(success, 3), round(cost, 2)) == (0.859, 0.50)


def test_the_classifier_of_the_default_world() -> None:
    """87.7 % at 49 %; it says COMPLEX of 79 % of the hard and 23 % of the easy prompts."""
    rates = World().classifier_rates()
    assert rates == (pytest.approx(0.79, abs=0.002), pytest.approx(0.23, abs=0.003))
    success, cost, _ = policy(*rates)
    assert (round(success, 3), round(cost, 2)) == (0.877, 0.49)


def test_a_random_mix_at_sixty_percent() -> None:
    """At 60 % of the cost of the strong model a random mix answers 84.4 % (84.35) well."""
    strong = (0.60 - 1 / 16) / (1 - 1 / 16)
    assert 0.738 + strong * (0.922 - 0.738) == pytest.approx(0.8435, abs=1e-4)


def test_the_ceiling_with_scores() -> None:
    """Two independent normal scores are one, its separation the root of the sum of squares: 517 is left to lose.

    The best policy asks the strong model where P(hard) outweighs what the other mistake costs.
    """
    separation = (World().rule_separation ** 2 + World().classifier_separation ** 2) ** 0.5

    def lost(x: float) -> float:
        easy = EASY * float(norm.pdf(x, -separation / 2)) * LOST_IF_STRONG_ON_EASY
        hard = HARD * float(norm.pdf(x, separation / 2)) * LOST_IF_CHEAP_ON_HARD
        return min(easy, hard)

    parts = (quad(lost, low, high)[0] for low, high in pairwise([-9, -4, -2, -1, 0, 1, 2, 4, 9]))
    assert REQUESTS * sum(parts) == pytest.approx(517, abs=1)


def test_the_ceiling_with_a_word() -> None:
    """Where the classifier says only SIMPLE or COMPLEX, nobody can lose less than 598."""
    separation = World().rule_separation
    if_hard, if_easy = World().classifier_rates()

    def lost(x: float) -> float:
        easy = EASY * float(norm.pdf(x, -separation / 2)) * LOST_IF_STRONG_ON_EASY
        hard = HARD * float(norm.pdf(x, separation / 2)) * LOST_IF_CHEAP_ON_HARD
        return min(if_easy * easy, if_hard * hard) + min((1 - if_easy) * easy, (1 - if_hard) * hard)

    parts = (quad(lost, low, high)[0] for low, high in pairwise([-9, -4, -2, -1, 0, 1, 2, 4, 9]))
    assert REQUESTS * sum(parts) == pytest.approx(598, abs=1)
