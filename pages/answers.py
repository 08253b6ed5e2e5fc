"""One column per model that answered: the text as it comes, what it cost, and asking again.

Of a blind prompt all answers are shown together, when the last is there: the order and the speed in which they
come would name the models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from string import ascii_uppercase

import streamlit as st

from pages.decisions import hidden
from pages.formatting import badge, dollars, duration, escaped, labels, model_text
from pages.prompt_form import continue_from
from pages.ratings import show_thumbs, show_verdict
from pages.resources import Resources
from router_core.errors import RouterError
from router_core.registry import POLICIES
from router_core.sampling import uniform
from router_core.serving.playground import PlannedCall
from router_core.serving.running import Running
from router_core.store.base import Comparison
from router_core.types import NO_REASON, STOPPED, Completion, OutcomeRecord
from router_core.views.word_changes import word_changes

_REFRESH_S = 0.12  # each refresh sends the whole text again
_WORTH_SAYING_MS = 1.0
_FAILED = "This model did not answer. Why is shown once you have rated."


def show_answers(shared: Resources, comparison: Comparison) -> None:
    """All columns, then the verdicts on several answers at once."""
    if _under_way(shared, comparison):
        _watch(shared, comparison)
    else:
        asked = {decision.completion_id for decision in comparison.decisions}
        if not asked <= {completion.id for completion in comparison.completions}:  # it was read before the end
            comparison = _reread(shared, comparison)
        with st.container():  # a fragment makes one too: of the same shape, one takes the other's place
            _columns(shared, comparison, frozenset())


@st.fragment(run_every=_REFRESH_S)
def _watch(shared: Resources, comparison: Comparison) -> None:
    """The answers as they come. Every look is a short run of its own: clicks never wait, and what an earlier
    prompt left on the page is gone after the first.
    """  # fmt: skip
    under_way = _under_way(shared, comparison)
    if not under_way:
        st.rerun()
    _columns(shared, _reread(shared, comparison), under_way)


def _under_way(shared: Resources, comparison: Comparison) -> frozenset[str]:
    """The ids of the answers that are still coming.

    An answer is stored before its call ends. So this is asked *before* the store is read: an answer that is
    neither here nor in what is read afterwards will never come. Asked in the other order, one that ends in between
    would look lost.
    """
    ids = (decision.completion_id for decision in comparison.decisions)
    return frozenset(id_ for id_ in ids if (call := shared.running.get(id_)) is not None and not call.ended)


def _reread(shared: Resources, comparison: Comparison) -> Comparison:
    """The comparison with the answers that have been stored since."""
    found = shared.playground.store.comparison(comparison.prompt.id)
    return comparison if found is None else replace(found, prompt=comparison.prompt)


def _columns(shared: Resources, comparison: Comparison, under_way: frozenset[str]) -> None:
    busy = bool(under_way)
    calls = list(shared.playground.calls_of(comparison))
    blind = hidden(shared, comparison)
    if comparison.prompt.blind:  # in this order for good: an answer must not move when its name is shown
        calls.sort(key=lambda call: uniform(0, f"{comparison.prompt.id}|{call.arm.id}"))
    stored = {completion.id: completion for completion in comparison.completions}
    thumbs = {one.completion_id: one for one in comparison.outcomes if one.source == "thumb"}
    letters = {call.completion_id: ascii_uppercase[place % 26] for place, call in enumerate(calls)}
    columns = st.container(key="answers").columns(len(calls), gap="small")
    for place, (column, call) in enumerate(zip(columns, calls, strict=True)):
        with column.container(border=True, height="stretch", key=f"answer-{place}"):
            _title(shared, comparison, call, letters[call.completion_id], blind)
            running = shared.running.get(call.completion_id)
            completion = stored.get(call.completion_id)
            if blind and busy:
                st.skeleton(height=60)
            elif completion is not None:
                _finished(shared, comparison, call, completion, thumbs.get(call.completion_id), busy, blind)
            elif running is not None and call.completion_id in under_way:
                _live(running, place)
            else:
                _broken(shared, comparison, call, running, blind)
    if blind and busy:
        _wait(shared, under_way)
        return
    answered = {letters[call.completion_id]: stored.get(call.completion_id) for call in calls}
    rateable = {letter: one for letter, one in answered.items() if one is not None and one.error is None}
    if len(rateable) > 1:
        show_verdict(shared, comparison, rateable, thumbs, busy)
    if len(rateable) == 2 and not busy and st.session_state.get("differences"):
        _differences(shared, rateable, blind)
    problem = st.session_state.pop("problem", None)
    if problem:
        st.error(escaped(problem), icon=":material/error:")
    if not busy and not blind:
        _offer_others(shared, comparison, {call.arm.id for call in calls})


def _title(shared: Resources, comparison: Comparison, call: PlannedCall, letter: str, blind: bool) -> None:
    if blind:
        st.header(f"**Answer {letter}**", anchor=False)
        return
    arms = [arm.arm() for arm in shared.playground.settings.goal(comparison.prompt.goal).arms]
    index = next((place for place, arm in enumerate(arms) if arm.id == call.arm.id), None)
    name = labels(arms).get(call.arm.id, call.arm.id)
    by = ", ".join(POLICIES[name].short_label for name in call.chosen_by)
    chosen = f"chosen by {by}" if by else "chosen by no router"
    gone = ", no longer in the settings" if index is None else ""
    st.header(f"**{letter}** {badge(name, index)} :small[:gray[{chosen}{gone}]]", anchor=False)


def _wait(shared: Resources, under_way: frozenset[str]) -> None:
    """Of a blind prompt whose answers are still coming: one button that stops all of them."""
    calls = [call for id_ in sorted(under_way) if (call := shared.running.get(id_)) is not None]
    with st.container(horizontal=True, vertical_alignment="center", key="blind-wait"):
        st.caption("The answers are shown together, once all of them are there.", width="content")
        st.button(
            "Stop",
            key="stop-all",
            on_click=lambda: [call.stop() for call in calls],
            icon=":material/stop_circle:",
            type="tertiary",
            disabled=all(call.stopping for call in calls),
        )


def _live(running: Running, place: int) -> None:
    if running.text:
        st.markdown(model_text(running.text) + " ▌")
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
    text = _text(shared, completion)
    if completion.error is not None:
        if text:
            st.markdown(readable(text, blind))
        st.error(_FAILED if blind else escaped(completion.error), icon=":material/error:")
        if text:
            _figures(completion, blind)
        _again(shared, comparison, call, "Retry", "the first call failed", busy)
        return
    if text:
        st.markdown(readable(text, blind))
    elif completion.text is None:
        st.caption("The text was not kept (privacy.keep_texts is hash).")
    else:
        held_back = completion.finish_reason == "content_filter" and not blind
        why = "the provider's content filter held it back" if held_back else ""
        st.info(f"The model answered with nothing{': ' + why if why else ''}.")
    _figures(completion, blind)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key=f"tools-{completion.id}"):
        show_thumbs(shared, comparison, completion, thumb, busy)
        if text:
            with st.popover("Copy", icon=":material/content_copy:", type="tertiary", key=f"copy-{completion.id}"):
                st.code(_unlabelled(text) if blind else text, language=None, wrap_lines=True)
        _again(shared, comparison, call, "Again", "a person asked for another answer", busy)
        if text and not blind and comparison.prompt.messages is not None:
            st.button(
                "Reply",
                key=f"reply-{completion.id}",
                type="tertiary",
                icon=":material/reply:",
                disabled=busy,
                help="Continue the conversation from this answer.",
                on_click=partial(continue_from, comparison.prompt.messages, text),
            )


def _differences(shared: Resources, answers: Mapping[str, Completion], blind: bool) -> None:
    """What only one of two answers says."""
    (one, first), (other, second) = ((letter, _text(shared, answer)) for letter, answer in answers.items())
    if not first or not second:
        return
    if blind:
        first, second = _unlabelled(first), _unlabelled(second)
    marks = {"both": "{}", "first": "~~{}~~", "second": "**{}**"}
    with st.container(border=True, key="differences-shown"):
        st.caption(f"Only in {one}: ~~struck through~~. Only in {other}: **bold**.")
        st.markdown(" ".join(marks[where].format(escaped(text)) for where, text in word_changes(first, second)))


def _text(shared: Resources, completion: Completion) -> str | None:
    """What the model said; where texts are not kept, for as long as the process remembers."""
    if completion.text is not None:
        return completion.text
    running = shared.running.get(completion.id)
    return running.text if running else None


def _figures(completion: Completion, blind: bool) -> None:
    notes = {
        "length": "cut off at the token limit",
        STOPPED: "stopped",
        "content_filter": "filtered",
        NO_REASON: "the provider gave no finish reason",
    }
    note = notes.get(completion.finish_reason or "")
    if blind:
        cut = completion.finish_reason in (
            "length",
            STOPPED,
        )  # not how: a reason that one provider alone has names it
        st.caption(f"{'Cut off. ' if cut else ''}Cost and time are hidden until you have rated.")
        return
    usage = completion.usage
    parts = [escaped(dollars(completion.cost_usd, bool(usage and usage.estimated)))]
    if completion.waited_ms >= _WORTH_SAYING_MS:
        parts.append(f"waited {duration(completion.waited_ms)} for its turn")
    if completion.first_token_ms is not None:
        parts.append(f"first word {duration(completion.first_token_ms)}")
    parts.append(f"total {duration(completion.total_ms)}")
    if usage is not None:
        about = "~" if usage.estimated else ""
        parts.append(f"{about}{usage.input_tokens:,} tokens in, {about}{usage.output_tokens:,} out")
    if completion.retries:
        parts.append(f"{completion.retries} failed tr{'y' if completion.retries == 1 else 'ies'} before")
    st.caption(" · ".join([*parts, note] if note else parts))


def _broken(
    shared: Resources, comparison: Comparison, call: PlannedCall, running: Running | None, blind: bool
) -> None:
    """An answer that never came to its end: the app was restarted, or Stop did not wait for the provider."""
    if running is not None and running.text:
        st.markdown(readable(running.text, blind))
    if running is not None and running.stopping and not blind:
        st.info("Stopped. The model had nothing more to say by then.")
    else:
        why = running.error if running is not None and running.error else "this answer was never finished"
        st.error(_FAILED if blind else f"No answer: {escaped(why)}", icon=":material/error:")
    _again(shared, comparison, call, "Retry", "the first call was never finished", False)


def _again(shared: Resources, comparison: Comparison, call: PlannedCall, label: str, why: str, busy: bool) -> None:
    st.button(
        label,
        key=f"again-{call.completion_id}",
        type="tertiary",
        icon=":material/refresh:",
        disabled=busy or comparison.prompt.messages is None or not _has(shared, comparison, call.arm.id),
        on_click=partial(_call, shared, comparison, call.arm.id, why),
    )


def _has(shared: Resources, comparison: Comparison, arm_id: str) -> bool:
    """Whether the goal still has this model."""
    return arm_id in {arm.id for arm in shared.playground.settings.goal(comparison.prompt.goal).arms}


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
                f"Ask {escaped(names[arm.id])} too",
                key=f"ask-{arm.id}",
                on_click=partial(_call, shared, comparison, arm.id, "a person asked for it too"),
            )


def readable(text: str, blind: bool) -> str:
    """A model's text as it is shown; ``blind``: without what would name the model."""
    return model_text(_unlabelled(text) if blind else text)


def _unlabelled(text: str) -> str:
    """Without the label of a simulated answer, which would tell the model."""
    return "[simulated]" + text.partition("]")[2] if text.startswith("[simulated ") else text
