"""A newcomer's path in a real browser: a verdict at once, a slider that turns it, and a router to take home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from router_core.serving.library import Router
from router_core.store import open_store
from tests.browser.conftest import READY, Server

pytestmark = pytest.mark.browser

JUMPED = """() => { window.jumped = 0; new PerformanceObserver(list => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.jumped += one.value;
}).observe({ type: "layout-shift" }); }"""


def test_from_the_first_look_to_a_router(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """No click to a verdict, keys to turn it, two clicks to put it in force, one to take it along; then undone."""
    server = start_server()
    page.goto(server.url)
    answer = page.locator(".st-key-hero h3")
    expect(answer).to_have_text("No. Use gpt-4o-mini for everything.")
    expect(page.locator(".st-key-published")).to_contain_text("not your traffic")
    expect(page.locator(".st-key-verdict-chart canvas, .st-key-verdict-chart svg").first).to_be_visible()

    page.wait_for_selector(READY)
    slider = page.locator('.st-key-worth input[type="range"]')
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(answer).to_have_text("Not known yet.")
    expect(page.locator(".st-key-ship-this button").first).to_be_disabled()
    page.evaluate(JUMPED)
    for step in ("0.1", "0.15", "0.2"):
        page.keyboard.press("ArrowRight")
        page.wait_for_url(f"**worth={step}")
    expect(answer).to_have_text("No. Use gpt-4o for everything.")
    expect(page.locator(".st-key-turning")).to_contain_text("Below $0.15 it is not settled")
    page.wait_for_selector(READY)
    assert page.evaluate("window.jumped") < 0.05

    page.locator(".st-key-ship-this button").first.click()
    proposal = page.locator(".st-key-proposal")
    expect(proposal).to_contain_text("goals.default.success_value_usd")
    page.locator(".st-key-do-ship button").click()
    expect(page.locator(".st-key-shipped h2")).to_have_text("In force for default: gpt-4o for everything")
    with page.expect_download() as waiting:
        page.locator('[class*="st-key-download-router"] button', has_text="router.json").click()
    file = tmp_path / "router.json"
    waiting.value.save_as(file)
    with Router.from_settings(file, simulated=True, store=open_store(":memory:", kind="simulated")) as router:
        for prompt in ("Hi", "Compare these two leases clause by clause, and explain every step. " * 9):
            assert router.decide([{"role": "user", "content": prompt}]).chosen == "openai/gpt-4o"

    page.locator(".st-key-undo-ship button").click()
    expect(page.locator(".st-key-shipped h2")).to_have_text("In force for default: Thompson sampling")


def test_the_report_is_taken_from_the_first_page(
    start_server: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    """It opens by itself, without the server, and has two pages in print at most."""
    server = start_server()
    page.goto(server.url)
    page.wait_for_selector(READY)
    with page.expect_download() as waiting:
        page.locator(".st-key-report-people button").first.click()
    file = tmp_path / "verdict.html"
    waiting.value.save_as(file)
    page.goto("about:blank")
    server.stop()
    page.goto(file.as_uri())
    expect(page.locator(".answer")).to_have_text("No. Use gpt-4o-mini for everything.")
    expect(page.locator("svg circle")).to_have_count(2)
    printed = page.pdf(prefer_css_page_size=True)
    assert 1 <= printed.count(b"/Type /Page\n") <= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_of_the_front_is_cut_off(server: Server, page: Page, scheme: str, width: int) -> None:
    """Neither page scrolls sideways, with own evidence and with an example's many tasks."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 1000})
    for address, shown in (
        ("", ".st-key-hero h3"),
        ("?example=mmlu", ".st-key-progress"),
        ("ship", ".st-key-shipped"),
    ):
        page.goto(f"{server.url}/{address}")
        expect(page.locator(shown)).to_be_visible()
        page.wait_for_selector(READY)
        overflow = page.evaluate(
            "() => { const m = document.querySelector('[data-testid=stMain]');"
            " return m.scrollWidth - m.clientWidth }"
        )
        assert overflow <= 0, address
