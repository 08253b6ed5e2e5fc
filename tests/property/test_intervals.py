"""A figure lies inside the interval that is shown with it, as computed and as written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.contextual_learning import _odds
from router_core.intervals import share_of_sums
from router_core.learning.beta import interval, mean
from router_core.learning.contextual.pushes import expected
from router_core.policies.by_task import ByTaskPolicy
from router_core.policies.thompson import ThompsonPolicy
from router_core.settings import GoalSettings
from router_core.types import Evidence, Posterior
from router_core.views.contextual import Weight
from tests.builders import CHEAP, STRONG, Deciding, a_candidate, a_context

SHAPES = st.floats(-4, 6).map(lambda power: 10.0**power)
FIGURE = re.compile(r"([\d.e+-]+)%? (?:expected )?\(([\d.e+-]+)%? to ([\d.e+-]+)%?\)")


def inside(text: str) -> None:
    """Every figure of a text lies between the two in brackets behind it, and there is one."""
    found = [[float(part) for part in one] for one in FIGURE.findall(text)]
    assert found
    for middle, low, high in found:
        assert low <= middle <= high, text


@given(SHAPES, SHAPES, st.sampled_from([0.5, 0.95, 0.9999]))
def test_the_mean_of_a_belief(alpha: float, beta: float, level: float) -> None:
    """Also where the prior is a hundredth of an answer, whose mean lies above nearly all of its mass."""
    belief = Posterior(alpha, beta, 0)
    low, high = interval(belief, level)
    assert 0.0 <= low <= mean(belief) <= high <= 1.0


@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, 2 * n), st.just(n))))
def test_an_observed_share(counts: tuple[int, int]) -> None:
    """All good, none good, and ties, which are half a good answer."""
    good, judged = counts[0] / 2, counts[1]
    low, high = share_of_sums(good, good, judged)
    assert 0.0 <= low <= good / judged <= high <= 1.0


@pytest.mark.parametrize(("good", "ends"), [(1, (0.168, 1.0)), (0, (0.0, 0.832))])
def test_a_single_answer(good: float, ends: tuple[float, float]) -> None:
    """By hand: with 3.84 imagined answers 2.92 of 4.84, less 1.96 sqrt(.603 x .397 / 4.84); and mirrored."""
    assert [float(end) for end in share_of_sums(good, good, 1)] == pytest.approx(ends, abs=1e-3)


@given(st.floats(-60, 60), st.floats(0, 10_000))
def test_what_is_expected_of_a_prompt(mean_log_odds: float, variance: float) -> None:
    """Sure or unsure, near or far out."""
    found = expected(mean_log_odds, variance)
    assert 0.0 <= found.low <= found.mean <= found.high <= 1.0


@given(st.floats(-5, 5), st.floats(0, 3))
def test_odds_as_written(difference: float, spread: float) -> None:
    """Rounded alike, so that the order stays."""
    row = Weight("complex", "a", "b", difference, difference - spread, difference + spread)
    inside(_odds(row))
    middle, low, high = row.odds
    assert low <= middle <= high


@given(*[st.integers(0, 200)] * 4)
def test_cards_as_written(good: int, bad: int, strong_good: int, strong_bad: int) -> None:
    """Thompson sampling, and by task: the share that an interval belongs to stands before it."""
    seen = {CHEAP: (good, bad), STRONG: (strong_good, strong_bad)}
    candidates = [a_candidate(arm, 1.0 + g, 1.0 + b, 0.001, g + b) for arm, (g, b) in seen.items()]
    tasks = {"maths": {arm: Evidence(g + b, g * 1_000_000) for arm, (g, b) in seen.items()}}
    for policy, known in ((ThompsonPolicy(GoalSettings()), {}), (ByTaskPolicy(GoalSettings()), {"tasks": tasks})):
        deciding = Deciding(policy, known=lambda known=known: known)
        reason = deciding.probabilities(a_context(task_type="maths"), candidates).reason
        for line in reason.lines[:2]:
            inside(line.text)
