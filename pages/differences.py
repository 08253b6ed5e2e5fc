"""Two states of the settings side by side, line by line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shown import escaped
from router_core.exports.diff import Change

_BREAK = "\N{ZERO WIDTH SPACE}"  # where a long name may go on in the next line, or there is no room for values


def show_changes(found: Sequence[Change], before: str = "Now", after: str = "Then") -> None:
    """A table of what differs."""
    st.table(
        {
            "Setting": [escaped(one.path).replace(".", f".{_BREAK}") for one in found],
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
