"""The three decision cards: which model, why, how likely, and what deciding cost."""

from __future__ import annotations

import streamlit as st

from pages.resources import Resources
from pages.shown import ROUTER_NAMES, badge, dollars, duration, escaped, labels
from router_core.settings import GoalSettings
from router_core.store.base import Comparison
from router_core.types import Decision


def hidden(comparison: Comparison) -> bool:
    """Whether names are still to be hidden: a blind prompt with answers that nobody has rated yet."""
    if not comparison.prompt.blind:
        return False
    latest = {decision.chosen: decision.completion_id for decision in comparison.decisions}
    rated = {outcome.completion_id for outcome in comparison.outcomes if outcome.source == "thumb"}
    failed = {one.id for one in comparison.completions if one.error is not None}
    return any(completion_id not in rated | failed for completion_id in latest.values())


def show_decisions(shared: Resources, comparison: Comparison) -> None:
    """One card per router."""
    goal = shared.playground.settings.goal(comparison.prompt.goal)
    decided = {decision.policy: decision for decision in comparison.decisions if decision.policy in ROUTER_NAMES}
    columns = st.columns(len(ROUTER_NAMES), gap="small")
    for column, (policy, name) in zip(columns, ROUTER_NAMES.items(), strict=True):
        with column.container(border=True, height="stretch", key=f"decision-{policy}"):
            decision = decided.get(policy)
            if decision is None:
                st.markdown(f"**{name}**")
                st.caption("Was not asked about this prompt.")
            elif hidden(comparison):
                st.markdown(f"**{name}** {badge('hidden until rated')}")
            else:
                _card(name, decision, goal)


def _card(name: str, decision: Decision, goal: GoalSettings) -> None:
    names = labels([arm.arm() for arm in goal.arms])
    order = {arm.id: index for index, arm in enumerate(goal.arms)}

    def said(text: str) -> str:
        for arm_id in sorted(names, key=len, reverse=True):
            text = text.replace(arm_id, names[arm_id])
        return escaped(text)

    st.markdown(
        f"**{name}** chose {badge(names.get(decision.chosen, decision.chosen), order.get(decision.chosen))}"
    )
    if decision.fallback is not None:
        st.markdown(f":red-badge[fell back to the rules] {said(decision.fallback)}")
    st.markdown(said(decision.reason.summary))
    marks = {True: "✓", False: "·", None: "–"}
    lines = (
        f"{marks[line.met]} {said(line.text)}" + (f" **{escaped(line.value)}**" if line.value else "")
        for line in decision.reason.lines
    )
    st.caption("  \n".join(lines))
    chances = (
        badge(f"{names.get(arm, arm)} {probability:.0%}", order.get(arm))
        for arm, probability in zip(decision.arms, decision.probabilities, strict=True)
    )
    st.markdown("Chance " + " ".join(chances))
    cost = "free" if decision.decision_cost_usd == 0 else dollars(decision.decision_cost_usd)
    cached = ", remembered" if decision.cached else ""
    expected = decision.expected_cost_usd[decision.arms.index(decision.chosen)]
    st.caption(
        f"Deciding: {escaped(cost)}, {duration(decision.decision_ms)}{cached}."
        f" Answer: {escaped(dollars(expected, estimated=expected is not None))}"
    )
