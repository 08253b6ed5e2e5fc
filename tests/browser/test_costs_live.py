"""The costs page in a real browser: live in place, paused at will, and the whole view in its address."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import READY, Server, ready, send

pytestmark = pytest.mark.browser

LONGER_THAN_A_REFRESH_MS = 6_500
SCROLLED = "document.querySelector('[data-testid=stMain]').scrollTop"
HEIGHT = "document.querySelector('[data-testid=stMain]').scrollHeight"
WATCH = """
() => {
    const main = document.querySelector('[data-testid=stMain]');
    main.scrollTop = 600;
    window.lowest = main.scrollHeight;
    const look = () => {
        window.lowest = Math.min(window.lowest, main.scrollHeight);
        requestAnimationFrame(look);
    };
    look();
}
"""


def requests(page: Page) -> Locator:
    """The figure of that name."""
    return page.locator('[data-testid="stMetric"]', has_text="Requests").locator('[data-testid="stMetricValue"]')


def charts_drawn(page: Page) -> None:
    """Wait until all charts are there."""
    page.wait_for_selector(READY)
    expect(page.locator('[data-testid="stVegaLiteChart"] :is(canvas, svg)')).to_have_count(11)


def test_live_in_place_and_paused(server: Server, page: Page, browser: Browser) -> None:
    """A prompt of another tab arrives by itself; meanwhile nothing scrolls or shrinks. Paused, it does not."""
    page.goto(f"{server.url}/costs?range=all")
    charts_drawn(page)
    expect(requests(page)).to_have_text("300")
    heights = [page.evaluate(HEIGHT)]
    page.evaluate(WATCH)
    context = browser.new_context()
    other = context.new_page()
    other.goto(f"{server.url}/try")
    ready(other)
    send(other, "Is this spam? Yes or no: you won a prize.")
    expect(requests(page)).to_have_text("301")
    assert page.evaluate(SCROLLED) == 600
    heights.append(page.evaluate(HEIGHT))
    assert page.evaluate("window.lowest") >= min(heights) - 4  # with more to show it may have grown
    page.locator(".st-key-live label").first.click()
    page.wait_for_url("**live=false**")
    send(other, "Is this spam? No or yes: a prize was lost.")
    expect(other.locator('[class*="st-key-thumb-"] button:not([disabled])').first).to_be_visible()
    page.wait_for_timeout(LONGER_THAN_A_REFRESH_MS)
    expect(requests(page)).to_have_text("301")
    page.locator(".st-key-live label").first.click()
    expect(requests(page)).to_have_text("302")
    context.close()


def test_the_view_is_in_the_address(server: Server, page: Page, browser: Browser) -> None:
    """Range, router and days of one visit are those of a fresh browser with the same link."""
    page.goto(f"{server.url}/costs")
    charts_drawn(page)
    page.locator(".st-key-range").get_by_text("all", exact=True).click()
    page.wait_for_url("**range=all**")
    page.locator(".st-key-router input").click()
    page.get_by_role("option", name="Thompson sampling", exact=True).click()
    page.wait_for_url("**router=Thompson**")
    expect(requests(page)).not_to_have_text("300")
    whole = requests(page).inner_text()
    page.locator(".st-key-range").get_by_text("from-to", exact=True).click()
    parts = page.locator(".st-key-days [role=spinbutton]")
    expect(parts).to_have_count(6)
    first = date(*(int(parts.nth(place).inner_text()) for place in range(3)))
    last = first + timedelta(days=2)
    for place, day in ((0, first), (3, last)):
        parts.nth(place).click()
        page.keyboard.type(f"{day:%Y%m%d}")
    page.keyboard.press("Escape")
    page.wait_for_url(f"**days={first}&days={last}**")
    expect(requests(page)).not_to_have_text(whole)  # three days of fourteen
    context = browser.new_context()
    fresh = context.new_page()
    fresh.goto(page.url)
    expect(requests(fresh)).to_have_text(re.compile(r"^[1-9]\d?$"))
    expect(requests(page)).to_have_text(requests(fresh).inner_text())
    expect(fresh.locator(".st-key-days [role=spinbutton]").nth(5)).to_have_text(f"{last:%d}")
    expect(fresh.locator(".st-key-router input")).to_have_value("Thompson sampling")
    context.close()
