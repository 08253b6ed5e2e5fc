"""The control panel in a real browser: settings that are followed, a router that moves house, late ratings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from router_core.demo import generate
from router_core.settings import Settings
from router_core.store import open_store
from tests.browser.conftest import READY, Server, answers, ready, send

pytestmark = pytest.mark.browser

EASY = "Is this spam? Yes or no: you won a prize."


def go(page: Page, server: Server, path: str, key: str) -> None:
    """Open a page and wait for a widget of it."""
    page.goto(f"{server.url}/{path}")
    page.wait_for_selector(READY)
    expect(page.locator(f".st-key-{key}").first).to_be_visible()


def test_a_changed_setting_is_followed(start_server: Callable[..., Server], page: Page) -> None:
    """The threshold out of reach: the next decision of the rules is for the strong model."""
    server = start_server()
    go(page, server, "settings?tab=Rules", "heuristic-threshold")
    box = page.locator(".st-key-heuristic-threshold input")
    box.fill("99")
    box.press("Enter")
    expect(page.locator(".st-key-consequences")).to_contain_text("heuristic.threshold")
    page.locator(".st-key-save-settings button").click()
    expect(page.get_by_text("it is in force")).to_be_visible()
    page.goto(server.url)
    ready(page)
    send(page, EASY)
    rules = page.locator(".st-key-decision-heuristic")
    expect(rules).to_contain_text("chose gpt-4o")
    expect(rules).not_to_contain_text("chose gpt-4o-mini")


def test_a_router_moves_house(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """Export, wipe, import: the posteriors are the same as before."""
    store = open_store(tmp_path / "router.duckdb", kind="simulated")
    generate(Settings(), store, 2_000)
    store.close()
    server = start_server()
    go(page, server, "learning", "learning-tools")
    expect(page.get_by_text("expected", exact=False)).to_have_count(2)
    known = [line for line in page.locator('[data-testid="stMarkdown"]').all_inner_texts() if "expected" in line]
    assert len(known) == 2
    go(page, server, "settings?tab=Export+%26+import", "export")
    with page.expect_download() as waiting:
        page.locator('[class*="st-key-download-router"] button', has_text="router.json").click()
    file = tmp_path / "router.json"
    waiting.value.save_as(file)
    page.goto("about:blank")
    server.stop()
    (tmp_path / "router.simulated.duckdb").unlink()

    fresh = start_server()
    go(page, fresh, "settings?tab=Export+%26+import", "import")
    page.locator('.st-key-import-file input[type="file"]').set_input_files(file)
    page.locator(".st-key-do-import button").click()
    expect(page.get_by_text("router.json was imported.")).to_be_visible()
    go(page, fresh, "learning", "learning-tools")
    for line in known:
        expect(page.get_by_text(line.split("expected ")[1]).first).to_be_visible()


def test_a_late_rating_moves_the_learning_page(start_server: Callable[..., Server], page: Page) -> None:
    """Given on the history page, seen on the learning page."""
    server = start_server()
    page.goto(server.url)
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    send(page, EASY)
    answers(page, 2)
    go(page, server, "history", "history-table")
    page.locator(".st-key-history-table canvas").first.click(position={"x": 16, "y": 52}, force=True)
    answers(page, 2)
    page.locator(".st-key-answer-0").locator('[class*="st-key-thumb-"] button').first.click()
    expect(page.locator(".st-key-changes")).to_contain_text("Everything said about these answers (1)")
    go(page, server, "learning", "learning-tools")
    expect(page.get_by_text("98.7%), 1 rating")).to_be_visible()


def test_two_tabs_at_once(start_server: Callable[..., Server], page: Page, browser: Browser) -> None:
    """What is rated in one is found in the other; a setting saved in one is in force in the other."""
    server = start_server()
    page.goto(server.url)
    ready(page)
    page.locator(".st-key-run_all label").first.click()  # both models, whatever is drawn
    send(page, EASY)
    answers(page, 2)
    context = browser.new_context()
    other = context.new_page()
    other.goto(page.url)
    ready(other)
    answers(other, 2)
    page.locator(".st-key-answer-0").locator('[class*="st-key-thumb-"] button').first.click()
    expect(page.locator(".st-key-learned")).to_contain_text("1 of 1 good")
    other.reload()
    ready(other)
    expect(other.locator(".st-key-learned")).to_contain_text("1 of 1 good")
    go(other, server, "settings?tab=Rules", "heuristic-threshold")
    box = other.locator(".st-key-heuristic-threshold input")
    box.fill("99")
    box.press("Enter")
    other.locator(".st-key-save-settings button").click()
    expect(other.get_by_text("it is in force")).to_be_visible()
    context.close()
    send(page, EASY + " Again.")
    expect(page.locator(".st-key-decision-heuristic")).to_contain_text("99")
