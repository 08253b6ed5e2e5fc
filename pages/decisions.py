"""Who would have chosen what: a line per router, and all of its figures on a click."""

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
    """One line per router: its choice, the reason, and what deciding cost; a click opens the rest."""
    goal = shared.playground.settings.goal(comparison.prompt.goal)
    blind = hidden(shared, comparison)
    decided = {decision.policy: decision for decision in comparison.decisions if decision.policy in LABELS}
    with st.container(key="decisions", gap="xsmall"):
        st.header("Who would have chosen what", anchor=False)
        if blind:
            st.caption("Hidden until every answer is rated.")
            return
        for policy, name in LABELS.items():
            with st.container(key=f"decision-{policy}"):
                if policy in decided:
                    _line(name, decided[policy], goal)
                else:
                    st.caption(f"**{name}** was not asked about this prompt.")


def _line(name: str, decision: Decision, goal: GoalSettings) -> None:
    names = labels([arm.arm() for arm in goal.arms])
    order = {arm.id: index for index, arm in enumerate(goal.arms)}

    def said(text: str) -> str:
        return escaped(with_names(text, names))

    chosen = badge(names.get(decision.chosen, decision.chosen), order.get(decision.chosen))
    fell_back = "" if decision.fallback is None else " :red-badge[fell back to the rules]"
    cost = "" if decision.decision_cost_usd == 0 else f" · {escaped(dollars(decision.decision_cost_usd))}"
    line = f"**{name}** chose {chosen}{fell_back} :small[:gray[{said(_summary(decision))}{cost}]]"
    with st.expander(line, type="compact"):
        chances = (
            badge(f"{names.get(arm, arm)} {probability:.0%}", order.get(arm))
            for arm, probability in zip(decision.arms, decision.probabilities, strict=True)
        )
        st.markdown("Split " + " ".join(chances))
        st.caption("  \n".join(_reason(line, said) for line in decision.reason.lines))
        _cost(decision)


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


def _reason(line: ReasonLine, said: Callable[[str], str]) -> str:
    """Of a rule its points first, of anything else its figure last."""
    if line.met is None:
        return f"– {said(line.text)}" + (f": **{escaped(line.value)}**" if line.value else "")
    return f"{'✓' if line.met else '·'} **{escaped(line.value)}** {said(line.text)}"
