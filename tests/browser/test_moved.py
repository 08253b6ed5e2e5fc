"""Old addresses in a real browser: each leads on to where its content went, with what it said."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import READY, Server

pytestmark = pytest.mark.browser

MOVED = (
    ("?run_all=true", "/try?run_all=true", ".st-key-send"),
    ("history", "/rate", ".st-key-history-table"),
    ("history?rated=not+rated", "/rate?rated=not+rated", ".st-key-history-table"),
    ("evidence", "/?tab=My+data", ".st-key-what-is-needed"),
    ("evidence?tab=My+traffic", "/?tab=My+traffic", ".st-key-what-if"),
    ("evidence?tab=Pairs", "/?tab=Pairs", ".st-key-pair-controls"),
    ("settings?tab=Export+%26+import", "/ship", ".st-key-import"),
)
STAYED = (
    ("costs?range=all", ".st-key-range"),
    ("learning?tables=true", ".st-key-learning-tools"),
    ("settings?tab=Rules", '[class*="st-key-heuristic-threshold"]'),
)


def test_every_old_address_leads_on(server: Server, page: Page) -> None:
    """What was there is there, what the address said still holds, and Back leads out instead of in a circle."""
    for old, new, shown in MOVED:
        page.goto("about:blank")
        page.goto(f"{server.url}/{old}")
        page.wait_for_selector(READY)
        expect(page.locator(shown).first).to_be_visible()
        assert page.url == f"{server.url}{new}", old
        page.go_back()
        expect(page).to_have_url("about:blank")
    for address, shown in STAYED:
        page.goto(f"{server.url}/{address}")
        expect(page.locator(shown).first).to_be_visible()
        assert page.url == f"{server.url}/{address}"


def test_a_prompt_and_a_record_are_found_at_their_old_addresses(server: Server, page: Page) -> None:
    """A comparison that was linked while the playground was the first page, and a record of the history."""
    page.goto(f"{server.url}/rate")
    expect(page.locator(".st-key-history-table canvas").first).to_be_visible()
    page.locator(".st-key-history-table canvas").first.click(position={"x": 16, "y": 52}, force=True)
    page.get_by_role("link", name="Open in Try").click()
    page.wait_for_url("**comparison=**")
    id_ = page.url.rsplit("=", 1)[1]
    page.goto(f"{server.url}/?prompt={id_}")
    expect(page.locator(".st-key-answer-0")).to_be_visible()
    assert page.url == f"{server.url}/try?prompt={id_}"
    page.goto(f"{server.url}/history?id={id_}")
    expect(page.get_by_role("link", name="Open in Try")).to_be_visible()
    assert page.url == f"{server.url}/rate?id={id_}"
