"""Opening the app in a test, with a store of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.testing.v1 import AppTest

from pages import resources

ROOT = Path(__file__).parents[2]
Open = Callable[..., AppTest]


def forget() -> None:
    """Close what an earlier test opened."""
    resources.release()
    st.cache_resource.clear()
    st.cache_data.clear()


def opened(page: str | None = None, **query: str) -> AppTest:
    """A new visit, on this page, with this address."""
    at = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    if page is not None:
        at.switch_page(f"{page}.py").run()
    assert not at.exception, at.exception
    return at
