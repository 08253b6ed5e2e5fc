"""Everything about one prompt: its text, decisions and answers, what each step cost, and what was said of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from pages.answers import show_answers
from pages.decisions import hidden, show_decisions
from pages.formatting import dollars, duration, escaped, labels, model_text
from pages.popovers import close, popover
from pages.resources import Resources
from router_core.arm_names import with_names
from router_core.features import message_text
from router_core.money.known import spent_on
from router_core.registry import LABELS
from router_core.store.base import Comparison, Search
from router_core.types import CONTINUED, Completion


def arm_names(shared: Resources) -> dict[str, str]:
    """Arm id -> its short name, for all models of all goals."""
    goals = shared.playground.settings.goals.values()
    return labels(list({arm.id: arm.arm() for goal in goals for arm in goal.arms}.values()))


def show_record(shared: Resources, comparison: Comparison) -> None:
    """The whole of it; its answers can be rated here."""
    prompt = comparison.prompt
    known = prompt.goal in shared.playground.settings.goals
    _tools(shared, comparison, known)
    st.caption(
        f"{prompt.created_at:%Y-%m-%d %H:%M:%S} UTC · {escaped(prompt.goal)} · {escaped(prompt.origin)}"
        + (f" · {escaped(prompt.task_type)}" if prompt.task_type else "")
        + (" · blind" if prompt.blind else "")
        + (" · every model was asked" if prompt.run_all else "")
        + f" · [link to this](history?{urlencode({'id': prompt.id})})"
    )
    for kept in (one for one in comparison.decisions if one.origin == CONTINUED):
        st.caption(f"No router decided: {escaped(with_names(kept.reason.summary, arm_names(shared)))}.")
    if prompt.metadata:
        st.caption("  \n".join(escaped(f"{name} = {value}") for name, value in prompt.metadata.items()))
    for message in prompt.messages or ():
        st.caption(escaped(str(message.get("role", ""))))
        st.code(message_text(message), language=None, wrap_lines=True)
    if prompt.messages is None:
        st.caption(f"The text was not kept; its fingerprint is {prompt.sha256[:16]}.")
    shown: set[str] = set()
    if known:
        show_decisions(shared, comparison)
        shown = {call.completion_id for call in shared.playground.calls_of(comparison)}
        if shown:
            show_answers(shared, comparison)
        if hidden(shared, comparison):
            st.caption("What it cost and what was said of it is shown once every answer is rated.")
            return
    else:
        st.info(f"The use case {escaped(prompt.goal)} is no longer set up; what happened in it is below.")
    _other_answers([one for one in comparison.completions if one.id not in shown], arm_names(shared))
    _costs(comparison, arm_names(shared))
    _changes(shared, comparison)


def _tools(shared: Resources, comparison: Comparison, known: bool) -> None:
    prompt = comparison.prompt
    with st.container(horizontal=True, vertical_alignment="center", key="details"):
        if known:
            st.page_link(
                "playground.py",
                label="Open in Try",
                icon=":material/open_in_new:",
                query_params={"comparison": prompt.id},
            )
            if st.button("Run again on today's settings", key="rerun", disabled=prompt.messages is None):
                _run_again(shared, comparison)
        with popover("Delete this prompt", type="tertiary", key="delete-one"):
            st.caption("Its answers and ratings go too, and what was learned from them. This cannot be undone.")
            if st.button("Delete it", key="erase-one", type="primary"):
                shared.playground.store.erase(Search(ids=(prompt.id,)))
                close()
                st.rerun()
            st.caption("Or only its texts: figures, ratings and learning stay.")
            if st.button("Delete texts, keep statistics", key="strip-one", disabled=prompt.messages is None):
                shared.playground.store.strip(Search(ids=(prompt.id,)))
                close()
                st.rerun()


def _run_again(shared: Resources, comparison: Comparison) -> None:
    """The same messages, decided and answered anew; shown on the page Try."""
    prompt = comparison.prompt
    assert prompt.messages is not None
    playground = shared.playground
    plan = playground.compare(
        prompt.messages, prompt.goal, task_type=prompt.task_type, params=prompt.params, blind=prompt.blind
    )
    for call in plan.calls:
        shared.running.start(call.completion_id, partial(playground.stream, plan.prompt, plan.messages, call))
    st.session_state.setdefault("visit", []).append(plan.prompt.id)
    st.switch_page("playground.py", query_params={"prompt": plan.prompt.id})


def _other_answers(others: list[Completion], names: Mapping[str, str]) -> None:
    """Answers to the same prompt that were asked for again later."""
    if not others:
        return
    with st.expander(f"Other answers ({len(others)})", key="other-answers"):
        for one in others:
            st.markdown(f"**{escaped(names.get(one.arm, one.arm))}** :small[{one.created_at:%H:%M:%S} UTC]")
            if one.error is not None:
                st.caption(escaped(one.error))
            elif one.text is None:
                st.caption("The text was not kept.")
            else:
                st.markdown(model_text(one.text))


def _costs(comparison: Comparison, names: Mapping[str, str]) -> None:
    """A line per decision and per call, and their sum; an unknown price stays unknown."""
    rows: list[tuple[str, str, str, str, Decimal | None]] = []
    for decision in comparison.decisions:
        if decision.policy in LABELS:
            what = f"{LABELS[decision.policy]} decided{', from memory' if decision.cached else ''}"
            rows.append((what, "", "", duration(decision.decision_ms), decision.decision_cost_usd))
    for one in comparison.completions:
        what = f"{names.get(one.arm, one.arm)} {'answered' if one.error is None else 'failed'}"
        tokens, price = "", ""
        if one.usage is not None:
            cached = f" ({one.usage.cached_tokens:,} cached)" if one.usage.cached_tokens else ""
            guess = "~" if one.usage.estimated else ""
            tokens = f"{guess}{one.usage.input_tokens:,}{cached} + {one.usage.output_tokens:,}"
        if one.price is not None:
            rates = (one.price.input_usd_per_million_tokens, one.price.output_usd_per_million_tokens)
            price = " / ".join(f"${rate.normalize():f}" for rate in rates)
        if one.unpriced_retries:
            what += ", after failed tries of unknown cost"
        if one.waited_ms >= 1:
            what += f", after {duration(one.waited_ms)} of waiting for its turn"
        rows.append((what, tokens, price, duration(one.total_ms), one.cost_usd))
    known, unknown = spent_on(comparison)
    total = dollars(known) + (f" and {unknown} of unknown price" if unknown else "")
    with st.expander(f"What it cost: {escaped(total)}", key="cost-lines"):
        st.table(
            {
                "Step": [escaped(row[0]) for row in rows],
                "Tokens in + out": [escaped(row[1]) for row in rows],
                "Price per million": [escaped(row[2]) for row in rows],
                "Time": [row[3] for row in rows],
                "Cost": ["free" if row[4] == 0 else escaped(dollars(row[4])) for row in rows],
            }
        )


def _changes(shared: Resources, comparison: Comparison) -> None:
    """What was said about the answers, corrections included."""
    names = arm_names(shared)
    arms = {one.id: one.arm for one in comparison.completions}
    said = [(arms[id_], record) for id_ in arms for record in shared.playground.store.outcome_history(id_)]
    if not said:
        return
    said.sort(key=lambda one: one[1].created_at)
    with st.expander(f"Everything said about these answers ({len(said)})", key="changes"):
        st.table(
            {
                "Time": [f"{record.created_at:%Y-%m-%d %H:%M:%S}" for _, record in said],
                "Model": [escaped(names.get(arm, arm)) for arm, _ in said],
                "Source": [escaped(record.source) for _, record in said],
                "Good": ["withdrawn" if r.reward is None else f"{r.reward:.0%}" for _, r in said],
                "Reasons": [escaped(", ".join([*r.chips, *([r.comment] if r.comment else [])])) for _, r in said],
                "Blind": ["yes" if record.blinded else "" for _, record in said],
            }
        )
