"""Popovers that close once what they offer was done: Streamlit leaves them open over the result."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_DONE = "popovers-done"


def popover(label: str, key: str, **look: Any) -> DeltaGenerator:
    """A popover whose content acts. After ``close`` it is another one, which is closed."""
    done = st.session_state.get(_DONE, 0)
    return st.popover(label, key=f"{key}-{done}" if done else key, **look)


def close() -> None:
    """Close what is open, in the next run: an action was carried out."""
    st.session_state[_DONE] = st.session_state.get(_DONE, 0) + 1
