"""The control panel in a real browser: settings that are followed, a router that moves house, late ratings."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from router_core.demo.traffic import generate
from router_core.settings import Settings
from router_core.store import open_store
from tests.browser.conftest import READY, Server, answers, ready, send

pytestmark = pytest.mark.browser

EASY = "Is this spam? Yes or no: you won a prize."
THRESHOLD = '[class*="st-key-heuristic-threshold"] input'
FIRST_ROW = {"x": 16, "y": 52}


def go(page: Page, server: Server, path: str, key: str) -> None:
    """Open a page and wait for a widget of it."""
    page.goto(f"{server.url}/{path}")
    page.wait_for_selector(READY)
    expect(page.locator(f'[class*="st-key-{key}"]').first).to_be_visible()


def set_threshold(page: Page, value: int) -> None:
    """Change a setting and save it."""
    box = page.locator(THRESHOLD)
    box.fill(str(value))
    box.press("Enter")
    expect(page.locator(".st-key-consequences")).to_contain_text("heuristic.threshold")
    page.locator(".st-key-save-settings button").click()
    expect(page.get_by_text("it is in force")).to_be_visible()


def filled(folder: Path, requests: int = 2_000) -> None:
    """Put simulated traffic into the store that the server will open."""
    store = open_store(folder / "router.duckdb", kind="simulated")
    generate(Settings(), store, requests)
    store.close()


def test_a_changed_setting_is_followed(start_server: Callable[..., Server], page: Page) -> None:
    """The threshold out of reach: the next decision of the rules is for the strong model."""
    server = start_server()
    go(page, server, "settings?tab=Rules", "heuristic-threshold")
    set_threshold(page, 99)
    page.goto(f"{server.url}/try")
    ready(page)
    send(page, EASY)
    rules = page.locator(".st-key-decision-heuristic")
    expect(rules).to_contain_text("chose gpt-4o")
    expect(rules).not_to_contain_text("chose gpt-4o-mini")


def chances(page: Page, server: Server) -> list[str]:
    """What Thompson sampling decides by for one prompt: of each model what is known, what it costs, its chance."""
    page.goto(f"{server.url}/try")
    ready(page)
    send(page, EASY)
    card = page.locator(".st-key-decision-thompson")
    card.locator("summary").click()
    expect(card.get_by_text("Split", exact=False).first).to_be_visible()
    lines = [line for line in card.inner_text().splitlines() if line.startswith("–")]
    assert len(lines) == 4
    return lines


def test_a_router_moves_house(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """Export, wipe, import: posteriors and decisions are the same as before."""
    filled(tmp_path)
    server = start_server()
    go(page, server, "learning", "learning-tools")
    expect(page.get_by_text(re.compile(r"expected \d"))).to_have_count(2)
    shown = page.locator('[data-testid="stMarkdown"]').all_inner_texts()
    known = [line for line in shown if re.search(r"expected \d", line)]
    assert len(known) == 2
    go(page, server, "ship", "export")
    with page.expect_download() as waiting:
        page.locator('[class*="st-key-download-router"] button', has_text="router.json").click()
    file = tmp_path / "router.json"
    waiting.value.save_as(file)
    before = chances(page, server)
    page.goto("about:blank")
    server.stop()
    (tmp_path / "router.simulated.duckdb").unlink()

    fresh = start_server()
    go(page, fresh, "ship", "import")
    page.locator('.st-key-import-file input[type="file"]').set_input_files(file)
    expect(page.locator(".st-key-import")).to_contain_text("0 of 0 good")
    page.locator(".st-key-do-import button").click()
    expect(page.get_by_text("router.json was imported.")).to_be_visible()
    go(page, fresh, "learning", "learning-tools")
    for line in known:
        expect(page.get_by_text(line.split("expected ")[1]).first).to_be_visible()
    assert chances(page, fresh) == before


def test_a_model_written_by_hand(start_server: Callable[..., Server], page: Page) -> None:
    """One that the price book does not know, and one that is none: a sentence, and nothing to save."""
    server = start_server()
    go(page, server, "settings?tab=Classifier", "classifier-model")
    box = page.locator('[class*="st-key-classifier-model"] input')
    box.fill("gpt-4o")
    page.get_by_role("option", name="Add: gpt-4o", exact=True).click()
    expect(page.locator(".st-key-consequences")).to_contain_text("write provider/model, for example")
    expect(page.locator(".st-key-save-settings")).to_have_count(0)
    box.fill("openai/my-own-model")
    page.get_by_role("option", name="Add: openai/my-own-model").click()
    expect(page.locator(".st-key-consequences")).to_contain_text("openai/my-own-model")
    expect(page.locator(".st-key-save-settings")).to_be_visible()


def test_many_are_rated_at_once(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """Two prompts that nobody has rated; afterwards there are two fewer."""
    filled(tmp_path, 300)
    server = start_server()
    go(page, server, "rate?rated=not+rated", "history-table")
    shown = page.locator(".st-key-pages").get_by_text(re.compile(r"1 to 50 of \d+"))
    total = int(shown.inner_text().rsplit(" ", 1)[1])
    table = page.locator(".st-key-history-table canvas").first
    for row in (0, 1):
        table.click(position={"x": FIRST_ROW["x"], "y": FIRST_ROW["y"] + 35 * row}, force=True)
    expect(page.get_by_text("2 prompts selected, 2 answers")).to_be_visible()
    page.locator(".st-key-many-All-good button").click()
    expect(page.get_by_text("2 answers: all good.")).to_be_visible()
    expect(page.locator(".st-key-pages")).to_contain_text(f"1 to 50 of {total - 2}")


def test_history_is_found_read_linked_and_exported(
    start_server: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    """A selected row is read; turning the page selects nothing; the file has what is filtered."""
    filled(tmp_path, 300)
    server = start_server()
    go(page, server, "rate", "history-table")
    table = page.locator(".st-key-history-table canvas").first
    table.click(position=FIRST_ROW, force=True)
    expect(page.locator(".st-key-cost-lines")).to_contain_text("What it cost")
    page.locator(".st-key-page-Older button").click()
    expect(page.get_by_text("51 to 100 of 300")).to_be_visible()
    expect(page.get_by_text("Select a row to read it")).to_be_visible()
    expect(page.locator(".st-key-cost-lines")).to_have_count(0)
    table.click(position=FIRST_ROW, force=True)
    text = page.locator('[data-testid="stMain"] [data-testid="stCode"]').first.inner_text()
    page.get_by_role("link", name="Open in Try").click()
    page.wait_for_url("**comparison=**")
    expect(page.locator(".st-key-answer-0")).to_be_visible()
    page.reload()
    expect(page.locator(".st-key-answer-0")).to_be_visible()

    word = text.split()[-1].strip('.,?!"”')
    go(page, server, f"rate?search={word}", "history-table")
    page.locator(".st-key-history-export button").first.click()
    with page.expect_download() as waiting:
        page.locator(".st-key-export-jsonl button").click()
    waiting.value.save_as(tmp_path / "log.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert 0 < len(rows) <= 300
    assert all(word.lower() in row["messages"].lower() for row in rows)


def test_a_late_rating_moves_the_learning_page(start_server: Callable[..., Server], page: Page) -> None:
    """Given on the history page, seen on the learning page."""
    server = start_server()
    page.goto(f"{server.url}/try")
    ready(page)
    page.locator(".st-key-run_all label").first.click()
    send(page, EASY)
    answers(page, 2)
    go(page, server, "rate", "history-table")
    page.locator(".st-key-history-table canvas").first.click(position=FIRST_ROW, force=True)
    answers(page, 2)
    page.locator(".st-key-answer-0").locator('[class*="st-key-thumb-"] button').first.click()
    expect(page.locator(".st-key-changes")).to_contain_text("Everything said about these answers (1)")
    go(page, server, "learning", "learning-tools")
    expect(page.get_by_text("98.7%), 1 rating")).to_be_visible()


def test_two_tabs_at_once(start_server: Callable[..., Server], page: Page, browser: Browser) -> None:
    """What is rated in one is found in the other; a setting saved in one is in force in the other."""
    server = start_server()
    page.goto(f"{server.url}/try")
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
    set_threshold(other, 99)
    context.close()
    send(page, EASY + " Again.")
    expect(page.locator(".st-key-decision-heuristic")).to_contain_text("99")
