"""Back, Forward and links in a real browser: pages come back with the filters that they were left with."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import READY, Server

pytestmark = pytest.mark.browser


def costs_show(page: Page, span: str, router: str) -> None:
    """Wait until the costs page stands at this range and this router."""
    expect(page).to_have_url(re.compile(r"/costs"))
    expect(page.locator(".st-key-range button[aria-checked=true]")).to_have_text(span)
    expect(page.locator(".st-key-router input")).to_have_value(router)
    page.wait_for_selector(READY)


def goes_to(page: Page, title: str) -> None:
    """Follow a link in the bar of pages."""
    page.get_by_test_id("stTopNavLink").filter(has_text=title).click()
    expect(page).to_have_url(re.compile(rf"/{title.lower()}"))
    page.wait_for_selector(READY)


def chooses(page: Page, box: str, option: str) -> None:
    """Choose in a filter, and wait until the address says so."""
    page.locator(f".st-key-{box} input").click()
    page.get_by_role("option", name=option, exact=True).click()
    page.wait_for_url(f"**{box}=**")


def test_back_and_forward_restore_what_a_page_was_left_with(server: Server, page: Page, browser: Browser) -> None:
    """One step back from another page, with every filter; one more undoes the last filter; and forward again."""
    page.goto(f"{server.url}/costs")
    costs_show(page, "30 d", "any")
    page.locator(".st-key-range").get_by_text("7 d", exact=True).click()
    page.wait_for_url("**range=7+d**")
    chooses(page, "router", "Thompson sampling")
    costs_show(page, "7 d", "Thompson sampling")
    goes_to(page, "Rate")
    chooses(page, "model", "openai/gpt-4o")
    goes_to(page, "Settings")
    page.go_back()
    expect(page.locator(".st-key-model input")).to_have_value("openai/gpt-4o")
    expect(page.locator(".st-key-router input")).to_have_value("any")  # each page has filters of its own
    page.go_back()
    expect(page.locator(".st-key-model input")).to_have_value("any")
    page.go_back()
    costs_show(page, "7 d", "Thompson sampling")
    page.go_back()
    costs_show(page, "7 d", "any")
    page.go_forward()
    costs_show(page, "7 d", "Thompson sampling")
    page.go_forward()
    expect(page.locator(".st-key-model input")).to_have_value("any")
    expect(page).to_have_url(re.compile("/rate$"))

    goes_to(page, "Learning")
    goes_to(page, "Costs")
    costs_show(page, "7 d", "Thompson sampling")
    page.wait_for_url("**/costs?range=7+d&router=Thompson+sampling")  # the link to share
    page.go_back()  # and no step more than the click was
    expect(page).to_have_url(re.compile("/learning$"))
    page.wait_for_selector(READY)

    context = browser.new_context()
    fresh = context.new_page()
    fresh.goto(f"{server.url}/costs")
    costs_show(fresh, "30 d", "any")
    fresh.goto(f"{server.url}/costs?range=1+h&router=Rules")
    costs_show(fresh, "1 h", "Rules")
    context.close()


def test_back_leads_out_of_an_evaluation_tab(server: Server, page: Page) -> None:
    """Tabs of the evidence and settings pages are steps, too."""
    page.goto(f"{server.url}/?tab=My+data")
    page.locator(".st-key-tab").get_by_text("My traffic", exact=True).click()
    page.wait_for_url("**tab=My+traffic**")
    page.locator(".st-key-target-range").get_by_text("7 d", exact=True).click()
    page.wait_for_url("**target-range=7+d**")
    goes_to(page, "Settings")
    page.locator(".st-key-tab").get_by_text("Rules", exact=True).click()
    page.wait_for_url("**tab=Rules**")
    page.go_back()
    expect(page.locator(".st-key-tab button[aria-checked=true]")).to_have_text("Goals")
    page.go_back()
    expect(page.locator(".st-key-target-range button[aria-checked=true]")).to_have_text("7 d")
    expect(page.locator(".st-key-tab button[aria-checked=true]")).to_have_text("My traffic")
