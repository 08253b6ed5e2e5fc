"""What Thompson sampling has learned about each model, and how the last rating moved it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.decisions import hidden
from pages.figure import draw, theme_now
from pages.formatting import badge, labels
from pages.resources import Resources
from router_core.charts.common import Theme, posterior_chart, posterior_description
from router_core.learning.beta import interval, mean
from router_core.policies.thompson import best_buy, counted
from router_core.routing.candidates import USUAL
from router_core.store.base import Comparison
from router_core.types import Message, Posterior

_ANY: tuple[Message, ...] = ({"role": "user", "content": USUAL},)


def remember_before(shared: Resources, comparison: Comparison) -> None:
    """Keep the state before a rating, so that the page can show what it changed.

    Of a blind prompt that before the first rating stays: what it changed is shown only after the last.
    """
    moved = st.session_state.get("moved")
    if moved is not None and moved[0] == comparison.prompt.id and hidden(shared, comparison):
        return
    goal = comparison.prompt.goal
    chances = shared.playground.chances(_messages(comparison), goal, comparison.prompt.task_type)
    st.session_state["moved"] = (comparison.prompt.id, shared.playground.posteriors(goal), chances)


def show_learned(shared: Resources, goal: str, comparison: Comparison | None) -> None:
    """A line per model and the densities; after a rating, before and after."""
    with st.container(border=True, key="learned"):
        st.header("What has been learned about this traffic", anchor=False)
        if comparison is not None and hidden(shared, comparison):
            st.caption("Hidden until every answer is rated: what a rating moves would tell which model is which.")
        else:
            _learned(shared, goal, comparison)


def _learned(shared: Resources, goal: str, comparison: Comparison | None) -> None:
    settings = shared.playground.settings.goal(goal)
    arms, prior = [arm.arm() for arm in settings.arms], settings.prior_alpha
    names = labels(arms)
    now = shared.playground.posteriors(goal)
    chances = shared.playground.chances(
        _messages(comparison), goal, comparison.prompt.task_type if comparison else None
    )
    before: Mapping[str, Posterior] = {}
    chances_before: Mapping[str, float] = {}
    moved = st.session_state.get("moved")
    if moved is not None and comparison is not None and moved[0] == comparison.prompt.id:
        _, before, chances_before = moved
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="center")
    with left:
        for index, arm in enumerate(arms):
            chance = _chance(chances[arm.id], chances_before.get(arm.id))
            st.markdown(
                f"{badge(names[arm.id], index)} {_evidence(prior, now[arm.id], before.get(arm.id))}  \n"
                f":small[:gray[chance of being the {best_buy(len(arms))}: {chance}]]"
            )
        if not any(posterior.observations for posterior in now.values()):
            st.caption("No ratings yet: every share of good answers is equally likely. Rate an answer.")
    with right:
        named = {names[arm.id]: now[arm.id] for arm in arms}
        named_before = {names[arm]: posterior for arm, posterior in before.items() if arm in names}
        theme = theme_now()
        chart = _chart(tuple(named.items()), tuple(named_before.items()), theme)
        draw("densities", chart, posterior_description(named))


@st.cache_data(max_entries=64, show_spinner=False)
def _chart(
    now: tuple[tuple[str, Posterior], ...], before: tuple[tuple[str, Posterior], ...], theme: Theme
) -> dict[str, Any]:
    """The chart as plain data: building and checking it takes longer than the rest of the page."""
    return posterior_chart(dict(now), dict(before), theme).to_dict()


def _messages(comparison: Comparison | None) -> tuple[Message, ...]:
    if comparison is None or comparison.prompt.messages is None:
        return _ANY
    return comparison.prompt.messages


def _evidence(prior_alpha: float, now: Posterior, before: Posterior | None) -> str:
    low, high = interval(now)
    good, share = counted(now, prior_alpha), f"{mean(now):.0%}"
    if before is not None and before != now:
        good = f"{counted(before, prior_alpha)} → **{good}**"
        share = f"{mean(before):.0%} → **{share}**"
    return f"{good} good · expected {share} ({low:.0%} to {high:.0%})"


def _chance(now: float, before: float | None) -> str:
    if before is not None and round(before, 3) != round(now, 3):
        return f"{before:.1%} → {now:.1%}"
    return f"{now:.1%}"
