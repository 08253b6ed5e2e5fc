"""One column per model that answered: the text as it comes, what it cost, and the person's verdict on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from pages.decisions import hidden
from pages.learned import remember_before
from pages.resources import Resources
from pages.shown import ROUTER_NAMES, badge, dollars, duration, escaped, labels, model_text
from router_core.comparison import PlannedCall
from router_core.errors import RouterError
from router_core.running import Running
from router_core.sampling import uniform
from router_core.store.base import Comparison
from router_core.types import STOPPED, Completion, OutcomeRecord

_REFRESH_S = 0.12  # each refresh sends the whole text again
_GOOD_CHIPS = ("correct", "complete", "clear", "right length")
_BAD_CHIPS = ("wrong", "incomplete", "unclear", "too long", "too short", "refused")


def show_answers(shared: Resources, comparison: Comparison) -> None:
    """All columns, then the verdicts on several answers at once."""
    if any(_under_way(shared.running.get(decision.completion_id)) for decision in comparison.decisions):
        _watch(shared, comparison)
    else:
        _columns(shared, _reread(shared, comparison), busy=False)


@st.fragment(run_every=_REFRESH_S)
def _watch(shared: Resources, comparison: Comparison) -> None:
    """The answers as they come. Every look is a short run of its own: clicks never wait, and what an earlier
    prompt left on the page is gone after the first.
    """  # fmt: skip
    busy = any(_under_way(shared.running.get(decision.completion_id)) for decision in comparison.decisions)
    if not busy:
        st.rerun()
    _columns(shared, _reread(shared, comparison), busy)


def _reread(shared: Resources, comparison: Comparison) -> Comparison:
    """The comparison with the answers that have been stored since."""
    found = shared.playground.store.comparison(comparison.prompt.id)
    return comparison if found is None else replace(found, prompt=comparison.prompt)


def _columns(shared: Resources, comparison: Comparison, busy: bool) -> None:
    calls = list(shared.playground.calls_of(comparison))
    blind = hidden(comparison)
    if blind:
        calls.sort(key=lambda call: uniform(0, f"{comparison.prompt.id}|{call.arm.id}"))
    stored = {completion.id: completion for completion in comparison.completions}
    thumbs = {one.completion_id: one for one in comparison.outcomes if one.source == "thumb"}
    for place, (column, call) in enumerate(zip(st.columns(len(calls)), calls, strict=True)):
        with column.container(border=True, height="stretch", key=f"answer-{place}"):
            _title(shared, comparison, call, chr(ord("A") + place) if blind else None)
            running = shared.running.get(call.completion_id)
            completion = stored.get(call.completion_id)
            if completion is not None:
                _finished(shared, comparison, call, completion, thumbs.get(call.completion_id), busy, blind)
            elif running is not None and _under_way(running):
                _live(running, place, blind)
            else:
                _broken(shared, comparison, call, running)
    answered = [stored[call.completion_id] for call in calls if call.completion_id in stored]
    rateable = [completion for completion in answered if completion.error is None]
    if len(rateable) > 1:
        _verdicts(shared, comparison, rateable, busy)
    if not busy and not blind:
        _offer_others(shared, comparison, {call.arm.id for call in calls})


def _under_way(running: Running | None) -> bool:
    return running is not None and not running.ended


def _title(shared: Resources, comparison: Comparison, call: PlannedCall, letter: str | None) -> None:
    if letter is not None:
        st.markdown(f"**Answer {letter}**")
        return
    arms = [arm.arm() for arm in shared.playground.settings.goal(comparison.prompt.goal).arms]
    index = [arm.id for arm in arms].index(call.arm.id)
    by = ", ".join(ROUTER_NAMES[name] for name in call.chosen_by)
    chosen = f"chosen by {by}" if by else "chosen by no router"
    st.markdown(f"{badge(labels(arms)[call.arm.id], index)} :small[:gray[{chosen}]]")


def _live(running: Running, place: int, blind: bool) -> None:
    if running.text:
        st.markdown(_readable(running.text, blind) + " ▌")
    else:
        st.skeleton(height=60)
    st.button(
        "Stop",
        key=f"stop-{place}",
        on_click=running.stop,
        icon=":material/stop_circle:",
        type="tertiary",
        disabled=running.stopping,
    )


def _finished(
    shared: Resources,
    comparison: Comparison,
    call: PlannedCall,
    completion: Completion,
    thumb: OutcomeRecord | None,
    busy: bool,
    blind: bool,
) -> None:
    running = shared.running.get(completion.id)
    text = completion.text if completion.text is not None else (running.text if running else None)
    if completion.error is not None:
        if text:
            st.markdown(_readable(text, blind))
        st.error(completion.error, icon=":material/error:")
        _again(shared, comparison, call, "Retry", "the first call failed", busy)
        return
    if text:
        st.markdown(_readable(text, blind))
    elif completion.text is None:
        st.caption("The text was not kept (privacy.keep_texts is hash).")
    else:
        why = "the provider's content filter held it back" if completion.finish_reason == "content_filter" else ""
        st.info(f"The model answered with nothing{': ' + why if why else ''}.")
    _figures(completion, blind)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"tools-{completion.id}"):
        _thumbs(shared, comparison, completion, thumb, busy)
        if text:
            with st.popover("Copy", icon=":material/content_copy:", type="tertiary", key=f"copy-{completion.id}"):
                st.code(text, language=None, wrap_lines=True)
        _again(shared, comparison, call, "Again", "a person asked for another answer", busy)


def _figures(completion: Completion, blind: bool) -> None:
    notes = {"length": "cut off at the token limit", STOPPED: "stopped", "content_filter": "filtered"}
    note = notes.get(completion.finish_reason or "")
    if blind:
        st.caption(note or "Cost and time are hidden until you have rated.")
        return
    usage = completion.usage
    parts = [escaped(dollars(completion.cost_usd, bool(usage and usage.estimated)))]
    if completion.first_token_ms is not None:
        parts.append(f"first word {duration(completion.first_token_ms)}")
    parts.append(f"total {duration(completion.total_ms)}")
    if usage is not None:
        parts.append(f"{'~' if usage.estimated else ''}{usage.input_tokens:,} + {usage.output_tokens:,} tokens")
    if completion.retries:
        parts.append(f"{completion.retries} failed tr{'y' if completion.retries == 1 else 'ies'} before")
    st.caption(" · ".join([*parts, note] if note else parts))


def _thumbs(
    shared: Resources, comparison: Comparison, completion: Completion, thumb: OutcomeRecord | None, busy: bool
) -> None:
    """Thumbs and, once there is one, the reasons for it. The store is what is shown, not the widget's memory."""
    key, why = f"thumb-{completion.id}", f"why-{completion.id}"
    reward = thumb.reward if thumb is not None else None
    st.session_state[key] = {1.0: 1, 0.0: 0}.get(reward) if reward is not None else None
    vote = partial(_vote, shared, comparison, completion.id, key)
    st.feedback("thumbs", key=key, disabled=busy, on_change=vote)
    if thumb is None or reward is None:
        return
    if reward not in (0.0, 1.0):
        st.markdown(badge("tie" if reward == 0.5 else f"{reward:.0%} good"))
    chips = _GOOD_CHIPS if reward == 1.0 else _BAD_CHIPS
    st.session_state[why] = [chip for chip in thumb.chips if chip in chips]
    with st.popover("Why?", type="tertiary", key=f"whys-{completion.id}"):
        st.pills(
            "What decided it?",
            chips,
            selection_mode="multi",
            key=why,
            disabled=busy,
            on_change=partial(_explain, shared, comparison, thumb, why),
        )


