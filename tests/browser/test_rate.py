"""Rating by keyboard alone: the queue shows one screen after the other, and nothing pressed is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from router_core.demo.traffic import generate
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Search
from tests.browser.conftest import READY, Server

VERDICT = '[class*="st-key-queue-verdict-"]'


def test_by_keyboard_alone(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """Ten verdicts as fast as they come, one skipped, one undone: each is stored, and none is half."""
    store = open_store(tmp_path / "router.duckdb", kind="simulated")
    generate(Settings(), store, 400)
    store.close()
    server = start_server()
    page.goto(f"{server.url}/rate")
    page.wait_for_selector(READY)
    counter = page.locator(".st-key-queue [data-testid=stProgress]")
    expect(counter).to_contain_text("pairs to a verdict")
    expect(page.locator(".st-key-queue")).not_to_contain_text("gpt-4o")
    button = page.locator(VERDICT).first
    for count in range(10):
        mark = button.get_attribute("class")
        assert mark is not None
        page.keyboard.press(str(1 + count % 2))
        page.keyboard.press(str(1 + count % 2))  # a second press speaks of the same answers, or of the next
        expect(button).not_to_have_class(mark)
        page.wait_for_selector(READY)
    first = page.locator(".st-key-queue [data-testid=stCode]").first
    shown = first.inner_text()
    page.keyboard.press("s")
    expect(first).not_to_have_text(shown)
    page.keyboard.press("u")
    expect(first).to_have_text(shown)
    page.keyboard.press("u")
    expect(first).not_to_have_text(shown)
    page.goto("about:blank")
    server.stop()
    held = open_store(tmp_path / "router.duckdb", kind="simulated")
    judged = [one for one in held.find(Search(rated=True), 500) if any(said.blinded for said in one.outcomes)]
    assert 9 <= len(judged) <= 19
    for one in judged:
        assert {said.completion_id for said in one.outcomes} >= {said.id for said in one.completions}
    held.close()
