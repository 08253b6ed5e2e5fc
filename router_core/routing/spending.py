"""What the contextual router spends against its budget, goal by goal: a fold over its logged decisions.

Each decision counts with what it was expected to cost, its verdict included: the true cost comes later, and is
the same in the mean. Where a budget was brought in from elsewhere, the fold begins there. See budget.py for the
price itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from threading import Lock
from typing import Final

from router_core.money.budget import Budget, BudgetState, highest_price, new_day, success_value_usd, update
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


@dataclass(frozen=True, slots=True)
class _Known:
    """The price in a goal, of which day (UTC) its sums are, and what was brought in that it began from."""

    base: str
    state: BudgetState
    day: date | None = None


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
        self._goals: dict[str, _Known] = {}
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
            return self._known(goal).state

    def decided(self, decisions: Iterable[Decision]) -> None:
        """Count decisions that were just logged; those of other routers cost nothing here."""
        for one in decisions:
            budget = budget_of(self._settings.goal(one.goal))
            if one.seen is None or budget is None:
                continue
            with self._lock:
                known = self._goals.get(one.goal)
                if known is not None and known.base == self._store.contextual_base(one.goal):
                    self._goals[one.goal] = _counted(known, budget, spent(one))
                else:
                    self._known(one.goal)  # which reads this decision from the log

    def _known(self, goal: str) -> _Known:
        base = self._store.contextual_base(goal)
        if goal not in self._goals or self._goals[goal].base != base:
            self._goals[goal] = self._folded(goal, base)
        return self._goals[goal]

    def _folded(self, goal: str, base: str) -> _Known:
        """From what was brought in on, decision by decision."""
        known, since = _beginning(base)
        budget = budget_of(self._settings.goal(goal))
        if budget is None:
            return known
        found = self._store.rows("spending", {"goal": goal, "since": since, "limit": MOST})
        if len(found) == MOST:
            known = self._day_so_far(goal, known, since, found[0]["created_at"])
        for row in found:
            known = _counted(known, budget, Spent(row["created_at"], tuple(row["costs_usd"]), row["usd"]))
        return known

    def _day_so_far(self, goal: str, known: _Known, since: datetime, moment: datetime) -> _Known:
        """What the day (UTC) of a moment had spent before it, for a budget of a day; its price is not known."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        found = self._store.rows("spent", {"goal": goal, "since": max(midnight, since), "until": moment})
        state = known.state if known.day == moment.date() else new_day(known.state)
        for row in found:
            state = replace(
                state,
                spent_usd=state.spent_usd + row["expected_usd"],
                requests=state.requests + row["requests"],
            )
        return replace(known, state=state, day=moment.date())


def _beginning(base: str) -> tuple[_Known, datetime]:
    """What was brought in, and when (UTC, as the store writes it): decisions before then are set aside."""
    given = json.loads(base) if base else {}
    state = BudgetState(**given["budget"]) if base else BudgetState()
    day = date.fromisoformat(given["day"]) if "day" in given else None
    since = datetime.fromisoformat(given["at"]) if "at" in given else datetime(1970, 1, 1, tzinfo=UTC)
    return _Known(base, state, day), since.astimezone(UTC).replace(tzinfo=None)


def _counted(known: _Known, budget: Budget, one: Spent) -> _Known:
    """With one more decision."""
    anew = budget.per == "day" and known.day is not None and one.at.date() != known.day
    state = new_day(known.state) if anew else known.state
    most = highest_price(budget, one.costs_usd) if one.costs_usd else float("inf")
    return _Known(known.base, update(state, budget, one.usd, most), one.at.date())


def spent(decision: Decision) -> Spent:
    """What a decision counts against the budget: the expected cost of the model drawn, and what deciding cost.

    A model whose price is unknown counts as the most expensive known one, as it does when it is chosen: a budget
    that took it for free would be spent on it. Where no price is known, nothing can be counted.
    """
    known = tuple(cost for cost in decision.expected_cost_usd if cost is not None)
    drawn = decision.expected_cost_usd[decision.arms.index(decision.chosen)]
    usd = max(known, default=0.0) if drawn is None else drawn
    return Spent(decision.created_at, known, usd + float(decision.decision_cost_usd or 0))
