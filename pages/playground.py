"""Which router would I trust with my prompts? One prompt, every router, every answer rated."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

from pages.answers import show_answers
from pages.decisions import show_decisions
from pages.formatting import dollars, escaped, shortened
from pages.learned import show_learned
from pages.mode import offer_other_store
from pages.prompt_form import fill_from, is_sent, offer_prompt, prompt_form, to_be_filled
from pages.resources import Resources, resources
from router_core.errors import RouterError
from router_core.features import context, message_text
from router_core.registry import POLICIES
from router_core.serving.playground import Plan
from router_core.store.base import Comparison
from router_core.types import Message


@dataclass
class _Notes:
    """What one run of this page leaves to the next: a click ends a run early, wherever it is."""

    asked: bool = False
    deciding: Future[Plan] | None = None
    sent: str | None = None

    def note(self) -> None:
        """A prompt was sent. Called back: looks at no state of the session, where a further click would end it."""
        self.asked = True


def _notes() -> _Notes:
    notes: _Notes = st.session_state.setdefault("notes", _Notes())
    return notes


@st.cache_resource(show_spinner=False)
def _deciders() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(32, "deciding")


def _begin(shared: Resources, goal: str, messages: list[Message], options: dict[str, Any]) -> Plan:
    """Decide, store, and start the calls; in a thread of its own, for runs of the page come and go."""
    plan = shared.playground.compare(messages, goal, **options)
    for call in plan.calls:
        start = partial(shared.playground.stream, plan.prompt, plan.messages, call)
        shared.running.start(call.completion_id, start)
    return plan


def _fill(shared: Resources) -> None:
    """Put the prompt that the address names into an empty form: after a reload, by a link, on the way back."""
    named = _named()
    if named and to_be_filled(named):
        found = shared.playground.store.comparison(named)
        if found is not None:
            fill_from(found.prompt)


def _named() -> str | None:
    """The id of the prompt that the address names."""
    return st.query_params.get("prompt") or st.query_params.get("comparison")


def _ask(shared: Resources, goal: str) -> None:
    """The form; what it sends is decided, stored and started before the rest of the page is drawn."""
    _fill(shared)
    notes = _notes()
    messages, options = prompt_form(notes.note)
    _estimate(shared, goal, messages, options)
    if notes.asked:
        deciders = _deciders()  # a click can end this run here; the next then still knows what was asked
        notes.asked, notes.deciding = False, deciders.submit(_begin, shared, goal, messages, options)
    if notes.deciding is None:
        return
    with st.spinner("The routers decide ..."):
        wait([notes.deciding])
    try:
        plan = notes.deciding.result()
        st.session_state.setdefault("visit", []).append(plan.prompt.id)
        st.session_state.setdefault("messages", {})[plan.prompt.id] = plan.messages
        notes.sent = plan.prompt.id
        is_sent(plan.prompt.id)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")
    notes.deciding = None


def _estimate(shared: Resources, goal: str, messages: list[Message], options: dict[str, Any]) -> None:
    """How long the prompt in the form is, and what an answer would cost; of a blind prompt its length alone."""
    if not message_text(messages[-1]).strip():
        st.caption("Tokens and the cost of an answer are estimated here while you type.")
        return
    seen = context(messages, goal, options["task_type"])
    if options["blind"]:
        st.caption(f"About {seen.input_tokens:,} tokens.")
        return
    expected = [one.expected_cost_usd for one in shared.playground.candidates(seen)]
    costs = sorted(cost for cost in expected if cost is not None)
    said = f"About {seen.input_tokens:,} tokens"
    if costs:
        said += f"; an answer costs {dollars(costs[0], True)}"
        said += f" to {dollars(costs[-1], True)}, depending on the model" if costs[-1] != costs[0] else ""
    if len(costs) < len(expected):
        missing = len(expected) - len(costs)
        said += f"; {missing} model{'s have' if missing > 1 else ' has'} no known price"
    st.caption(escaped(f"{said}."))


def _current(shared: Resources) -> Comparison | None:
    """The comparison just sent, else the one that the address names, else this visit's last; with its messages
    where they are known.
    """  # fmt: skip
    notes, visited = _notes(), st.session_state.get("visit", [])
    named = _named()
    prompt_id = notes.sent or named or (visited[-1] if visited else None)
    if not prompt_id:
        return None
    if prompt_id != named:
        st.query_params["prompt"] = prompt_id
    notes.sent = None
    found = st.session_state["fresh"].get(prompt_id) or shared.playground.store.comparison(prompt_id)
    if found is None:
        st.warning(
            f"The prompt {escaped(repr(prompt_id))} in the address is not in this store; compare a new one."
        )
        offer_other_store(shared, st.session_state["goal"])
        return None
    if found.prompt.messages is None:
        known = st.session_state.get("messages", {}).get(prompt_id)
        found = replace(found, prompt=replace(found.prompt, messages=known))
    return found


def _asked(current: Comparison) -> None:
    """The prompt decided on, where the form does not hold it: a conversation, or something else is typed there."""
    messages = current.prompt.messages
    if messages is None:
        st.caption("The text of this prompt was not kept.")
        return
    text = message_text(messages[-1])
    if text == st.session_state.get("prompt"):
        return
    with st.expander(f"**Prompt:** {escaped(shortened(text, 160))}", key="asked"):
        for message in messages:
            st.caption(escaped(str(message.get("role", ""))))
            st.code(message_text(message), language=None, wrap_lines=True)
        offer_prompt(current.prompt)


def _nothing_yet() -> None:
    with st.container(border=True, key="empty"):
        st.header("Send a prompt to see every router decide on it.", anchor=False)
        st.markdown("\n".join(f"- **{one.label}** {one.description}." for one in POLICIES.values()))
        st.caption("Each model that was chosen answers once. Rate the answers and watch what is learned from it.")


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    goal = st.session_state["goal"]
    _ask(shared, goal)
    current = _current(shared)
    if current is None:
        _nothing_yet()
        show_learned(shared, goal, None)
        return
    try:
        _asked(current)
        show_answers(shared, current)
        show_decisions(shared, current)
        show_learned(shared, current.prompt.goal, current)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
