"""Popovers in a real browser: they close once what they offer was done, and stay open until then."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import READY, Server

pytestmark = pytest.mark.browser


def test_a_popover_closes_after_its_action(server: Server, page: Page) -> None:
    """A snapshot is kept; then one prompt's texts are deleted."""
    page.goto(f"{server.url}/learning")
    page.wait_for_selector(READY)
    page.locator(".st-key-snapshot button").click()
    name = page.locator(".st-key-snapshot-note input")
    name.fill("before the change")
    expect(page.get_by_text("Press Enter")).to_be_hidden()
    page.locator(".st-key-do-snapshot button").click()
    expect(page.get_by_text("Kept.")).to_be_visible()
    expect(page.locator(".st-key-do-snapshot")).to_have_count(0)
    page.locator(".st-key-events-1 button").click()
    expect(page.get_by_text("before the change")).to_be_visible()

    page.goto(f"{server.url}/rate")
    page.wait_for_selector(READY)
    page.locator(".st-key-history-delete button").click()
    days = page.locator(".st-key-older-than input")
    days.fill("0")
    days.press("Enter")
    page.locator(".st-key-sure label").first.click()
    expect(page.locator(".st-key-strip button")).to_be_enabled()
    page.locator(".st-key-strip button").click()
    expect(page.get_by_text("The texts of")).to_be_visible()
    expect(page.locator(".st-key-strip")).to_have_count(0)
