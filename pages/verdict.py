"""Should I route at all? The verdict first; labelled data, logs, own traffic, pairs and judges behind it."""

from __future__ import annotations

import streamlit as st

from pages.address import Address
from pages.evidence_batch import show_batches
from pages.evidence_data import show_data
from pages.evidence_judges import show_judges
from pages.evidence_logs import show_logs
from pages.evidence_pairs import show_pairs
from pages.evidence_traffic import show_traffic
from pages.formatting import escaped
from pages.front import show_front
from pages.resources import resources
from router_core.errors import RouterError

_TABS = {
    "Verdict": show_front,
    "My prompts": show_batches,
    "My data": show_data,
    "My logs": show_logs,
    "My traffic": show_traffic,
    "Pairs": show_pairs,
    "Judges": show_judges,
}


def page() -> None:
    """The page, top to bottom."""
    shared = resources()
    address = Address("verdict")
    first = "My data" if "evaluation" in st.query_params else "Verdict"
    tab = st.segmented_control(
        "Evidence",
        list(_TABS),
        key=address.choice("tab", list(_TABS), first),
        label_visibility="collapsed",
        required=True,
    )
    address.write()
    try:
        _TABS[tab](shared, address)
    except RouterError as error:
        st.error(escaped(str(error)), icon=":material/error:")


page()
