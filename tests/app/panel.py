"""Opening the app in a test, with a store of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages import resources
from router_core.settings import Settings, SimulationSettings

ROOT = Path(__file__).parents[2]
Open = Callable[..., AppTest]

QUICK = Settings(simulation=SimulationSettings(latency_scale=0))
"""Simulated models answer at once."""


def forget() -> None:
    """Close what an earlier test opened."""
    resources.release()
    st.cache_resource.clear()
    st.cache_data.clear()


def use(folder: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings = QUICK) -> None:
    """Open the app with these settings from now on, and with the store of this folder."""
    file = folder / "settings.json"
    file.write_text(settings.document())
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))
    monkeypatch.setenv("ROUTER_STORE", str(folder / "panel.duckdb"))
    forget()


def opened(page: str | None = None, **query: str | list[str]) -> AppTest:
    """A new visit, on this page, with this address."""
    at = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=120)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    if page is not None:
        at.switch_page(f"{page}.py").run()
    assert not at.exception, at.exception
    return at


def texts(at: AppTest) -> str:
    """Every text on the page."""
    kinds = (at.header, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error, at.success)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def plain(text: str) -> str:
    """What a reader sees of an escaped text."""
    return text.replace("\\", "").replace("\N{WORD JOINER}", "")


def field(at: AppTest, name: str) -> Any:
    """The widget of a setting. Its key has the version of the settings in it, which is left out here."""
    kinds = (at.text_input, at.text_area, at.number_input, at.selectbox, at.multiselect, at.toggle, at.checkbox)
    version = resources.resources().playground.settings.version[:6]
    known = {re.sub(rf"\.{version}(-\d+)?", "", str(one.key)).replace(f"{version}-", ""): one
             for kind in (*kinds, at.button) for one in kind}  # fmt: skip
    return known[name]


def now() -> Settings:
    """The settings in force."""
    return resources.resources().playground.settings


def save(at: AppTest, note: str = "") -> AppTest:
    """Save what stands in the form."""
    if note:
        next(one for one in at.text_input if str(one.key).startswith("settings-note")).set_value(note)
    at.button(key="save-settings").click().run()
    assert not at.exception, at.exception
    return at


def press(at: AppTest, key: str) -> None:
    """Click the button whose key begins like this."""
    field(at, key).click().run()
    assert not at.exception, at.exception


def chosen(at: AppTest) -> list[str]:
    """The routers that are shown with what they chose, in their order."""
    found = (re.match(r"\*\*(.*?)\*\* chose :", one.label) for one in at.main.expander)
    return [one.group(1) for one in found if one]
