"""What a person says about answers: thumbs with reasons, and one verdict on all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from pages.decisions import hidden
from pages.learned import remember_before
from pages.resources import Resources
from pages.shown import badge
from router_core.errors import RouterError
from router_core.store.base import Comparison
from router_core.types import Completion, OutcomeRecord

_GOOD_CHIPS = ("correct", "complete", "clear", "right length")
_BAD_CHIPS = ("wrong", "incomplete", "unclear", "too long", "too short", "refused")


def show_thumbs(
    shared: Resources, comparison: Comparison, completion: Completion, thumb: OutcomeRecord | None, busy: bool
) -> None:
    """Thumbs and, once there is one, the reasons for it. The store is what is shown, not the widget's memory."""
    key, why = f"thumb-{completion.id}", f"why-{completion.id}"
    reward = thumb.reward if thumb is not None else None
    _hold(key, {1.0: 1, 0.0: 0}.get(reward) if reward is not None else None)
    vote = partial(_vote, shared, comparison, completion.id, key)
    st.feedback("thumbs", key=key, disabled=busy, on_change=vote)
    if thumb is None or reward is None:
        return
    if reward not in (0.0, 1.0):
        st.markdown(badge("tie" if reward == 0.5 else f"{reward:.0%} good"))
    chips = _GOOD_CHIPS if reward == 1.0 else _BAD_CHIPS
    _hold(why, [chip for chip in thumb.chips if chip in chips])
    with st.popover("Why?", type="tertiary", key=f"whys-{completion.id}"):
        st.pills(
            "What decided it?",
            chips,
            selection_mode="multi",
            key=why,
            disabled=busy,
            on_change=partial(_explain, shared, thumb, why),
        )


def show_verdict(
    shared: Resources,
    comparison: Comparison,
    answers: Sequence[Completion],
    thumbs: Mapping[str, OutcomeRecord],
    busy: bool,
) -> None:
    """One verdict on all answers; a tie is half a good answer for each. A second click takes it back."""
    every = "Both" if len(answers) == 2 else "All"
    rewards = {f"{every} good": 1.0, "Tie": 0.5, f"{every} bad": 0.0}
    given = {thumbs[answer.id].reward if answer.id in thumbs else None for answer in answers}
    said = [name for name, reward in rewards.items() if given == {reward}]
    _hold("verdict", said[0] if said else None)
    with st.container(horizontal=True, horizontal_alignment="center", key="verdicts"):
        st.segmented_control(
            "Verdict on all answers",
            list(rewards),
            key="verdict",
            label_visibility="collapsed",
            disabled=busy,
            on_change=partial(_judge, shared, comparison, [answer.id for answer in answers], rewards),
        )


def _hold(key: str, stored: int | str | Sequence[str] | None) -> None:
    """Let a widget show what is stored. Where it does it is left alone: a value that is sent to the browser once
    more takes back the click that is on its way from there.
    """  # fmt: skip
    if st.session_state.get(key) != stored:
        st.session_state[key] = stored


def _vote(shared: Resources, comparison: Comparison, completion_id: str, key: str) -> None:
    """Give, change or (by a second click on the same thumb) take back a thumb."""
    choice = st.session_state[key]
    _rate(shared, comparison, {completion_id: None if choice is None else float(choice)})


def _explain(shared: Resources, thumb: OutcomeRecord, key: str) -> None:
    try:
        shared.playground.rate(
            thumb.completion_id, thumb.reward, chips=st.session_state[key], blinded=thumb.blinded
        )
    except RouterError as error:
        st.session_state["problem"] = str(error)


def _judge(
    shared: Resources, comparison: Comparison, completion_ids: Sequence[str], rewards: Mapping[str, float]
) -> None:
    reward = rewards.get(st.session_state["verdict"])
    _rate(shared, comparison, dict.fromkeys(completion_ids, reward))


def _rate(shared: Resources, comparison: Comparison, rewards: dict[str, float | None]) -> None:
    blinded = hidden(shared, comparison)
    remember_before(shared, comparison)
    try:
        for completion_id, reward in rewards.items():
            shared.playground.rate(completion_id, reward, blinded=blinded)
    except RouterError as error:
        st.session_state["problem"] = str(error)
