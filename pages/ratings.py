"""What a person says about answers: thumbs with reasons, and one verdict on all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from pages.decisions import hidden
from pages.formatting import badge
from pages.learned import remember_before
from pages.resources import Resources
from router_core.errors import RouterError
from router_core.store.base import Comparison
from router_core.types import Completion, OutcomeRecord

_GOOD_CHIPS = ("correct", "complete", "clear", "right length")
_BAD_CHIPS = ("wrong", "incomplete", "unclear", "too long", "too short", "refused")

# A number pressed where nobody types clicks the verdict at that place; where it is offered, s skips and u undoes.
_KEYS = """
<script>
if (!window.verdictsByKey) {
  window.verdictsByKey = true;
  document.addEventListener("keydown", (event) => {
    const types = event.target.closest?.(
      "input, textarea, select, [contenteditable=true], [role=grid], [role=dialog]"
    );
    const alone = !(event.ctrlKey || event.metaKey || event.altKey || event.repeat);
    if (types || !alone) return;
    const [place, buttons] = /^[1-9]$/.test(event.key)
      ? [Number(event.key) - 1, "[class*=st-key-verdicts] button:not(:disabled)"]
      : [0, { s: "[class*=st-key-queue-skip] button", u: ".st-key-queue-undo button" }[event.key.toLowerCase()]];
    const screens = [...document.querySelectorAll("[class*=st-key-queue-verdict-]")].map(
      (one) => /st-key-queue-verdict-(\\S*)-\\d/.exec(one.className)[1]
    );
    if (new Set(screens).size > 1) return;  // the next one is being drawn over the last
    if (buttons) document.querySelectorAll(buttons)[place]?.click();
  });
}
</script>
"""


def hear_keys() -> None:
    """Let the keys of verdicts work on this page."""
    st.html(_KEYS, unsafe_allow_javascript=True)


def show_thumbs(
    shared: Resources, comparison: Comparison, completion: Completion, thumb: OutcomeRecord | None, busy: bool
) -> None:
    """Thumbs and, once there is one, the reasons for it. The store is what is shown, not the widget's memory."""
    key, why = f"thumb-{completion.id}", f"why-{completion.id}"
    reward = thumb.reward if thumb is not None else None
    vote = partial(_vote, shared, comparison, completion.id, key)
    _hold(key, {1.0: 1, 0.0: 0}.get(reward) if reward is not None else None, completion.id, vote)
    st.feedback("thumbs", key=key, disabled=busy, on_change=vote)
    if thumb is None or reward is None:
        return
    if reward not in (0.0, 1.0):
        st.markdown(badge("tie" if reward == 0.5 else f"{reward:.0%} good"))
    chips = _GOOD_CHIPS if reward == 1.0 else _BAD_CHIPS
    explain = partial(_explain, shared, thumb, why)
    _hold(why, [chip for chip in thumb.chips if chip in chips], completion.id, explain)
    with st.popover("Why?", type="tertiary", key=f"whys-{completion.id}"):
        st.pills(
            "What decided it?",
            chips,
            selection_mode="multi",
            key=why,
            disabled=busy,
            on_change=explain,
        )


