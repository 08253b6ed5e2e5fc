"""An unknown cost is never zero in a sum: every figure about money against plain sums over what is known.

Random logs with holes: calls and decisions of unknown cost, failed tries that may have been billed, answers whose
tokens nobody reported, failures, prompts that no model was asked; three models, two goals, three routers.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_core.money.budget import BudgetState
from router_core.money.pricing import PriceBook
from router_core.serving.accounting import tally
from router_core.settings import ArmSettings, GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, Comparison
from router_core.types import Usage
from router_core.views.budgets import contextual_costs
from router_core.views.costs import costs
from router_core.views.filters import View
from tests.costs_by_hand import by_hand, everything
from tests.store_rows import CHEAP, START, STRONG, a_completion, a_decision, a_prompt, an_outcome, at, ident
from tests.unit.test_costing_by_hand import agree

MIDDLE = "openai/gpt-4.1-mini"
MODELS = (CHEAP, MIDDLE, STRONG)
PRICE = PriceBook({}).price
GOALS = {
    "default": GoalSettings(arms=tuple(ArmSettings(model=model) for model in MODELS), budget_usd=1.0),
    "other": GoalSettings(arms=tuple(ArmSettings(model=model) for model in (MIDDLE, STRONG)), budget_usd=1.0),
}
SETTINGS = Settings(goals=GOALS)
VIEW = View(START, START + timedelta(minutes=5))
COST = st.sampled_from([None, Decimal(0), Decimal("0.001"), Decimal("0.02")])
CALL = st.fixed_dictionaries(
    {
        "cost_usd": COST,
        "usage": st.sampled_from([None, Usage(10, 20), Usage(1_000, 3)]),
        "error": st.sampled_from([None, None, None, "cut"]),
        "unpriced_retries": st.sampled_from([0, 0, 0, 1]),
    }
)
DECISION = st.tuples(COST, st.sampled_from([None, 0.0, 0.003]))
PROMPT = st.tuples(
    st.sampled_from(["default", "other"]),
    st.dictionaries(st.sampled_from(["heuristic", "classifier", "contextual"]), DECISION, min_size=1),
    st.dictionaries(st.sampled_from(MODELS), CALL),
    st.sampled_from([None, 0.0, 1.0]),
)


def written(number: int, prompt: Any) -> Batch:
    """One prompt with what followed; without a call its decisions lead nowhere."""
    goal, routers, calls, reward = prompt
    ids = {arm: 100 * number + place for place, arm in enumerate(calls, start=1)}
    order = list(ids) or [STRONG]
    decisions = []
    for place, (policy, (cost, expected)) in enumerate(routers.items()):
        chosen = order[place % len(order)]
        decisions.append(
            a_decision(
                100 * number + 50 + place, prompt_id=ident(number), created_at=at(number), goal=goal,
                policy=policy, arms=(chosen, "z"), chosen=chosen, decision_cost_usd=cost,
                expected_cost_usd=(expected, 1.0),
                completion_id=ident(ids.get(chosen, 100 * number + 99)),
            )
        )  # fmt: skip
    completions = [
        a_completion(
            ids[arm], prompt_id=ident(number), created_at=at(number), goal=goal, arm=arm, model=arm, **call
        )
        for arm, call in calls.items()
    ]
    judged = [an_outcome(number, ids[order[0]], reward)] if calls and reward is not None else []
    return Batch([a_prompt(number, goal=goal)], decisions, completions, judged)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(PROMPT, min_size=1, max_size=6))
def test_every_figure_is_a_sum_over_what_is_known(prompts: list[Any]) -> None:
    """Costs page, its steps, cost per good answer, same prompts, routers, a visit, budgets."""
    store = open_store(":memory:")
    for number, prompt in enumerate(prompts, start=1):
        store.write(written(number, prompt))
    rows = everything(store)
    expected = by_hand(rows, SETTINGS, PRICE, VIEW)
    report = costs(store, SETTINGS, PRICE, VIEW)
    agree(report, expected)
    known = expected.priced_calls and expected.good
    each = expected.priced_usd / expected.priced_calls * expected.judged / expected.good if known else None
    assert report.per_good_usd == (None if each is None else pytest.approx(each))
    if expected.referenced:
        assert report.saved_usd == pytest.approx(expected.strong_usd - expected.referenced_usd, abs=1e-9)
    elif expected.requests:
        assert report.saved_usd is None
    of_visit = tally(rows, lambda goal: GOALS[goal].arms[-1].id, lambda goal: PRICE(GOALS[goal].arms[-1].model))
    assert float(of_visit.spent_usd) == pytest.approx(report.spent_usd, abs=1e-12)
    assert of_visit.compared == report.referenced
    assert float(of_visit.compared_usd) == pytest.approx(report.referenced_usd, abs=1e-12)
    assert float(of_visit.strong_usd) == pytest.approx(report.strong_usd, abs=1e-12)
    budgets = contextual_costs(store, SETTINGS, lambda goal: BudgetState(), VIEW, START)
    for one in budgets.budgets:
        _spend_agrees(one.spend, [row for row in rows if row.prompt.goal == one.goal])
    store.close()


def _spend_agrees(spend: Any, rows: list[Comparison]) -> None:
    """A budget's row, from the decisions of the contextual router."""
    decided = [(d, row) for row in rows for d in row.decisions if d.policy == "contextual"]
    pairs = [(d, c) for d, row in decided for c in row.completions if c.id == d.completion_id]
    actual = [
        float(c.cost_usd + d.decision_cost_usd)
        for d, c in pairs
        if c.cost_usd is not None and d.decision_cost_usd is not None and not c.unpriced_retries
    ]
    foreseen = [
        d.expected_cost_usd[0] + float(d.decision_cost_usd)
        for d, _ in decided
        if d.expected_cost_usd[0] is not None and d.decision_cost_usd is not None
    ]
    assert (spend.requests, spend.answered) == (len(decided), len(pairs))
    assert (spend.unknown, spend.unforeseen) == (len(pairs) - len(actual), len(decided) - len(foreseen))
    mean = sum(actual) / len(actual) if actual else None
    assert spend.actual_each_usd == (None if mean is None else pytest.approx(mean))
    mean = sum(foreseen) / len(foreseen) if foreseen else None
    assert spend.expected_each_usd == (None if mean is None else pytest.approx(mean))


def test_half_of_the_calls_without_a_price_save_nothing() -> None:
    """Nothing was saved on the three answers of known cost, and a good answer costs what they cost."""
    store = open_store(":memory:")
    for number in range(1, 7):
        cost = Decimal("0.025") if number % 2 else None
        call = a_completion(number, arm=STRONG, model=STRONG, usage=Usage(2_000, 2_000), cost_usd=cost)
        store.write(
            Batch([a_prompt(number)], [a_decision(number, chosen=STRONG)], [call], [an_outcome(number, number)])
        )
    report = costs(store, Settings(), PRICE, VIEW)
    assert (report.requests, report.unpriced, report.referenced) == (6, 3, 3)
    assert (report.saved_usd, report.strong_usd) == (0.0, pytest.approx(0.075))
    assert report.per_good_usd == pytest.approx(0.025)
    store.close()
