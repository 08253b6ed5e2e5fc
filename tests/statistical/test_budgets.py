"""Budgets hold within 2 %, for plain and contextual learners, also when a model's cost jumps. Fixed seeds."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.simulation.judging import gains, judge
from benchmarks.simulation.learners import BetaThompson, LogisticThompson
from benchmarks.simulation.playing import features, play
from benchmarks.simulation.world import STRONG, Change, SimulatedArm, World, traffic
from router_core.learning.beta import from_evidence
from router_core.money.budget import Budget, BudgetState, highest_price, new_day, success_value_usd, update
from router_core.policies.thompson import ThompsonPolicy
from router_core.sampling import draw, uniform
from router_core.settings import ArmSettings, GoalSettings
from router_core.types import Arm, Candidate, Evidence
from tests.builders import Deciding, a_context

RUNS, REQUESTS = 4, 20_000
DEARER = Change(SimulatedArm("strong", STRONG.easy, STRONG.hard, cost=2.0))
DEARER_CHEAP = Change(SimulatedArm("cheap", 0.93, 0.45, cost=0.15))


@pytest.mark.parametrize("change", [None, DEARER, DEARER_CHEAP], ids=["steady", "strong doubles", "cheap doubles"])
@pytest.mark.parametrize("limit", [0.2, 0.5])
@pytest.mark.parametrize("kind", [BetaThompson, LogisticThompson])
def test_a_budget_per_request_holds(kind: type, limit: float, change: Change | None) -> None:
    """Every run spends its budget within 2 % over 20,000 requests; the good answers are worth the money.

    Success alone counts (lambda 0), so that the budget binds throughout.
    """
    asked = traffic(World(change=change), RUNS, REQUESTS, seed=3)
    learner = kind(RUNS, 2) if kind is BetaThompson else kind(RUNS, 2, 3)
    seen = features(asked.rule, asked.classifier)
    played = play(learner, seen, asked, 0.0, 3, budget=Budget(limit, requests=1))
    spent = gains(played.arms, asked)[1].mean(axis=1)
    assert np.all(np.abs(spent / limit - 1.0) < 0.02)
    row = judge("", played.arms, asked, 0.0)
    assert row.success.mean > row.mix - 0.003 if kind is BetaThompson else row.success.mean > row.mix + 0.02


def test_every_thousand_requests() -> None:
    """The first block of 1,000 may be 10 % over while the price is found; every later one is within 5 %."""
    asked = traffic(World(), RUNS, REQUESTS, seed=3)
    seen = features(asked.rule, asked.classifier)
    played = play(LogisticThompson(RUNS, 2, 3), seen, asked, 0.0, 3, budget=Budget(0.3, requests=1))
    blocks = gains(played.arms, asked)[1].reshape(RUNS, -1, 1000).mean(axis=2) / 0.3
    assert np.all(blocks[:, 0] < 1.10)
    assert np.all(blocks[:, 1:] < 1.05)


def test_a_budget_that_does_not_bind_changes_nothing() -> None:
    """With twice what would be spent anyway, the price stays 0 and the choices are the same."""
    asked = traffic(World(), 2, 5_000, seed=4)
    seen = features(asked.rule, asked.classifier)
    free = play(LogisticThompson(2, 2, 3), seen, asked, 0.1, 4)
    held = play(LogisticThompson(2, 2, 3), seen, asked, 0.1, 4, budget=Budget(2.0, requests=1))
    assert np.array_equal(free.arms, held.arms)
    assert [state.price for state in held.budgets] == [0.0, 0.0]


def test_the_policy_of_production_keeps_to_it() -> None:
    """ThompsonPolicy with the budget's success value, computed probabilities and hashed draws: within 2 %.

    4,000 requests at V = $0.20, costs $0.001 and $0.016, at most $6 per 1,000; the strong model's price jumps by
    half in the middle. A success value of three digits, refreshed every 10 requests, is exact enough.
    """
    budget, state = Budget(6.0), BudgetState()
    goal = GoalSettings(
        arms=tuple(ArmSettings(model=f"p/{name}") for name in ("cheap", "strong")),
        success_value_usd=0.2,
        starting_strength=0.0,
        exploration=0.02,
    )
    truth, counts, good = (0.738, 0.922), [0, 0], [0, 0]
    policy = ThompsonPolicy(goal)
    for request in range(4_000):
        costs = [0.001, 0.016 if request < 2_000 else 0.024]
        if request % 10 == 0:
            value = float(f"{success_value_usd(state, budget, 0.2):.3g}")
            policy = ThompsonPolicy(goal.model_copy(update={"success_value_usd": value}))
        candidates = tuple(
            Candidate(
                Arm(f"p/{i}", f"p/{i}"), from_evidence(Evidence(counts[i], good[i] * 1_000_000), 1, 1), costs[i]
            )
            for i in range(2)
        )
        shares = Deciding(policy).probabilities(a_context(), candidates).probabilities
        assert sum(shares) == pytest.approx(1.0, abs=1e-12)
        arm = draw(shares, 1, str(request))
        counts[arm] += 1
        good[arm] += uniform(2, f"{request}|{arm}") < truth[arm]
        state = update(state, budget, costs[arm], highest_price(budget, costs))
    assert state.spent_usd == pytest.approx(4 * 6.0, rel=0.02)


@pytest.mark.parametrize("expected", [2_000, 2_600])
def test_a_daily_budget(expected: int) -> None:
    """$400 a day for 2,000 requests (or fewer than expected): never over by more than 2 %, and used to 98 %.

    Where 30 % more requests were expected than come, what was kept for them is left: at least 75 % is used.
    """
    random = np.random.default_rng(5)
    budget, state = Budget(400.0, per="day", requests=expected), BudgetState()
    for day in range(12):
        state = new_day(state)
        for _ in range(2_000):
            gain = random.uniform(0.0, 0.4)  # what the strong model adds on this prompt; cost is 1 against 1/16
            strong = gain > 0.9375 * state.price / budget.request_usd
            state = update(state, budget, 1.0 if strong else 1 / 16)
        assert state.spent_usd < 1.02 * budget.limit_usd
        if day > 0:
            assert state.spent_usd > (0.98 if expected == 2_000 else 0.75) * budget.limit_usd
