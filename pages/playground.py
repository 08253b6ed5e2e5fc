"""Which router would I trust with my prompts? One prompt, three routers, every answer rated."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from pages.answers import show_answers
from pages.decisions import show_decisions
from pages.examples import EXAMPLES, TASK_TYPES
from pages.learned import show_learned
from pages.resources import Resources, resources
from router_core.comparison import Plan
from router_core.errors import RouterError
from router_core.store.base import Comparison
from router_core.types import Message


def _take_example() -> None:
    chosen = st.session_state["example"]
    example = next((one for one in EXAMPLES if one.name == chosen), None)
    if example is not None:
        st.session_state["prompt"] = example.text
        st.session_state["task_type"] = example.task_type or TASK_TYPES[0]
    st.session_state["example"] = None  # a pill is a shortcut, not a state: it can be taken again


def _ask(shared: Resources, goal: str) -> None:
    """The form; what it sends is decided, stored and started before the rest of the page is drawn."""
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
            sent = st.form_submit_button("Compare", type="primary", key="send")
    if not sent:
        return
    messages: list[Message] = [{"role": "user", "content": text or ""}]
    if (system or "").strip():
        messages.insert(0, {"role": "system", "content": system})
    params: dict[str, float | int] = {}
    if temperature is not None:
        params["temperature"] = temperature
    if limit:
        params["max_tokens"] = int(limit)
    with st.spinner("The routers decide ..."):
        try:
            plan = shared.playground.compare(
                messages,
                goal,
                task_type=None if task_type == TASK_TYPES[0] else task_type,
                params=params,
                blind=blind,
                run_all=run_all,
            )
        except RouterError as error:
            st.error(str(error), icon=":material/error:")
            return
    _start(shared, plan)


def _start(shared: Resources, plan: Plan) -> None:
    st.session_state.setdefault("visit", []).append(plan.prompt.id)
    st.session_state.setdefault("messages", {})[plan.prompt.id] = plan.messages
    st.session_state.pop("moved", None)
    for call in plan.calls:
        start = partial(shared.playground.stream, plan.prompt, plan.messages, call)
        shared.running.start(call.completion_id, start)
    st.query_params["prompt"] = plan.prompt.id


def _current(shared: Resources) -> Comparison | None:
    """The comparison that the address names, else this visit's last, with its messages where they are known."""
    named = st.query_params.get("prompt") or st.query_params.get("comparison")
    visited = st.session_state.get("visit", [])
    prompt_id = named or (visited[-1] if visited else None)
    if not prompt_id:
        return None
    found = shared.playground.store.comparison(prompt_id)
    if found is None:
        if named:
            st.warning(f"The prompt {prompt_id!r} in the address is not in this store; compare a new one.")
        return None
    if not named:  # back from another page
        st.query_params["prompt"] = prompt_id
    if found.prompt.messages is None:
        known = st.session_state.get("messages", {}).get(prompt_id)
        found = replace(found, prompt=replace(found.prompt, messages=known))
    return found


def _nothing_yet() -> None:
    with st.container(border=True, key="empty"):
        st.markdown("**Send a prompt to see three routers decide on it.**")
        st.markdown(
            "- **Rules** add up points for what can be seen in the prompt.\n"
            "- **Classifier** asks a cheap model whether the prompt is simple or complex.\n"
            "- **Thompson sampling** learns from your thumbs which model is the better buy."
        )
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
        show_decisions(shared, current)
        show_answers(shared, current)
        show_learned(shared, current.prompt.goal, current)
    except RouterError as error:
        st.error(str(error), icon=":material/error:")


page()