def show_verdict(
    shared: Resources,
    comparison: Comparison,
    answers: Mapping[str, Completion],
    thumbs: Mapping[str, OutcomeRecord],
    busy: bool,
) -> None:
    """One verdict on all answers, by click or by key; a tie is half a good answer for each. A second click takes
    it back. Beside it, whether two answers' differences are shown.

    Args:
        shared: what all visits share.
        comparison: the prompt with its answers.
        answers: letter on screen -> answer, of those that can be rated.
        thumbs: id of an answer -> what was said of it.
        busy: whether an answer is still coming.
    """
    verdicts = _verdicts(list(answers))
    ids = [answer.id for answer in answers.values()]
    given = tuple(thumbs[id_].reward if id_ in thumbs else None for id_ in ids)
    said = [name for name, rewards in verdicts.items() if given == rewards]
    judge = partial(_judge, shared, comparison, ids, verdicts)
    _hold("verdict", said[0] if said else None, comparison.prompt.id, judge)
    keys = {name: str(place) for place, name in enumerate(verdicts, 1)}
    with st.container(horizontal=True, vertical_alignment="center", key="verdicts"):
        st.segmented_control(
            f"Verdict on all answers, keys 1 to {len(verdicts)}",
            list(verdicts),
            format_func=lambda name: f"{name} :small[:gray[{keys[name]}]]",
            key="verdict",
            label_visibility="collapsed",
            disabled=busy,
            on_change=judge,
        )
        if len(answers) == 2:
            st.toggle("Differences", key="differences", disabled=busy, persist_state="session")
        hear_keys()


def _verdicts(letters: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """A verdict -> the reward of each answer. The better of two counts as good, the other one does not."""
    every = "Both" if len(letters) == 2 else "All"
    alike = {f"{every} good": 1.0, f"{every} bad": 0.0, "Tie": 0.5}
    better = {f"{letters[0]} better": (1.0, 0.0), f"{letters[1]} better": (0.0, 1.0)} if len(letters) == 2 else {}
    return {**better, **{name: (reward,) * len(letters) for name, reward in alike.items()}}


def _hold(key: str, stored: int | str | Sequence[str] | None, of: str, act: Callable[[], None]) -> None:
    """Let a widget show what is stored, after doing what a click asked for whose callback was cut short.

    A further click ends a run wherever it looks at the session's state, in callbacks too. What the widget has and
    neither the store has nor the last run showed is such a click. Where the widget shows what is stored it is left
    alone: a value that is sent to the browser once more takes back the click that is on its way from there.

    Args:
        key: of the widget.
        stored: what it should show.
        of: what it speaks of; another's clicks are none of this one's.
        act: its callback.
    """
    clicked = st.session_state.get(key)
    shown_of, shown = st.session_state.get(_shown(key), (None, None))
    if key in st.session_state and shown_of == of and clicked not in (stored, shown):
        act()
        st.rerun()
    if clicked != stored:
        st.session_state[key] = stored
    st.session_state[_shown(key)] = (of, stored)


def _shown(key: str) -> str:
    return f"shown-{key}"


def _vote(shared: Resources, comparison: Comparison, completion_id: str, key: str) -> None:
    """Give, change or (by a second click on the same thumb) take back a thumb."""
    choice = st.session_state[key]
    _rate(shared, comparison, {completion_id: None if choice is None else float(choice)})
    st.session_state[_shown(key)] = (completion_id, choice)


def _explain(shared: Resources, thumb: OutcomeRecord, key: str) -> None:
    chips = st.session_state[key]
    try:
        shared.playground.rate(thumb.completion_id, thumb.reward, chips=chips, blinded=thumb.blinded)
    except RouterError as error:
        st.session_state["problem"] = str(error)
    st.session_state[_shown(key)] = (thumb.completion_id, chips)


def _judge(
    shared: Resources,
    comparison: Comparison,
    completion_ids: Sequence[str],
    verdicts: Mapping[str, tuple[float, ...]],
) -> None:
    choice = st.session_state["verdict"]
    rewards: Sequence[float | None] = verdicts.get(choice, (None,) * len(completion_ids))
    _rate(shared, comparison, dict(zip(completion_ids, rewards, strict=True)))
    st.session_state[_shown("verdict")] = (comparison.prompt.id, choice)


def _rate(shared: Resources, comparison: Comparison, rewards: dict[str, float | None]) -> None:
    blinded = hidden(shared, comparison)
    remember_before(shared, comparison)
    try:
        for completion_id, reward in rewards.items():
            shared.playground.rate(completion_id, reward, blinded=blinded)
    except RouterError as error:
        st.session_state["problem"] = str(error)
