"""Take the router along, or bring one in."""

from __future__ import annotations

import streamlit as st

from pages.export_import import show_takeaway
from pages.formatting import escaped
from pages.resources import resources
from router_core.errors import RouterError


def page() -> None:
    """The page, top to bottom."""
    saved = st.session_state.pop("saved", None)
    if saved:
        st.success(escaped(saved))
    try:
        show_takeaway(resources())
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
