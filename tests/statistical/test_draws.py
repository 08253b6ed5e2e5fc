"""Draws: the frequency is the logged propensity, and learning beats not learning. All seeds are fixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from router_core.learning.beta import from_evidence
from router_core.policies.thompson import ThompsonPolicy
from router_core.sampling import draw, uniform
from router_core.settings import ArmSettings, GoalSettings
from router_core.types import Arm, Candidate, Evidence
from tests.builders import Deciding, a_context


@pytest.mark.parametrize("probabilities", [(0.8, 0.2), (0.02, 0.98), (0.5, 0.3, 0.15, 0.05), (0.25,) * 4])
def test_frequency_is_the_propensity(probabilities: tuple[float, ...]) -> None:
    """20,000 decision ids: the counts fit the probabilities (chi-square, fixed ids)."""
    counts = np.bincount(
        [draw(probabilities, 11, f"decision-{i}") for i in range(20_000)], minlength=len(probabilities)
    )
    assert chisquare(counts, 20_000 * np.array(probabilities)).pvalue > 0.01


def test_what_cannot_be_drawn_never_is() -> None:
    """Probability 0 is never drawn, wherever it stands."""
    drawn = {draw((0.0, 0.5, 0.0, 0.5, 0.0), 3, str(i)) for i in range(5_000)}
    assert drawn == {1, 3}


def test_uniform_numbers_are_uniform() -> None:
    """The hash spreads evenly over ten bins, and another seed gives other numbers."""
    numbers = [uniform(5, str(i)) for i in range(20_000)]
    counts, _ = np.histogram(numbers, bins=10, range=(0, 1))
    assert chisquare(counts).pvalue > 0.01
    assert abs(np.corrcoef(numbers, [uniform(6, str(i)) for i in range(20_000)])[0, 1]) < 0.03


def regret(learn: bool) -> float:
    """Dollars lost against the best arm over 2,000 requests, with Thompson sampling or an even split."""
    goal = GoalSettings(
        arms=tuple(ArmSettings(model=f"p/m{i}") for i in range(3)), success_value_usd=0.05, starting_strength=0.0
    )
    policy, truth, costs = ThompsonPolicy(goal), (0.55, 0.90, 0.80), (0.0001, 0.002, 0.0004)
    utility = [goal.success_value_usd * rate - cost for rate, cost in zip(truth, costs, strict=True)]
    counts, good, lost = [0, 0, 0], [0, 0, 0], 0.0
    for request in range(2_000):
        candidates = tuple(
            Candidate(
                Arm(f"p/m{i}", f"p/m{i}"), from_evidence(Evidence(counts[i], good[i] * 1_000_000), 1, 1), costs[i]
            )
            for i in range(3)
        )
        shares = Deciding(policy).probabilities(a_context(), candidates).probabilities if learn else (1 / 3,) * 3
        arm = draw(shares, 1, str(request))
        counts[arm] += 1
        good[arm] += uniform(2, f"{request}|{arm}") < truth[arm]
        lost += max(utility) - utility[arm]
    return lost


def test_learning_beats_an_even_split() -> None:
    """Thompson sampling loses less than a third of what an even split loses."""
    assert regret(learn=True) < regret(learn=False) / 3
