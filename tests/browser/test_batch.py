"""A file of prompts becomes a verdict in the browser: what it would cost, a pause, the rest, and the judgement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.batches import prompts_file
from tests.browser.conftest import READY, Server
from tests.servers import wait_for

pytestmark = pytest.mark.browser


def test_prompts_to_a_verdict(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """From the first page; what is open is found again after a reload; closing leaves no copy of the prompts."""
    server = start_server()
    place = prompts_file(tmp_path / "sums.csv", 40)
    page.goto(server.url)
    page.get_by_role("link", name="Ask every model many prompts").click()
    page.wait_for_selector(READY)
    page.locator('[data-testid="stFileUploader"] input[type="file"]').set_input_files(place)
    expect(page.get_by_text("sums.csv")).to_be_visible()
    page.get_by_label("An answer is right where").click()
    page.get_by_role("option", name="number: the last number").click()
    page.get_by_role("button", name="What would it cost?").click()
    expect(
        page.get_by_text("Read as: prompt in 'Question', task in 'Subject', reference in 'Answer'.")
    ).to_be_visible()
    expect(page.get_by_text("80 calls, about $")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("80 of 80 calls answered")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("% of 40 answers right")).to_be_visible()
    page.get_by_role("button", name="Verdict", exact=True).click()
    expect(page.get_by_text("sums.scored.jsonl, 40 prompts")).to_be_visible(timeout=120_000)
    page.goto(f"{server.url}/?tab=My+prompts")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_text("80 of 80 calls answered")).to_have_count(0)
    assert wait_for(lambda: not list(tmp_path.glob("**/*.batches")))
