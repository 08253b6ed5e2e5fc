"""Two states of the settings side by side, line by line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.formatting import escaped
from router_core.exports.diff import Change


def show_changes(found: Sequence[Change], before: str = "Now", after: str = "Then") -> None:
    """A table of what differs. A long name is broken where it must be, so that there is room for its values."""
    st.html("<style>.st-key-changes td:first-child p { overflow-wrap: anywhere; }</style>")
    with st.container(key="changes"):
        st.table(
            {
                "Setting": [escaped(one.path) for one in found],
                before: [escaped(one.before or "–") for one in found],
                after: [escaped(one.after or "–") for one in found],
            }
        )


def in_short(found: Sequence[Change]) -> str:
    """The first difference in a few words, and how many more there are."""
    if not found:
        return "nothing"
    first = found[0]
    if first.before is None:
        text = f"{first.path}: added"
    elif first.after is None:
        text = f"{first.path}: removed"
    else:
        text = f"{first.path}: {first.before} → {first.after}"
    return f"{text} and {len(found) - 1} more" if len(found) > 1 else text
