"""The decision cards: which model, why, how likely, and what deciding cost."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.formatting import badge, dollars, duration, escaped, labels
from pages.resources import Resources
from router_core.arm_names import with_names
from router_core.registry import LABELS
from router_core.settings import GoalSettings
from router_core.store.base import Comparison
from router_core.types import Decision, ReasonLine

_IN_A_ROW = 3  # cards
_AT_ONCE = 6  # lines of a reason that are shown without being asked for


def hidden(shared: Resources, comparison: Comparison) -> bool:
    """Whether names are still to be hidden: a blind prompt with a model that nobody has rated yet.

    A model that was rated once stays known, though the rating is taken back or the model is asked again. One that
    failed cannot be rated.
    """
    if not comparison.prompt.blind:
        return False
    answers: dict[str, list[str]] = {}
    for decision in comparison.decisions:
        answers.setdefault(decision.chosen, []).append(decision.completion_id)
    failed = {one.id for one in comparison.completions if one.error is not None}
    history = shared.playground.store.outcome_history

    def rated(ids: list[str]) -> bool:
        return ids[-1] in failed or any(said.source == "thumb" for id_ in ids for said in history(id_))

    return not all(rated(ids) for ids in answers.values())


def show_decisions(shared: Resources, comparison: Comparison) -> None:
    """One card per router."""
    goal = shared.playground.settings.goal(comparison.prompt.goal)
    blind = hidden(shared, comparison)
    decided = {decision.policy: decision for decision in comparison.decisions if decision.policy in LABELS}
    with st.container(key="decisions"):
        columns = [
            column for _ in range(0, len(LABELS), _IN_A_ROW) for column in st.columns(_IN_A_ROW, gap="small")
        ]
    for column, (policy, name) in zip(columns, LABELS.items(), strict=False):
        with column.container(border=True, height="stretch", key=f"decision-{policy}"):
            decision = decided.get(policy)
            if decision is None:
                st.header(f"**{name}**", anchor=False)
                st.caption("Was not asked about this prompt.")
            elif blind:
                st.header(f"**{name}** {badge('hidden until rated')}", anchor=False)
            else:
                _card(name, decision, goal)


def _card(name: str, decision: Decision, goal: GoalSettings) -> None:
    names = labels([arm.arm() for arm in goal.arms])
    order = {arm.id: index for index, arm in enumerate(goal.arms)}

    def said(text: str) -> str:
        return escaped(with_names(text, names))

    st.header(
        f"**{name}**  \nchose {badge(names.get(decision.chosen, decision.chosen), order.get(decision.chosen))}",
        anchor=False,
    )
    chances = (
        badge(f"{names.get(arm, arm)} {probability:.0%}", order.get(arm))
        for arm, probability in zip(decision.arms, decision.probabilities, strict=True)
    )
    st.markdown("Split " + " ".join(chances))
    _cost(decision)
    if decision.fallback is not None:
        st.markdown(":red-badge[fell back to the rules]")
    st.markdown(said(_summary(decision)))
    lines = [_line(line, said) for line in decision.reason.lines]
    st.caption("  \n".join(lines[:_AT_ONCE]))
    if len(lines) > _AT_ONCE:
        with st.expander(f"{len(lines) - _AT_ONCE} more reasons", key=f"more-{decision.policy}"):
            st.caption("  \n".join(lines[_AT_ONCE:]))


def _summary(decision: Decision) -> str:
    """The reason in a line. It speaks of the likeliest model; where another was drawn, that one is named."""
    summary = decision.reason.summary
    if decision.propensity < max(decision.probabilities):
        summary += f"; {decision.chosen} was drawn, with {decision.propensity:.0%} of the split"
    return summary


def _cost(decision: Decision) -> None:
    cost = "free" if decision.decision_cost_usd == 0 else dollars(decision.decision_cost_usd)
    expected = decision.expected_cost_usd[decision.arms.index(decision.chosen)]
    st.caption(
        f"Deciding: {escaped(cost)}, {duration(decision.decision_ms)}  \n"
        f"Answer: {escaped(dollars(expected, estimated=expected is not None))}"
    )


def _line(line: ReasonLine, said: Callable[[str], str]) -> str:
    """Of a rule its points first, of anything else its figure last."""
    if line.met is None:
        return f"– {said(line.text)}" + (f": **{escaped(line.value)}**" if line.value else "")
    return f"{'✓' if line.met else '·'} **{escaped(line.value)}** {said(line.text)}"
