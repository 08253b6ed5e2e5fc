"""What happened, and what did I think of it? Every prompt in the store: find, read, rate, export, delete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import streamlit as st

from pages.answers import show_answers
from pages.decisions import show_decisions
from pages.resources import Resources, resources
from pages.shown import ROUTER_NAMES, dollars, labels
from pages.traffic import offer_traffic
from router_core.analytics import choices, extent
from router_core.errors import RouterError
from router_core.features import message_text
from router_core.history import FORMATS, MOST_EXPORTED, exported
from router_core.store.base import Comparison, Search

_PAGE = 50
_ANY = "any"
_RATED = {"any": None, "rated": True, "not rated": False}


def _search(shared: Resources) -> Search:
    """The filters; they live in the address."""
    found = choices(shared.playground.store)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="history-filters"):
        text = st.text_input("Search the prompts", key="search", bind="query-params", width=260)
        goal = st.selectbox("Goal", [_ANY, *found["goal"]], key="of-goal", bind="query-params", width=140)
        policy = st.selectbox(
            "Router",
            [_ANY, *[name for name in ROUTER_NAMES if name in found["policy"]]],
            key="router",
            bind="query-params",
            width=160,
            format_func=lambda name: ROUTER_NAMES.get(name, name),
        )
        arm = st.selectbox("Model", [_ANY, *found["arm"]], key="model", bind="query-params", width=190)
        rated = st.selectbox("Rated", list(_RATED), key="rated", bind="query-params", width=130)
        days = st.date_input("Days", (), key="days", width=230)
    since = until = None
    if isinstance(days, tuple) and days:
        since = datetime.combine(days[0], time(), UTC)
        until = datetime.combine(days[-1], time(), UTC) + timedelta(days=1)
    chosen = [None if value == _ANY else value for value in (goal, policy, arm)]
    return Search(text.strip(), chosen[0], None, chosen[1], chosen[2], _RATED[rated], since, until)


def _row(comparison: Comparison, names: dict[str, str]) -> dict[str, Any]:
    decided = {one.policy: names.get(one.chosen, one.chosen) for one in comparison.decisions}
    costs = [one.cost_usd for one in comparison.completions] + [
        one.decision_cost_usd for one in comparison.decisions
    ]
    thumbs = [one.reward for one in comparison.outcomes if one.source == "thumb" and one.reward is not None]
    messages = comparison.prompt.messages
    text = message_text(messages[-1]) if messages else "(text not kept)"
    known = sum((cost for cost in costs if cost is not None), Decimal(0))
    return {
        "Time": comparison.prompt.created_at,
        "Prompt": " ".join(text.split())[:160],
        **{label: decided.get(policy, "") for policy, label in ROUTER_NAMES.items()},
        "Answers": sum(one.error is None for one in comparison.completions),
        "Cost": "price unknown" if None in costs else dollars(known),
        "Rated": " ".join("👍" if one == 1 else "👎" if one == 0 else "½" for one in thumbs),
    }


def _table(shared: Resources, found: Sequence[Comparison]) -> list[Comparison]:
    """The table; the rows that are selected."""
    goals = shared.playground.settings.goals.values()
    names = labels(list({arm.id: arm.arm() for goal in goals for arm in goal.arms}.values()))
    picked = st.dataframe(
        [_row(one, names) for one in found],
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        key="history-table",
        column_config={
            "Time": st.column_config.DatetimeColumn(format="D MMM, HH:mm:ss", width=130),
            "Prompt": st.column_config.TextColumn(width=330),
            **{label: st.column_config.TextColumn(width=110) for label in ROUTER_NAMES.values()},
            "Answers": st.column_config.NumberColumn(width=70),
        },
        alt="Prompts found, newest first, with what each router chose, cost and ratings.",
    )
    rows: list[int] = picked["selection"]["rows"]
    return [found[row] for row in rows if row < len(found)]


def _pages(shared: Resources, search: Search) -> Sequence[Comparison]:
    """One page of what is found, and the buttons to turn it."""
    store = shared.playground.store
    total = store.count(search)
    last = max(0, (total - 1) // _PAGE)
    number = min(st.session_state.get("page-number", 0), last)
    with st.container(horizontal=True, vertical_alignment="center", key="pages"):
        first = number * _PAGE + 1 if total else 0
        st.markdown(f"**{first:,} to {min(total, (number + 1) * _PAGE):,} of {total:,}**")
        for label, target, icon in (
            ("Newer", number - 1, ":material/chevron_left:"),
            ("Older", number + 1, ":material/chevron_right:"),
        ):
            st.button(
                label,
                key=f"page-{label}",
                icon=icon,
                type="tertiary",
                disabled=not 0 <= target <= last,
                on_click=lambda target=target: st.session_state.update({"page-number": target}),
            )
        _exports(shared, search, total)
        _erasing(shared, search, total)
    return store.find(search, _PAGE, number * _PAGE)


def _exports(shared: Resources, search: Search, total: int) -> None:
    store = shared.playground.store
    with st.popover("Export", icon=":material/download:", type="tertiary", key="history-export"):
        st.caption(f"{min(total, MOST_EXPORTED):,} prompts as filtered, one row per decision.")
        for kind in FORMATS:
            st.download_button(
                kind.upper(),
                data=lambda kind=kind: exported(store, search, kind),
                file_name=f"router-history.{kind}",
                key=f"export-{kind}",
                disabled=total == 0,
                on_click="ignore",
            )


def _erasing(shared: Resources, search: Search, total: int) -> None:
    """Deleting asks first, in words that say what goes."""
    store = shared.playground.store
    with st.popover("Delete", icon=":material/delete:", type="tertiary", key="history-delete"):
        days = st.number_input("Older than, in days", 0, 3650, 90, key="older-than")
        old = Search(until=datetime.now(UTC) - timedelta(days=int(days)))
        held = store.count(old)
        st.caption(
            f"{held:,} prompts are older. Deleting takes their answers and ratings too, and what was learned from"
            " them. Keeping only fingerprints takes the texts; costs, ratings and learning stay."
        )
        sure = st.checkbox("I know that this cannot be undone", key="sure")
        if st.button("Keep only fingerprints", key="strip", disabled=not sure or not held):
            st.toast(f"The texts of {store.strip(old):,} prompts were removed.")
        if st.button("Delete them", key="erase", disabled=not sure or not held, type="primary"):
            st.toast(f"{store.erase(old):,} prompts were deleted.")


def _many(shared: Resources, chosen: Sequence[Comparison]) -> None:
    """What can be done with several rows at once."""
    answers = [one for comparison in chosen for one in comparison.completions if one.error is None]
    with st.container(horizontal=True, vertical_alignment="center", key="many"):
        st.markdown(f"**{len(chosen)} prompts selected, {len(answers)} answers**")
        for label, reward in (("All good", 1.0), ("All bad", 0.0), ("Withdraw ratings", None)):
            if st.button(label, key=f"many-{label}"):
                for answer in answers:
                    shared.playground.rate(answer.id, reward)
                st.rerun()


def _details(shared: Resources, comparison: Comparison) -> None:
    """Everything about one prompt; its answers can be rated here."""
    prompt = comparison.prompt
    with st.container(horizontal=True, vertical_alignment="center", key="details"):
        st.page_link(
            "playground.py",
            label="Open in the playground",
            icon=":material/open_in_new:",
            query_params={"comparison": prompt.id},
        )
        if st.button("Run again on today's settings", key="rerun", disabled=prompt.messages is None):
            assert prompt.messages is not None
            plan = shared.playground.compare(
                prompt.messages, prompt.goal, task_type=prompt.task_type, params=prompt.params
            )
            for call in plan.calls:
                shared.running.start(
                    call.completion_id,
                    lambda call=call: shared.playground.stream(plan.prompt, plan.messages, call),
                )
            st.session_state.setdefault("visit", []).append(plan.prompt.id)
            st.switch_page("playground.py", query_params={"prompt": plan.prompt.id})
        with st.popover("Delete this prompt", type="tertiary", key="delete-one"):
            st.caption("Its answers and ratings go too, and what was learned from them. This cannot be undone.")
            if st.button("Delete it", key="erase-one", type="primary"):
                shared.playground.store.erase(Search(ids=(prompt.id,)))
                st.rerun()
    for message in prompt.messages or ():
        st.caption(str(message.get("role", "")))
        st.code(message_text(message), language=None, wrap_lines=True)
    if prompt.messages is None:
        st.caption(f"The text was not kept; its fingerprint is {prompt.sha256[:16]}.")
    show_decisions(shared, comparison)
    show_answers(shared, comparison)
    _changes(shared, comparison)


def _changes(shared: Resources, comparison: Comparison) -> None:
    """What was said about the answers, corrections included."""
    arms = {one.id: one.arm for one in comparison.completions}
    said = [(arms[id_], record) for id_ in arms for record in shared.playground.store.outcome_history(id_)]
    if not said:
        return
    with st.expander(f"Everything said about these answers ({len(said)})", key="changes"):
        st.table(
            {
                "Time": [f"{record.created_at:%Y-%m-%d %H:%M:%S}" for _, record in said],
                "Model": [arm for arm, _ in said],
                "Source": [record.source for _, record in said],
                "Good": ["withdrawn" if r.reward is None else f"{r.reward:.0%}" for _, r in said],
                "Reasons": [", ".join([*r.chips, *([r.comment] if r.comment else [])]) for _, r in said],
                "Blind": ["yes" if record.blinded else "" for _, record in said],
            }
        )


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    try:
        if not extent(shared.playground.store).prompts:
            offer_traffic(shared, "Here you will find every prompt again.", st.session_state["goal"])
            return
        search = _search(shared)
        found = _pages(shared, search)
        if not found:
            st.info("Nothing found; change the filters.")
            return
        chosen = _table(shared, found)
        if len(chosen) > 1:
            _many(shared, chosen)
        elif chosen:
            _details(shared, chosen[0])
        else:
            st.caption("Select a row to read it and to rate its answers; select several to rate them at once.")
    except RouterError as error:
        st.error(str(error), icon=":material/error:")


page()
