"""Which answers are good? A queue; below it every prompt in the store: find, read, rate, export, delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar

import streamlit as st

from pages.address import Address
from pages.decisions import hidden
from pages.formatting import dollars, escaped
from pages.mode import offer_other_store
from pages.popovers import close, popover
from pages.rating_queue import next_screen, show_queue
from pages.record import arm_names, show_record
from pages.resources import Resources, resources
from pages.traffic import offer_traffic
from router_core.errors import RouterError
from router_core.exports.log import FORMATS, MOST_EXPORTED, exported
from router_core.features import message_text
from router_core.money.known import spent_on
from router_core.noted import pairs
from router_core.registry import LABELS, POLICIES
from router_core.store.base import PER, Comparison, Per, Search
from router_core.validation import short_hash
from router_core.views.filters import choices, extent

_PAGE = 50
_ANY = "any"
_RATED = {"any": None, "rated": True, "not rated": False}
_Read = TypeVar("_Read")


def _remembered(shared: Resources, name: str, which: object, read: Callable[[], _Read]) -> _Read:
    """What ``read`` gives, read again when the store has changed or something else is asked for.

    Kept for this visit alone and once per name: texts that were deleted are not held on to.
    """
    store = shared.playground.store
    asked = (store.location, store.revision, which)
    had: tuple[object, _Read] | None = st.session_state.get(f"history-{name}")
    if had is None or had[0] != asked:
        had = (asked, read())
        st.session_state[f"history-{name}"] = had
    return had[1]


def _search(shared: Resources) -> Search:
    """The filters; they live in the address."""
    found = _remembered(shared, "choices", None, lambda: choices(shared.playground.store))
    address = Address("rate")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", key="history-filters"):
        text = st.text_input("Search the prompts", key=address.text("search"), width=160)
        noted = st.text_input("Metadata", key=address.text("metadata"), width=110, placeholder="user=42")
        goal = address.one_of("Use case", "of-goal", found["goal"], 110, LABELS)
        policy = address.one_of(
            "Router", "router", [name for name in LABELS if name in found["policy"]], 150, LABELS
        )
        arm = address.one_of("Model", "model", found["arm"], 160, LABELS)
        rated = st.selectbox("Rated", list(_RATED), key=address.choice("rated", list(_RATED), _ANY), width=105)
        days = st.date_input("Days", (), key=address.days("days", ()), width=210)
    address.write()
    since = until = None
    if isinstance(days, tuple) and days:
        since = datetime.combine(days[0], time(), UTC)
        until = datetime.combine(days[-1], time(), UTC) + timedelta(days=1)
    return Search(text.strip(), goal, None, policy, arm, _RATED[rated], since, until, metadata=pairs(noted))


def _row(shared: Resources, comparison: Comparison, names: Mapping[str, str], hides: str) -> dict[str, Any]:
    blind = comparison.prompt.id == hides or (
        comparison.prompt.goal in shared.playground.settings.goals and hidden(shared, comparison)
    )
    decided = {
        one.policy: "hidden" if blind else names.get(one.chosen, one.chosen) for one in comparison.decisions
    }
    known, unknown = spent_on(comparison)
    thumbs = [one.reward for one in comparison.outcomes if one.source == "thumb" and one.reward is not None]
    messages = comparison.prompt.messages
    text = message_text(messages[-1]) if messages else "(text not kept)"
    return {
        "Time": comparison.prompt.created_at,
        "Prompt": " ".join(text.split())[:160],
        **{label: decided.get(policy, "") for policy, label in LABELS.items()},
        "Answers": sum(one.error is None for one in comparison.completions),
        "Cost": "hidden until rated" if blind else "price unknown" if unknown else dollars(known),
        "Rated": ", ".join("good" if one == 1 else "bad" if one == 0 else "tie" for one in thumbs),
    }


def _table(shared: Resources, found: Sequence[Comparison], hides: str) -> list[Comparison]:
    """The table; the rows that are selected. ``hides``: the prompt that is being rated blind.

    Rows are selected by place, so the key names the prompts shown: after turning the page, filtering or deleting,
    nothing is selected, instead of another prompt in the same place.
    """
    names = arm_names(shared)
    mark = short_hash(" ".join(one.prompt.id for one in found))
    with st.container(key="history-table"):
        picked = st.dataframe(
            [_row(shared, one, names, hides) for one in found],
            hide_index=True,
            on_select="rerun",
            selection_mode="multi-row",
            key=f"history-rows-{mark}",
            column_config={
                "Time": st.column_config.DatetimeColumn(format="D MMM, HH:mm:ss", width=118),
                "Prompt": st.column_config.TextColumn(width=210),
                **{one.label: st.column_config.TextColumn(one.short_label, width=88) for one in POLICIES.values()},
                "Answers": st.column_config.NumberColumn(width=62),
                "Cost": st.column_config.TextColumn(width=82, alignment="right"),
                "Rated": st.column_config.TextColumn(width=62),
            },
            alt="Prompts found, newest first, with what each router chose, cost and ratings.",
        )
    rows: list[int] = picked["selection"]["rows"]
    return [found[row] for row in rows if row < len(found)]


def _pages(shared: Resources, search: Search) -> Sequence[Comparison]:
    """One page of what is found, and the buttons to turn it."""
    store = shared.playground.store
    total = _remembered(shared, "total", search, lambda: store.count(search))
    last = max(0, (total - 1) // _PAGE)
    turned, of = st.session_state.get("page-number", (0, None))
    number = min(turned, last) if of == search else 0  # another search begins on its first page
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
                on_click=st.session_state.__setitem__,
                args=("page-number", (target, search)),
            )
        _exports(shared, search, total)
        _erasing(shared)
    return _remembered(shared, "page", (search, number), lambda: store.find(search, _PAGE, number * _PAGE))


def _exports(shared: Resources, search: Search, total: int) -> None:
    store = shared.playground.store
    with popover("Export", icon=":material/download:", type="tertiary", key="history-export"):
        st.caption(
            f"{min(total, MOST_EXPORTED):,} prompts as filtered, newest first. Decisions may share an answer: add"
            " costs up in rows per answer. In CSV, text that a spreadsheet would run begins with an apostrophe."
        )
        per: Per = st.segmented_control("A row per", PER, default="decision", key="export-per", required=True)
        for kind in FORMATS:
            st.download_button(
                kind.upper(),
                data=lambda kind=kind: exported(store, search, kind, per),
                file_name=f"router-history.{kind}",
                key=f"export-{kind}",
                disabled=total == 0,
                on_click="ignore",
            )
        if total > MOST_EXPORTED:
            st.caption("The whole log in one file: `router-core export log.parquet`.")


def _erasing(shared: Resources) -> None:
    """Deleting asks first, in words that say what goes."""
    store = shared.playground.store
    with popover("Delete", icon=":material/delete:", type="tertiary", key="history-delete"):
        days = st.number_input("Older than, in days", 0, 3650, 90, key="older-than")
        old = Search(until=datetime.now(UTC) - timedelta(days=int(days)))
        held = store.count(old)
        st.caption(
            f"{held:,} prompts are older, whatever is filtered. Deleting takes their answers and ratings too, and"
            " what was learned from them. Deleting only the texts leaves costs, ratings and learning as they"
            " are."
        )
        sure = st.checkbox("I know that this cannot be undone", key="sure")
        if st.button("Delete texts, keep statistics", key="strip", disabled=not sure or not held):
            _done(f"The texts of {store.strip(old):,} prompts were removed.")
        if st.button("Delete them", key="erase", disabled=not sure or not held, type="primary"):
            _done(f"{store.erase(old):,} prompts were deleted.")
        st.page_link(
            "settings.py",
            label="Do this by itself after some days",
            icon=":material/schedule:",
            query_params={"tab": "Calls & privacy"},
        )


def _done(said: str) -> None:
    close()
    st.session_state["history-said"] = said
    st.rerun()


def _many(shared: Resources, chosen: Sequence[Comparison]) -> None:
    """What can be done with several rows at once."""
    answers = [one for comparison in chosen for one in comparison.completions if one.error is None]
    with st.container(horizontal=True, vertical_alignment="center", key="many"):
        st.markdown(f"**{len(chosen)} prompts selected, {len(answers)} answers**")
        for label, reward in (("All good", 1.0), ("All bad", 0.0), ("Withdraw ratings", None)):
            if st.button(label, key=f"many-{label}", disabled=not answers):
                for answer in answers:
                    shared.playground.rate(answer.id, reward)
                _done(f"{len(answers)} answers: {label.lower()}.")


def _one(shared: Resources, prompt_id: str) -> None:
    """The prompt that the address names, alone."""
    st.page_link("history.py", label="All prompts", icon=":material/arrow_back:")
    found = shared.playground.store.comparison(prompt_id)
    if found is None:
        st.warning("The prompt in the address is not in this store; it may have been deleted.")
        offer_other_store(shared, st.session_state["goal"])
    else:
        show_record(shared, found)


def _everything(shared: Resources, hides: str) -> list[Comparison]:
    """The filters and the table; the rows that are selected."""
    search = _search(shared)
    found = _pages(shared, search)
    if not found:
        st.info("Nothing found; change the filters.")
        return []
    return _table(shared, found, hides)


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    said = st.session_state.pop("history-said", None)
    if said:
        st.toast(said)
    try:
        if st.query_params.get("id"):
            _one(shared, st.query_params["id"])
            return
        if not _remembered(shared, "held", None, lambda: extent(shared.playground.store).prompts):
            offer_traffic(
                shared, "Here you will rate answers, and find every prompt again.", st.session_state["goal"]
            )
            return
        goal = st.session_state["goal"]
        above = st.container(key="rate-now")
        queued = None if shared.playground.store.read_only else next_screen(shared, goal)
        st.header("Everything that was asked", anchor=False)
        chosen = _everything(shared, queued.hides if queued else "")
        if queued and queued.screen and queued.hides in {one.prompt.id for one in chosen}:
            queued.queue.skip(queued.screen)  # who reads it sees the names
            queued = next_screen(shared, goal)
        if queued:
            with above:
                show_queue(shared, goal, queued, waits=bool(chosen))
        if len(chosen) > 1:
            _many(shared, chosen)
        elif chosen:
            show_record(shared, chosen[0])
        else:
            st.caption(
                "Select a row to read it and to rate its answers; select several to rate them at once."
                " By keyboard: arrow keys, then Shift+Space."
            )
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
