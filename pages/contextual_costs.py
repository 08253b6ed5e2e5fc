"""The contextual router on the costs page: budgets kept, and the classifier as a bought feature."""

from __future__ import annotations

from datetime import UTC, datetime
from math import isinf

import streamlit as st

from pages.figure import right_aligned
from pages.formatting import dollars, escaped
from pages.resources import Resources, State
from router_core.views.budgets import BudgetKept, ContextualCosts, VerdictsBought, contextual_costs
from router_core.views.filters import View


@st.cache_resource(max_entries=16, show_spinner=False)
def _prepared(_shared: Resources, state: State, view: View, day: str) -> ContextualCosts:
    """Until the store changes, or the day ends."""
    playground = _shared.playground
    return contextual_costs(playground.store, playground.settings, playground.spending, view, datetime.now(UTC))


def show_contextual(shared: Resources, view: View) -> None:
    """Nothing where no goal has a budget and the contextual router decided nothing."""
    playground = shared.playground
    _store, day = playground.store, f"{datetime.now(UTC):%Y-%m-%d}"
    of = View(view.since, view.until, view.goal)
    found = _prepared(shared, shared.state, of, day)
    if not found.budgets and not found.verdicts:
        return
    st.header("Contextual Thompson: budget and paid classifier calls", anchor=False)
    if view.policy or view.arm or view.origin:
        st.caption("Of all models and origins in this range: a budget knows no such filters.")
    if found.budgets:
        _budgets(found.budgets)
    if found.verdicts:
        _verdicts(found.verdicts)
    else:
        st.caption("Contextual Thompson decided nothing in this range; compare a prompt, or let it serve a goal.")


def _budgets(budgets: tuple[BudgetKept, ...]) -> None:
    st.table(
        {
            "Goal": [escaped(one.goal) for one in budgets],
            "Budget": [escaped(_target(one)) for one in budgets],
            "Expected when decided": [escaped(_expected(one)) for one in budgets],
            "Actual so far": [escaped(_actual(one)) for one in budgets],
            "Requests": [f"{one.spend.requests:,}" for one in budgets],
            "Today (UTC)": [escaped(_today(one)) for one in budgets],
        }
    )
    st.caption("  \n".join(escaped(f"{one.goal}: {_price(one)}") for one in budgets))
    if any(one.binds and one.exceeded for one in budgets):
        st.caption(
            "Beyond a budget's reach are the share that every model keeps and the cheapest model's own price. It"
            " settles within some 1,000 requests."
        )


def _verdicts(goals: tuple[VerdictsBought, ...]) -> None:
    right_aligned(
        "verdicts-table",
        ["Goal", "Decisions", "Asked", "From memory", "Not asked", "Calls cost", "Expected benefit", "Net gain"],
        [
            [
                escaped(one.goal),
                f"{one.decisions:,}",
                *(_share(part, one.decisions) for part in (one.asked, one.remembered, one.not_asked)),
                escaped(_cost(one)),
                escaped(_worth(one)),
                escaped(_net(one)),
            ]
            for one in goals
        ],
    )
    st.caption(
        "The classifier, asked where its verdict was worth the call. The benefit expected of it is estimated"
        " before asking, from what was known then: it is not measured. Some calls are expected to lose,"
        " those made to learn what verdicts are worth."
    )


def _target(one: BudgetKept) -> str:
    if one.budget.per == "day":
        return f"at most {dollars(one.budget.limit_usd)} a day"
    count = int(one.budget.requests)
    return f"at most {dollars(one.budget.limit_usd)} {_per(count)}"


def _per(requests: int) -> str:
    return "per request" if requests == 1 else f"per {requests:,} requests"


def _each(one: BudgetKept, usd: float | None, estimated: bool) -> str:
    """Per as many requests as the budget is for; of a daily one per 1,000."""
    count = int(one.budget.requests) if one.budget.per == "requests" else 1000
    return "none yet" if usd is None else f"{dollars(usd * count, estimated)} {_per(count)}"


def _expected(one: BudgetKept) -> str:
    said, unknown = _each(one, one.spend.expected_each_usd, True), one.spend.unforeseen
    return f"{said} ({unknown:,} of unknown cost)" if unknown else said


def _actual(one: BudgetKept) -> str:
    spend = one.spend
    said = _each(one, spend.actual_each_usd, False)
    waiting = spend.requests - spend.answered
    notes = {"of unknown cost": spend.unknown, "without an answer": waiting}
    told = ", ".join(f"{count:,} {what}" for what, count in notes.items() if count)
    return f"{said} ({told})" if told else said


def _today(one: BudgetKept) -> str:
    left = one.left_today_usd
    if left is None:
        return "no daily budget"
    spent = dollars(one.today.expected_usd, True)
    if one.today.unforeseen:
        spent += f" and {one.today.unforeseen:,} requests of unknown cost"
    return (
        f"{spent} spent, {dollars(left, True)} left" if left >= 0 else f"{spent} spent, {dollars(-left)} too much"
    )


def _price(one: BudgetKept) -> str:
    """What the budget does to the next decision."""
    full = "any price" if isinf(one.worth_usd) else dollars(one.worth_usd)
    if not one.binds:
        said = f"the budget does not bind: a good answer counts in full, {full}."
    else:
        said = f"the budget binds: a good answer counts as {dollars(one.good_usd)} instead of {full}."
    if one.binds and one.exceeded:
        said += " More is spent all the same."
    return (
        said if one.in_production else f"{said} In production another router serves this goal, without the budget."
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if part else "none"


def _cost(one: VerdictsBought) -> str:
    said = dollars(one.cost_usd if one.asked else 0)
    return f"{said} ({one.unpriced:,} of unknown cost)" if one.unpriced and one.cost_usd is not None else said


def _worth(one: VerdictsBought) -> str:
    if not one.asked:
        return dollars(0)
    if not one.weighed:
        return "not weighed"
    return "more than any price" if one.worth_usd is None else dollars(one.worth_usd, True)


def _net(one: VerdictsBought) -> str:
    if not one.asked:
        return "none"
    if one.net_usd is not None:
        return dollars(one.net_usd, True)
    notes = {"not weighed": one.asked - one.weighed, "of unknown cost": one.unpriced}
    told = ", ".join(f"{count:,} {what}" for what, count in notes.items() if count)
    return f"not known: {told}" if told else "not known"
