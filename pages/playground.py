"""Which router would I trust with my prompts? One prompt, every router, every answer rated."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import streamlit as st

from pages.answers import show_answers
from pages.decisions import show_decisions
from pages.examples import EXAMPLES, TASK_TYPES
from pages.formatting import escaped, shortened
from pages.learned import show_learned
from pages.resources import Resources, resources
from router_core.errors import RouterError
from router_core.features import message_text
from router_core.registry import POLICIES
from router_core.serving.playground import Plan
from router_core.store.base import Comparison
from router_core.types import Message


def _take_example() -> None:
    chosen = st.session_state["example"]
    example = next((one for one in EXAMPLES if one.name == chosen), None)
    if example is not None:
        st.session_state["prompt"] = example.text
        st.session_state["task_type"] = example.task_type or TASK_TYPES[0]
    st.session_state["example"] = None  # a pill is a shortcut, not a state: it can be taken again


def _form(notes: _Notes) -> tuple[list[Message], dict[str, Any]]:
    """What there is to ask, and how: the messages and the options of ``Playground.compare``."""
    st.pills("Examples", [one.name for one in EXAMPLES], key="example", on_change=_take_example)
    with st.form("ask", border=False):
        text = st.text_area(
            "Prompt",
            key="prompt",
            height=144,
            placeholder="Type a prompt, or take one of the examples above. Ctrl+Enter sends.",
            persist_state="session",
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="options"):
            task_type = st.selectbox("Task type", TASK_TYPES, key="task_type", width=170, persist_state="session")
            with st.popover("Options", key="more"):
                system = st.text_area("System prompt", key="system", height=80, persist_state="session")
                temperature = st.number_input(
                    "Temperature",
                    0.0,
                    2.0,
                    value=None,
                    step=0.1,
                    key="temperature",
                    placeholder="the model's own",
                    persist_state="session",
                )
                limit = st.number_input(
                    "Longest answer, in tokens",
                    16,
                    32_000,
                    value=None,
                    step=64,
                    key="limit",
                    placeholder="no limit",
                    persist_state="session",
                )
            blind = st.toggle(
                "Blind",
                key="blind",
                help="Names, order and cost are hidden until you have rated.",
                persist_state="session",
            )
            run_all = st.toggle(
                "Also run models nobody chose",
                key="run_all",
                help="Two answers to one prompt are paired evidence, the strongest there is.",
                bind="query-params",
                persist_state="session",
            )
            st.form_submit_button("Compare", type="primary", key="send", on_click=notes.note)
    messages: list[Message] = [{"role": "user", "content": text or ""}]
    if (system or "").strip():
        messages.insert(0, {"role": "system", "content": system})
    params = {"temperature": temperature, "max_tokens": limit}
    return messages, {
        "task_type": None if task_type == TASK_TYPES[0] else task_type,
        "params": {name: value for name, value in params.items() if value is not None},
        "blind": blind,
        "run_all": run_all,
    }


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


def _ask(shared: Resources, goal: str) -> None:
    """The form; what it sends is decided, stored and started before the rest of the page is drawn."""
    notes = _notes()
    messages, options = _form(notes)
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
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")
    notes.deciding = None


def _current(shared: Resources) -> Comparison | None:
    """The comparison just sent, else the one that the address names, else this visit's last; with its messages
    where they are known.
    """  # fmt: skip
    notes, visited = _notes(), st.session_state.get("visit", [])
    named = st.query_params.get("prompt") or st.query_params.get("comparison")
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
        return None
    if found.prompt.messages is None:
        known = st.session_state.get("messages", {}).get(prompt_id)
        found = replace(found, prompt=replace(found.prompt, messages=known))
    return found


def _asked(current: Comparison) -> None:
    """The prompt decided on, where the form does not hold it: after a reload, by a link, on the way back."""
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
        show_decisions(shared, current)
        show_answers(shared, current)
        show_learned(shared, current.prompt.goal, current)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
