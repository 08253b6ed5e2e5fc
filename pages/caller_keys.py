"""The keys by which programs call the gateway: made, shown once, revoked."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from pages.formatting import escaped
from pages.resources import Resources, save_caller_key
from router_core.errors import RouterError
from router_core.serving.caller_keys import limits_of, made, revoke

_NEW = "new-caller-key"  # of a visit: name and text, until it looks elsewhere


def show_caller_keys(shared: Resources) -> None:
    """What there is, and a form for one more."""
    store = shared.playground.store
    keys = store.caller_keys()
    if not keys:
        st.caption("There are no keys: programs on this machine may call /v1 without one, others may not at all.")
    new = st.session_state.pop(_NEW, None)
    if new is not None:
        st.success(f"The key of {escaped(new[0])}. It is shown only now; only a digest of it is kept.")
        st.code(new[1], language=None)
    for key in (one for one in keys if one.revoked_at is None):
        told, button = st.columns([5, 1], vertical_alignment="center")
        told.markdown(f"**{escaped(key.name)}** made {key.created_at:%d %b %Y}: {escaped(limits_of(key))}")
        if button.button("Revoke", key=f"revoke-{key.id}", disabled=store.read_only):
            save_caller_key(revoke(store, key.id, datetime.now(UTC)))
            st.rerun()
    gone = [key.name for key in keys if key.revoked_at is not None]
    if gone:
        st.caption(f"Revoked: {escaped(', '.join(gone))}")
    _form(shared)


def _form(shared: Resources) -> None:
    store, goals = shared.playground.store, shared.playground.settings.goals
    models = list(dict.fromkeys(arm.model for goal in goals.values() for arm in goal.arms))
    with st.form("caller-key", clear_on_submit=True):
        name = st.text_input("Name", key="caller-key-name", placeholder="mail-service", max_chars=64)
        left, right = st.columns(2)
        use = left.multiselect("Goals", list(goals), key="caller-key-goals", placeholder="all")
        answer = right.multiselect("Models", models, key="caller-key-models", placeholder="all of its goals")
        first, second, third = st.columns(3)
        usd = first.number_input("Dollars a day", 0.0, value=None, key="caller-key-usd", placeholder="no limit")
        minute = second.number_input(
            "Requests a minute", 1, value=None, key="caller-key-minute", placeholder="no limit"
        )
        at_once = third.number_input(
            "Requests at once", 1, value=None, key="caller-key-at-once", placeholder="no limit"
        )
        if not st.form_submit_button("Make a key", key="caller-key-make", disabled=store.read_only):
            return
    try:
        key, text = made(
            name,
            datetime.now(UTC),
            store.caller_keys(),
            goals=use,
            models=answer,
            usd_per_day=usd,
            requests_per_minute=minute,
            at_once=at_once,
        )
        save_caller_key(key)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return
    st.session_state[_NEW] = (key.name, text)
    st.rerun()
