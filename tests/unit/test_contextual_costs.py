"""Budgets and paid classifier calls: against sums made here, row by row; ranges, goals and unknown costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import inf
from random import Random
from typing import Any, Literal

import pytest

from router_core.money.budget import Budget, BudgetState, success_value_usd
from router_core.routing.spending import Spending
from router_core.settings import GoalSettings, Settings
from router_core.store import open_store
from router_core.store.base import Batch, Store
from router_core.types import Completion, Decision, Seen
from router_core.views.budgets import BudgetKept, ContextualCosts, Spend, contextual_costs
from router_core.views.filters import View
from tests.store_rows import CHEAP, STRONG, a_completion, a_decision, a_prompt

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COSTS = {CHEAP: 0.0001, STRONG: 0.002}
SETTINGS = Settings(
    goals={
        "default": GoalSettings(router="contextual", budget_usd=0.5, budget_requests=1000),
        "mail": GoalSettings(budget_usd=0.004, budget_per="day", budget_requests=100),
        "free": GoalSettings(),
    }
)


@dataclass(frozen=True)
class Row:
    """One decision as it was written, for the sums made here."""

    decision: Decision
    completion: Completion | None

    @property
    def usd(self) -> float:
        """Expected, deciding included."""
        return COSTS[self.decision.chosen] + float(self.decision.decision_cost_usd or 0)

    @property
    def seen(self) -> Seen:
        """What the router saw."""
        assert self.decision.seen is not None
        return self.decision.seen


def a_seen(verdict: Literal["asked", "remembered", "absent"], worth_usd: float | None) -> Seen:
    """What the router saw, with this verdict."""
    return Seen((CHEAP, STRONG), (1.0, 1.0), "state", verdict, worth_usd)


def write(store: Store, number: int, answered: bool = True, answer: Any = None, **changes: Any) -> Row:
    """One decision of the contextual router with its answer."""
    values: dict[str, Any] = {"policy": "contextual", "seen": a_seen("absent", 0.0)}
    decision = a_decision(number, **(values | changes))
    goal = decision.goal
    completion = a_completion(number, goal=goal, arm=decision.chosen, **(answer or {})) if answered else None
    completions = [] if completion is None else [completion]
    store.write(Batch([a_prompt(number, goal=goal)], [decision], completions))
    return Row(decision, completion)


@pytest.fixture
def store() -> Iterator[Store]:
    """Empty, in memory."""
    opened = open_store(":memory:", kind="simulated")
    yield opened
    opened.close()


@pytest.fixture
def rows(store: Store) -> list[Row]:
    """Three goals' decisions over two days: verdicts asked, remembered, absent; some unanswered, some unpriced."""
    rng = Random(5)
    found = []
    for number in range(1, 241):
        verdict = rng.choice(("asked", "remembered", "absent"))
        asked = verdict == "asked"
        answer = {"cost_usd": None if rng.random() < 0.1 else Decimal(rng.randrange(1, 3000)) / 1_000_000}
        found.append(
            write(
                store,
                number,
                rng.random() < 0.9,
                answer,
                created_at=NOON - timedelta(minutes=12 * (240 - number)),
                goal=rng.choice(("default", "mail", "free")),
                chosen=rng.choice((CHEAP, STRONG)),
                decision_cost_usd=Decimal("0.00003") if asked else Decimal(0),
                seen=a_seen(verdict, rng.random() / 5000 if asked else None),
            )
        )
    for number, changes in (
        (500, {"policy": "thompson"}),
        (501, {"origin": "forced"}),
        (502, {"origin": "fallback"}),
    ):
        write(store, number, created_at=NOON - timedelta(hours=1), chosen=STRONG, **changes)
    return found


def computed(store: Store, view: View, settings: Settings = SETTINGS) -> ContextualCosts:
    """With the price as this process knows it."""
    return contextual_costs(store, settings, Spending(settings, store).state, view, NOON)


