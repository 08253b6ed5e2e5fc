"""What the contextual router spends against its budget, goal by goal: a fold over its logged decisions.

Each decision counts with what it was expected to cost, its verdict included: the true cost comes later, and is the
same in the mean. Leaves out the price itself (budget.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from threading import Lock
from typing import Final

from router_core.budget import Budget, BudgetState, highest_price, new_day, success_value_usd, update
from router_core.settings import GoalSettings, Settings
from router_core.store.base import Store
from router_core.types import Decision

MOST: Final = 5_000
"""Decisions that a process folds when it begins; the price forgets what is longer ago. The day's sums do not."""


@dataclass(frozen=True, slots=True)
class Spent:
    """One decision's expected costs: when, of the models that could be drawn, and of what was drawn."""

    at: datetime
    costs_usd: tuple[float, ...]
    usd: float


def budget_of(goal: GoalSettings) -> Budget | None:
    """The goal's budget; None: it has none."""
    if goal.budget_usd is None:
        return None
    return Budget(goal.budget_usd, goal.budget_per, float(goal.budget_requests))


class Spending:
    """The price on cost in each goal with a budget, now. Thread-safe."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._states: dict[str, tuple[BudgetState, date | None]] = {}
        self._lock = Lock()

    def value_usd(self, goal: str) -> float:
        """What a good answer counts now, in dollars: what it is worth, less as far as the budget binds."""
        chosen = self._settings.goal(goal)
        budget = budget_of(chosen)
        if budget is None:
            return chosen.success_value_usd
        return success_value_usd(self.state(goal), budget, chosen.success_value_usd)

    def state(self, goal: str) -> BudgetState:
        """The price and what led to it."""
        with self._lock:
            return self._known(goal)[0]

    def decided(self, decisions: Iterable[Decision]) -> None:
        """Count decisions that were just logged; those of other routers cost nothing here."""
        for one in decisions:
            if one.seen is not None and budget_of(self._settings.goal(one.goal)) is not None:
                with self._lock:
                    if one.goal in self._states:
                        self._count(one.goal, spent(one))
                    else:
                        self._known(one.goal)  # which reads this decision from the log

    def _known(self, goal: str) -> tuple[BudgetState, date | None]:
        if goal not in self._states:
            base = self._store.contextual_base(goal)
            self._states[goal] = (BudgetState(**json.loads(base)["budget"]) if base else BudgetState(), None)
            found = self._store.table("spending", {"goal": goal, "limit": MOST})
            if len(found) == MOST:
                self._states[goal] = self._day_so_far(goal, found["created_at"].iloc[0].to_pydatetime())
            for row in found.itertuples():
                costs = tuple(float(cost) for cost in row.costs_usd)
                self._count(goal, Spent(row.created_at.to_pydatetime(), costs, float(row.usd)))
        return self._states[goal]

    def _day_so_far(self, goal: str, moment: datetime) -> tuple[BudgetState, date]:
        """What the day (UTC) of a moment had spent before it, for a budget of a day; its price is not known."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        found = self._store.table("spent", {"goal": goal, "since": midnight, "until": moment})
        state = self._states[goal][0]
        for row in found.itertuples():
            state = replace(state, spent_usd=float(row.expected_usd), requests=int(row.requests))
        return state, moment.date()

    def _count(self, goal: str, one: Spent) -> None:
        budget = budget_of(self._settings.goal(goal))
        if budget is None:
            return
        state, day = self._states[goal]
        if budget.per == "day" and day is not None and one.at.date() != day:
            state = new_day(state)
        most = highest_price(budget, one.costs_usd) if one.costs_usd else float("inf")
        self._states[goal] = (update(state, budget, one.usd, most), one.at.date())


def spent(decision: Decision) -> Spent:
    """What a decision is expected to cost; what is unknown counts as nothing."""
    known = tuple(cost for cost in decision.expected_cost_usd if cost is not None)
    drawn = decision.expected_cost_usd[decision.arms.index(decision.chosen)]
    return Spent(decision.created_at, known, (drawn or 0.0) + float(decision.decision_cost_usd or 0))
