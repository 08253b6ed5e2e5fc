"""Asks before settings from elsewhere send prompts and keys where they do not go now."""

from __future__ import annotations

import streamlit as st

from pages.formatting import escaped
from router_core.exports.transfer import new_endpoints_here
from router_core.settings import Settings


def agreed(wanted: Settings, now: Settings, key: str) -> bool:
    """Whether nothing of that is new, or a person has agreed to exactly what is shown.

    Args:
        wanted: settings of a file or of an older version.
        now: those in force.
        key: of the checkbox.
    """
    found = new_endpoints_here(wanted, now)
    if not found:
        return True
    lines = "\n".join(f"- {escaped(one.in_words())}" for one in found)
    st.warning(
        f"Prompts and keys would go where they do not go now:\n{lines}\n\nAgree only if you know who runs it.",
        icon=":material/public:",
    )
    return st.checkbox("Send prompts and keys there", key=f"{key}-{wanted.version[:8]}")