def _vote(shared: Resources, comparison: Comparison, completion_id: str, key: str) -> None:
    """Give, change or (by a second click on the same thumb) take back a thumb."""
    choice = st.session_state[key]
    _rate(shared, comparison, {completion_id: None if choice is None else float(choice)})


def _explain(shared: Resources, comparison: Comparison, thumb: OutcomeRecord, key: str) -> None:
    try:
        shared.playground.rate(
            thumb.completion_id, thumb.reward, chips=st.session_state[key], blinded=thumb.blinded
        )
    except RouterError as error:
        st.session_state["problem"] = str(error)


def _rate(shared: Resources, comparison: Comparison, rewards: dict[str, float | None]) -> None:
    blinded = hidden(comparison)
    remember_before(shared, comparison)
    try:
        for completion_id, reward in rewards.items():
            shared.playground.rate(completion_id, reward, blinded=blinded)
    except RouterError as error:
        st.session_state["problem"] = str(error)


def _verdicts(shared: Resources, comparison: Comparison, answers: Sequence[Completion], busy: bool) -> None:
    """The verdicts on all answers at once; a tie is half a good answer for each."""
    with st.container(horizontal=True, horizontal_alignment="center", gap="small", key="verdicts"):
        for name, reward in (("Both good", 1.0), ("Tie", 0.5), ("Both bad", 0.0)):
            label = name.replace("Both", "All") if len(answers) > 2 else name
            rewards: dict[str, float | None] = {answer.id: reward for answer in answers}
            give = partial(_rate, shared, comparison, rewards)
            st.button(label, key=f"verdict-{reward:g}", disabled=busy, on_click=give)
    problem = st.session_state.pop("problem", None)
    if problem:
        st.error(problem, icon=":material/error:")


def _broken(shared: Resources, comparison: Comparison, call: PlannedCall, running: Running | None) -> None:
    why = running.error if running is not None and running.error else "this answer was never finished"
    st.error(f"No answer: {why}", icon=":material/error:")
    _again(shared, comparison, call, "Retry", "the first call was never finished", False)


def _again(shared: Resources, comparison: Comparison, call: PlannedCall, label: str, why: str, busy: bool) -> None:
    st.button(
        label,
        key=f"again-{call.completion_id}",
        type="tertiary",
        icon=":material/refresh:",
        disabled=busy or comparison.prompt.messages is None,
        on_click=partial(_call, shared, comparison, call.arm.id, why),
    )


def _call(shared: Resources, comparison: Comparison, arm_id: str, why: str) -> None:
    prompt, messages = comparison.prompt, comparison.prompt.messages
    assert messages is not None
    try:
        planned = shared.playground.again(prompt, messages, arm_id, why)
    except RouterError as error:
        st.session_state["problem"] = str(error)
        return
    start = partial(shared.playground.stream, prompt, messages, planned)
    shared.running.start(planned.completion_id, start)


def _offer_others(shared: Resources, comparison: Comparison, asked: set[str]) -> None:
    arms = [arm.arm() for arm in shared.playground.settings.goal(comparison.prompt.goal).arms]
    names = labels(arms)
    others = [arm for arm in arms if arm.id not in asked]
    if not others or comparison.prompt.messages is None:
        return
    with st.container(horizontal=True, horizontal_alignment="center", key="others"):
        for arm in others:
            st.button(
                f"Ask {names[arm.id]} too",
                key=f"ask-{arm.id}",
                on_click=partial(_call, shared, comparison, arm.id, "a person asked for it too"),
            )


def _readable(text: str, blind: bool) -> str:
    if blind and text.startswith("[simulated "):  # the label would tell which model it is
        text = "[simulated]" + text.partition("]")[2]
    return model_text(text)
