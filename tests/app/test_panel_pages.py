"""Costs, learning, history and settings: empty, full, and what their buttons do."""

from __future__ import annotations

import pytest

from pages.resources import resources
from router_core.store.base import Search, Store
from tests.app.panel import QUICK, opened, texts

PAGES = ("costs", "learning", "history", "settings")

pytestmark = pytest.mark.usefixtures("place")


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("costs", "what your traffic costs and saves"),
        ("learning", "what the ratings teach"),
        ("history", "every prompt again"),
    ],
)
def test_empty_pages_say_what_to_do(page: str, words: str) -> None:
    """What will appear here, and the button that makes it appear."""
    at = opened(page)
    assert words in texts(at)
    assert at.button(key="generate").label == "Generate demo traffic"


def test_generated_traffic_fills_the_page() -> None:
    """The button stores what it says, and the page shows it."""
    at = opened("costs")
    at.selectbox(key="traffic-size").set_value("2,000 requests")
    at.button(key="generate").click().run()
    assert not at.exception
    assert resources().playground.store.count(Search()) == 2_000
    assert {"Spent", "Requests", "Judged good", "More than always the cheapest"} <= {o.label for o in at.metric}


@pytest.mark.parametrize("page", PAGES)
def test_full_pages_show_no_error(full: Store, page: str) -> None:
    """With two thousand requests, and with the tables behind the charts."""
    at = opened(page)
    assert not at.error
    for toggle in at.toggle:
        if toggle.key == "tables":
            toggle.set_value(True).run()
    assert not at.exception
    assert not at.error


def test_costs_filters(full: Store) -> None:
    """A filter by router leaves its quarter of the requests."""
    at = opened("costs")
    at.segmented_control(key="range").set_value("all").run()
    assert next(one.value for one in at.metric if one.label == "Requests") == "600"
    at.selectbox(key="router").set_value("classifier").run()
    requests = int(next(one.value for one in at.metric if one.label == "Requests").replace(",", ""))
    assert 120 < requests < 190


def test_what_if_redraws_the_split(full: Store) -> None:
    """At a hundredth of a cent per good answer the cheap model takes nearly everything; nothing is saved."""
    at = opened("learning")
    at.select_slider(key="worth-default").set_value(0.0001).run()
    assert at.table[0].value["Better value"].tolist() == ["100.0%", "0.0%"]
    assert full.settings_versions() == []


def test_reset_and_undo(full: Store) -> None:
    """Reset empties the evidence, undo brings it back; both are in the list of changes."""
    rule = QUICK.goal("default").teaching_rule()
    before = full.evidence("default", rule)
    at = opened("learning")
    at.button(key="do-reset").click().run()
    assert full.evidence("default", rule) == {}
    at.button(key="do-undo").click().run()
    assert full.evidence("default", rule) == before
    assert [event.kind for event in full.learning_events("default")] == ["reset", "undo"]
    assert not at.exception


def test_history_search_and_pages(full: Store) -> None:
    """Searching narrows what is found; older prompts are a click away."""
    at = opened("history")
    assert "**1 to 50 of 600**" in texts(at)
    at.button(key="page-Older").click().run()
    assert "**51 to 100 of 600**" in texts(at)
    at.text_input(key="search").set_value("no such words").run()
    assert "Nothing found" in texts(at)


def test_deleting_asks_first(full: Store) -> None:
    """Without the tick nothing can be deleted; with it, what is older goes."""
    at = opened("history")
    at.number_input(key="older-than").set_value(7).run()
    assert at.button(key="erase").disabled
    at.checkbox(key="sure").check().run()
    at.button(key="erase").click().run()
    assert 0 < full.count(Search()) < 600
    assert not at.exception
