"""What the contextual router spent against its budgets, and what asking the classifier cost and was to bring.

Does not cover the price on cost itself (budget.py, spending.py), SQL (store/contextual_questions.py) and words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from router_core.money.budget import Budget, BudgetState, success_value_usd, surcharge
from router_core.registry import CONTEXTUAL
from router_core.routing.spending import budget_of
from router_core.settings import Settings
from router_core.store.base import Questions
from router_core.views.filters import View

_MARGIN: Final = 1.05


@dataclass(frozen=True, slots=True)
class Spend:
    """What one goal's decisions were expected to cost and what came of it, deciding included, in dollars.

    ``expected_usd`` is of the ``requests`` but for ``unforeseen``, as known when they were decided: the expected
    cost of those was unknown. ``actual_usd`` is of the ``answered`` but for
    ``unknown``, of which a cost is unknown; None: no cost is known.
    """

    requests: int = 0
    expected_usd: float = 0.0
    answered: int = 0
    actual_usd: float | None = None
    unknown: int = 0
    unforeseen: int = 0

    @property
    def expected_each_usd(self) -> float | None:
        """Per request of known expected cost; None: there was none."""
        known = self.requests - self.unforeseen
        return self.expected_usd / known if known else None

    @property
    def actual_each_usd(self) -> float | None:
        """Per answer of known cost; None: there is none so far."""
        known = self.answered - self.unknown
        return self.actual_usd / known if known and self.actual_usd is not None else None


@dataclass(frozen=True, slots=True)
class BudgetKept:
    """One goal's budget beside what was spent.

    ``spend`` is of the part of the log that is looked at; ``today`` of this day (UTC) whatever is looked at.
    ``dollar_usd`` is what a dollar counts in the next decision (1: the budget does not bind; infinite where a good
    answer is worth any price and the budget binds), ``good_usd`` what a good answer counts, of ``worth_usd`` by
    the settings.
    """

    goal: str
    budget: Budget
    spend: Spend
    today: Spend
    dollar_usd: float
    good_usd: float
    worth_usd: float
    in_production: bool

    @property
    def binds(self) -> bool:
        """Whether decisions are now cheaper than without the budget."""
        return self.dollar_usd > 1.0

    @property
    def exceeded(self) -> bool:
        """Whether decisions were expected to cost more than the budget, by over 5 % or for this day."""
        if self.left_today_usd is not None:
            return self.left_today_usd < 0.0
        return (self.spend.expected_each_usd or 0.0) > _MARGIN * self.budget.request_usd

    @property
    def left_today_usd(self) -> float | None:
        """Of a daily budget what today's decisions left, below 0 where it is overspent; None: no daily one."""
        return self.budget.limit_usd - self.today.expected_usd if self.budget.per == "day" else None


@dataclass(frozen=True, slots=True)
class VerdictsBought:
    """The classifier as a feature of one goal's decisions.

    ``asked`` calls cost ``cost_usd`` (None: price unknown), ``unpriced`` of them besides an unknown amount. Of
    them ``weighed`` were judged before: their verdicts
    were expected to bring ``worth_usd`` (None: there is no finite figure).
    """

    goal: str
    decisions: int
    asked: int
    remembered: int
    weighed: int
    cost_usd: float | None
    worth_usd: float | None
    unpriced: int = 0

    @property
    def not_asked(self) -> int:
        """Decisions without a verdict that was asked for or remembered."""
        return self.decisions - self.asked - self.remembered

    @property
    def net_usd(self) -> float | None:
        """What the verdicts were expected to bring less what they cost; None: not every call was weighed and has
        a known cost.
        """  # fmt: skip
        if self.weighed < self.asked or self.unpriced or self.cost_usd is None or self.worth_usd is None:
            return None
        return self.worth_usd - self.cost_usd


@dataclass(frozen=True, slots=True)
class ContextualCosts:
    """Goals with a budget, and goals in which the contextual router decided in the part looked at, as the settings
    order them.
    """  # fmt: skip

    budgets: tuple[BudgetKept, ...]
    verdicts: tuple[VerdictsBought, ...]


def contextual_costs(
    store: Questions, settings: Settings, state: Callable[[str], BudgetState], view: View, at: datetime
) -> ContextualCosts:
    """Budgets and verdicts in a part of the log.

    Args:
        store: the log.
        settings: goals and their budgets.
        state: goal -> its price on cost now.
        view: the part; of its filters time and goal count.
        at: the time; its day (UTC) is today.

    Raises:
        StoreError: the log cannot be read.
    """
    spent = _spends(store, view)
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    named = {name: goal for name, goal in settings.goals.items() if view.goal in (None, name)}
    limited = {name: budget for name, goal in named.items() if (budget := budget_of(goal)) is not None}
    daily = any(budget.per == "day" for budget in limited.values())
    today = _spends(store, View(midnight, midnight + timedelta(days=1), view.goal)) if daily else {}
    budgets = []
    for name, budget in limited.items():
        now, worth = state(name), named[name].success_value_usd
        budgets.append(
            BudgetKept(
                name,
                budget,
                spent.get(name, Spend()),
                today.get(name, Spend()),
                1.0 + surcharge(now, budget, worth),
                success_value_usd(now, budget, worth),
                worth,
                named[name].router == CONTEXTUAL.name,
            )
        )
    places = {name: place for place, name in enumerate(named)}
    verdicts = sorted(_verdicts(store, view), key=lambda one: places.get(one.goal, len(places)))
    return ContextualCosts(tuple(budgets), tuple(verdicts))


def _spends(store: Questions, view: View) -> dict[str, Spend]:
    found = store.rows("spent", _range(view))
    return {
        row["goal"]: Spend(
            row["requests"],
            row["foreseen_usd"],
            row["answered"],
            row["actual_usd"],
            row["unknown"],
            row["unforeseen"],
        )
        for row in found
    }


def _verdicts(store: Questions, view: View) -> tuple[VerdictsBought, ...]:
    found = store.rows("bought", _range(view))
    return tuple(
        VerdictsBought(
            row["goal"],
            row["decisions"],
            row["asked"],
            row["remembered"],
            row["weighed"],
            row["cost_usd"],
            row["worth_usd"],
            row["unpriced"],
        )
        for row in found
    )


def _range(view: View) -> dict[str, object]:
    return {name: view.parameters()[name] for name in ("since", "until", "goal")}
