"""Controls in the address: what a page was left with is there again, a link wins, a new visit has the defaults."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from router_core.views.filters import ranges
from tests.app.conftest import Fill
from tests.app.panel import opened, texts

# page -> what is set there: kind of widget, its key, the value, what another link says, and what is there at first
CONTROLS: dict[str, list[tuple[str, str, Any, str, Any]]] = {
    "costs": [
        ("segmented_control", "range", "1 h", "24 h", "30 d"),
        ("selectbox", "router", "thompson", "Rules", "any"),
        ("selectbox", "model", "openai/gpt-4o", "openai/gpt-4o-mini", "any"),
        ("toggle", "live", False, "true", True),
        ("toggle", "tables", True, "false", False),
    ],
    "history": [
        ("text_input", "search", "porto", "lisbon", ""),
        ("selectbox", "router", "heuristic", "Classifier", "any"),
        ("selectbox", "rated", "rated", "not rated", "any"),
    ],
    "learning": [("toggle", "tables", True, "false", False)],
    "verdict": [("segmented_control", "tab", "Pairs", "My traffic", "Verdict")],
    "settings": [("segmented_control", "tab", "Rules", "Versions", "Goals")],
}


def shown(at: AppTest, page: str) -> dict[str, Any]:
    """What the controls of a page stand at."""
    return {key: getattr(at, kind)(key=key).value for kind, key, *_ in CONTROLS[page]}


def left_with_changes(page: str) -> AppTest:
    """A visit that has set the controls of a page and gone elsewhere."""
    at = opened(page)
    assert shown(at, page) == {key: first for _, key, _, _, first in CONTROLS[page]}
    for kind, key, value, *_ in CONTROLS[page]:
        getattr(at, kind)(key=key).set_value(value).run()
    at.switch_page("playground.py").run()
    at.query_params.clear()
    return at


@pytest.mark.parametrize("page", CONTROLS)
def test_a_page_is_found_as_it_was_left(fill: Fill, page: str) -> None:
    """By a link that names nothing; and the address says so again."""
    fill("demo")
    at = left_with_changes(page)
    at.switch_page(f"{page}.py").run()
    assert shown(at, page) == {key: value for _, key, value, *_ in CONTROLS[page]}
    addresses = [one.proto.body for one in at.get("html") if "replaceState" in one.proto.body]
    assert all(f"{key}=" in addresses[-1] for _, key, *_ in CONTROLS[page])
    assert not at.exception


@pytest.mark.parametrize("page", CONTROLS)
def test_a_link_wins_over_what_was_left(fill: Fill, page: str) -> None:
    """What it names is shown, and what it does not name stands at its default."""
    fill("demo")
    at = left_with_changes(page)
    _, key, _, linked, _ = CONTROLS[page][0]
    at.query_params[key] = linked
    at.switch_page(f"{page}.py").run()
    assert shown(at, page) == {key: first for _, key, _, _, first in CONTROLS[page]} | {
        key: {"false": False}.get(linked, linked)
    }
    assert not at.exception


def test_an_address_that_names_what_there_is_not(fill: Fill) -> None:
    """The default is shown, and nothing breaks."""
    fill("demo")
    at = opened("costs", range="yesterday", router="nobody", days=["soon", "later"], live="perhaps")
    assert not at.exception
    assert at.segmented_control(key="range").value == "30 d"
    assert at.selectbox(key="router").value == "any"
    at = opened("costs", range="from-to", days=["soon", "later"])
    assert not at.exception
    assert len(at.date_input(key="days").value) == 2


def test_a_first_look_leaves_nothing_out(fill: Fill) -> None:
    """Demo traffic of 14 days is shown whole; what a shorter range leaves out is said."""
    fill("demo")
    at = opened("costs")
    assert ranges()[at.segmented_control(key="range").value] == timedelta(days=30)
    assert "outside this range" not in texts(at)
    at.segmented_control(key="range").set_value("7 d").run()
    assert "calls in the log, which begins on" in texts(at)
