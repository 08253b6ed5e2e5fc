"""The empty state of the pages that need traffic, with the button that makes some."""

from __future__ import annotations

import streamlit as st

from pages.formatting import escaped
from pages.resources import Resources
from router_core.demo.traffic import generate
from router_core.errors import RouterError

_SIZES = {"2,000 requests": 2_000, "20,000 requests": 20_000, "100,000 requests": 100_000}


def offer_traffic(shared: Resources, what: str, goal: str) -> None:
    """Say what will appear here, and offer simulated traffic where the store is for it."""
    with st.container(border=True, key="no-traffic"):
        st.header(what, anchor=False)
        st.markdown("Try a prompt, or call the library from your code with the same store.")
        with st.container(horizontal=True, vertical_alignment="bottom", key="make-traffic"):
            st.page_link("playground.py", label="Try a prompt", icon=":material/edit:")
            if shared.simulated:
                size = st.selectbox("Simulated traffic", list(_SIZES), index=1, key="traffic-size", width=180)
                if st.button("Generate demo traffic", key="generate", type="primary"):
                    _generate(shared, _SIZES[size], goal)
        if shared.simulated:
            st.caption("Made up and labelled, over the last 14 days; any click stops it, what is there stays.")


def _generate(shared: Resources, requests: int, goal: str) -> None:
    playground = shared.playground
    bar = st.progress(0.0, "Generating ...")
    try:
        generate(
            playground.settings,
            playground.store,
            requests,
            goal=goal,
            progress=lambda done: bar.progress(done / requests, f"{done:,} of {requests:,} requests"),
        )
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")
        return
    st.rerun()
