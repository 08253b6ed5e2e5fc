"""Ratings that have come, may still come, and never did, a line per model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st

from pages.formatting import escaped
from pages.resources import Resources, State
from router_core.settings import GoalSettings
from router_core.views.learning import Pending, pending_now


@st.cache_data(max_entries=16, show_spinner=False)
def _counts(_shared: Resources, state: State, goal: str, minute: datetime | None) -> dict[str, Pending]:
    """As of a minute; without a window the time does not matter."""
    playground = _shared.playground
    now = minute or datetime.now(UTC)
    return pending_now(playground.store, goal, playground.settings.goal(goal), now)


def show_awaited(shared: Resources, goal: str, settings: GoalSettings, names: Mapping[str, str]) -> None:
    """How many answers of each model were rated, and what became of the others."""
    _playground, window = shared.playground, settings.attribution_hours
    minute = None if window is None else datetime.now(UTC).replace(second=0, microsecond=0)
    counts = _counts(shared, shared.state, goal, minute)
    answered = {arm: one for arm, one in counts.items() if one != Pending()}
    if not answered:
        st.caption("No answers yet, so none waits for a rating.")
        return
    lines = [f"{escaped(names.get(arm, arm))}: {awaited_words(one)}" for arm, one in answered.items()]
    st.markdown("  \n".join(lines))
    if window is None:
        st.caption("An answer may be rated at any time, so each that is not yet rated waits.")
    else:
        st.caption(
            f"A first rating teaches within {window:g} hour{'s' * (window != 1)} of the decision; what comes later"
            " is too late. A rating that came in time can be changed whenever you like."
        )


def awaited_words(one: Pending) -> str:
    """For example: 12 rated · 3 waiting · 40 never rated · 2 too late; what is none is left out but the rated."""
    parts = [(one.waiting, "waiting"), (one.missing, "never rated"), (one.late, "too late")]
    return " · ".join([f"{one.rated:,} rated", *(f"{count:,} {word}" for count, word in parts if count)])
