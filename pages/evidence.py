"""Should I route at all? Labelled data, own traffic and pairs of answers, each with its verdict."""

from __future__ import annotations

import streamlit as st

from pages.evidence_data import show_data
from pages.evidence_pairs import show_pairs
from pages.evidence_traffic import show_traffic
from pages.formatting import escaped
from pages.resources import resources
from router_core.errors import RouterError

_TABS = {"My data": show_data, "My traffic": show_traffic, "Pairs": show_pairs}


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    tab = st.segmented_control(
        "Evidence",
        list(_TABS),
        default="My data",
        key="tab",
        bind="query-params",
        label_visibility="collapsed",
        required=True,
    )
    try:
        _TABS[tab](shared)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
