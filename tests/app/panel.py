"""Opening the app in a test, with a store of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def opened(page: str | None = None, **query: str | list[str]) -> AppTest:
    """A new visit, on this page, with this address."""
    at = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    if page is not None:
        at.switch_page(f"{page}.py").run()
    assert not at.exception, at.exception
    return at


def texts(at: AppTest) -> str:
    """Every text on the page."""
    kinds = (at.markdown, at.caption, at.info, at.warning, at.error, at.success)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def field(at: AppTest, name: str) -> Any:
    """The widget of a setting. Its key has the version of the settings in it, which is left out here."""
    kinds = (at.text_input, at.text_area, at.number_input, at.selectbox, at.multiselect, at.toggle, at.checkbox)
    version = resources.resources().playground.settings.version[:6]
    known = {str(one.key).replace(f".{version}", "").replace(f"{version}-", ""): one
             for kind in (*kinds, at.button) for one in kind}  # fmt: skip
    return known[name]