def in_view(rows: list[Row], view: View) -> Callable[[str], list[Row]]:
    """Goal -> its rows in the view."""
    return lambda goal: [
        row
        for row in rows
        if row.decision.goal == goal
        and view.goal in (None, goal)
        and view.since <= row.decision.created_at < view.until
    ]


def sums(rows: list[Row]) -> Spend:
    """The same sums, made here."""
    answers = [row for row in rows if row.completion is not None]
    paid = [float(row.completion.cost_usd) for row in answers if row.completion and row.completion.cost_usd]
    known = [row for row in answers if row.completion and row.completion.cost_usd]
    deciding = sum(float(row.decision.decision_cost_usd or 0) for row in known)
    return Spend(
        len(rows),
        pytest.approx(sum(row.usd for row in rows)),
        len(answers),
        pytest.approx(sum(paid) + deciding),
        len(answers) - len(paid),
    )


@pytest.mark.parametrize(
    "view",
    [
        View(NOON - timedelta(days=9), NOON + timedelta(days=1)),
        View(NOON - timedelta(hours=20), NOON - timedelta(hours=3)),
        View(NOON - timedelta(hours=20), NOON + timedelta(days=1), "mail"),
        View(NOON - timedelta(days=9), NOON + timedelta(days=1), "default", "heuristic", STRONG, "playground"),
    ],
)
def test_sums_are_those_of_the_rows(store: Store, rows: list[Row], view: View) -> None:
    """Range and goal count, other filters do not; other routers, forced and fallen-back answers are left out."""
    found = computed(store, view)
    of = in_view(rows, view)
    assert [one.goal for one in found.budgets] == [n for n in ("default", "mail") if view.goal in (None, n)]
    for one in found.budgets:
        assert one.spend == sums(of(one.goal))
    assert [one.goal for one in found.verdicts] == [n for n in SETTINGS.goals if of(n)]
    for bought in found.verdicts:
        asked = [row for row in of(bought.goal) if row.seen.verdict == "asked"]
        remembered = [row for row in of(bought.goal) if row.seen.verdict == "remembered"]
        worth = sum(row.seen.verdict_worth_usd or 0.0 for row in asked)
        assert (bought.asked, bought.remembered, bought.weighed) == (len(asked), len(remembered), len(asked))
        assert bought.asked + bought.remembered + bought.not_asked == bought.decisions == len(of(bought.goal))
        assert bought.cost_usd == pytest.approx(0.00003 * len(asked))
        assert bought.net_usd == pytest.approx(worth - 0.00003 * len(asked))


def test_spend_per_request(store: Store, rows: list[Row]) -> None:
    """Expected over all decisions, actual over the answers of known cost; none where there are none."""
    one = computed(store, View(NOON - timedelta(days=9), NOON + timedelta(days=1))).budgets[0]
    mine = [row for row in rows if row.decision.goal == "default"]
    known = [row for row in mine if row.completion is not None and row.completion.cost_usd is not None]
    assert one.spend.expected_each_usd == pytest.approx(sum(row.usd for row in mine) / len(mine))
    assert one.spend.actual_usd is not None
    assert one.spend.actual_each_usd == pytest.approx(one.spend.actual_usd / len(known))
    assert (Spend().expected_each_usd, Spend().actual_each_usd) == (None, None)
    assert Spend(3, 0.1, 2, None, 2).actual_each_usd is None


def test_today_is_today_whatever_is_looked_at(store: Store, rows: list[Row]) -> None:
    """From midnight (UTC), in what decisions were expected to cost, as the price counts it."""
    view = View(NOON - timedelta(hours=40), NOON - timedelta(hours=30))
    by_requests, daily = computed(store, view).budgets
    today = [row for row in rows if row.decision.goal == "mail" and row.decision.created_at.date() == NOON.date()]
    assert daily.today == sums(today)
    assert daily.left_today_usd == pytest.approx(0.004 - sum(row.usd for row in today))
    assert daily.left_today_usd == pytest.approx(0.004 - Spending(SETTINGS, store).state("mail").spent_usd)
    assert by_requests.left_today_usd is None


def test_a_day_without_a_decision_has_all_of_its_budget(store: Store, rows: list[Row]) -> None:
    """Though the price remembers the day before."""
    view = View(NOON + timedelta(minutes=1), NOON + timedelta(days=1))
    tomorrow = NOON + timedelta(days=1)
    found = contextual_costs(store, SETTINGS, Spending(SETTINGS, store).state, view, tomorrow)
    assert found.budgets[1].left_today_usd == pytest.approx(0.004)
    assert found.verdicts == ()


@pytest.mark.parametrize("worth", [0.05, inf, 0.0])
def test_what_a_dollar_counts(store: Store, worth: float) -> None:
    """V / (what a good answer counts): the exchange rate between a decision's two dollars, 1 at a price of 0."""
    settings = Settings(goals={"default": GoalSettings(budget_usd=1.0, success_value_usd=worth)})
    view = View(NOON, NOON + timedelta(days=1))
    for price in (0.0, 0.3):
        state = BudgetState(price)
        (one,) = contextual_costs(store, settings, lambda goal, state=state: state, view, NOON).budgets
        counted = success_value_usd(state, Budget(1.0), worth)
        assert (one.good_usd, one.worth_usd) == (counted, worth)
        assert one.binds == (price > 0 and worth > 0)
        if 0 < worth < inf:
            assert one.dollar_usd == pytest.approx(worth / counted)
        elif worth == inf:
            assert one.dollar_usd == (inf if price else 1.0)


@pytest.mark.parametrize("each", [0.99, 1.04, 1.06, 7.0])
def test_a_budget_that_is_exceeded(each: float) -> None:
    """Per request by more than a twentieth, for a day as soon as nothing is left."""
    spend, none = Spend(10, each * 10 * 0.001), Spend()
    of_requests = BudgetKept("mail", Budget(1.0), spend, none, 2.0, 0.01, 0.02, True)
    assert of_requests.exceeded == (each > 1.05)
    assert not BudgetKept("mail", Budget(1.0), none, none, 2.0, 0.01, 0.02, True).exceeded
    of_a_day = BudgetKept("mail", Budget(0.01, "day"), none, spend, 2.0, 0.01, 0.02, True)
    assert of_a_day.exceeded == (each > 1.0)


def test_calls_that_were_not_weighed_have_no_net_gain(store: Store) -> None:
    """Asked always, of unknown price, or worth more than any price: no figure is made up."""
    cases = {
        "always": (Decimal("0.00003"), (None, 0.01)),
        "unpriced": (None, (0.01, 0.02)),
        "endless": (Decimal("0.00003"), (inf, inf)),
    }
    number = 0
    for goal, (cost, worths) in cases.items():
        for worth in worths:
            number += 1
            write(store, number, goal=goal, decision_cost_usd=cost, seen=a_seen("asked", worth), created_at=NOON)
    found = {one.goal: one for one in computed(store, View(NOON, NOON + timedelta(days=1))).verdicts}
    assert {goal: one.net_usd for goal, one in found.items()} == dict.fromkeys(cases)
    assert {goal: one.weighed for goal, one in found.items()} == {"always": 1, "unpriced": 2, "endless": 2}
    assert (found["unpriced"].cost_usd, found["endless"].worth_usd) == (None, None)


def test_an_empty_log(store: Store) -> None:
    """Budgets are there with nothing spent; no verdict."""
    found = computed(store, View(NOON, NOON + timedelta(days=1)))
    assert [(one.goal, one.spend, one.today) for one in found.budgets] == [
        ("default", Spend(), Spend()),
        ("mail", Spend(), Spend()),
    ]
    assert found.verdicts == ()
    assert [one.in_production for one in found.budgets] == [True, False]
