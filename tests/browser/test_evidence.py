"""The evidence page in a real browser: files uploaded, judged, found again; one mended; a run that is ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import READY, Server
from tests.scored import long_csv, wide_csv

pytestmark = pytest.mark.browser

MANY = 40_000  # prompts: judging them takes far longer than a click


def go(page: Page, server: Server, path: str = "?tab=My+data") -> None:
    """Open the page and wait for it."""
    page.goto(f"{server.url}/{path}")
    page.wait_for_selector(READY)


def upload(page: Page, folder: Path, content: bytes, name: str = "scored.csv") -> None:
    """Give the page a file and wait until it has been read."""
    file = folder / name
    file.write_bytes(content)
    page.locator('.st-key-labelled-file input[type="file"]').set_input_files(file)
    expect(page.locator(".st-key-file-chosen")).to_contain_text(name)


def test_judged_and_reopened_by_link(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """Upload, read the verdict, take the report home; on a fresh server the address shows the same."""
    server = start_server()
    go(page, server)
    expect(page.locator(".st-key-what-is-needed")).to_contain_text("whether routing pays")
    upload(page, tmp_path, long_csv(400))
    page.locator(".st-key-judge button").click()
    verdict = page.locator(".st-key-verdict h2")
    expect(verdict).to_contain_text("Route by prompt length")
    expect(page.locator('[data-testid="stVegaLiteChart"]').first).to_be_visible()
    sentence, address = verdict.inner_text(), page.url.split(str(server.port))[1]
    assert "evaluation=" in address
    with page.expect_download() as waiting:
        page.locator(".st-key-download-report button").first.click()
    assert '"verdict"' in Path(waiting.value.path()).read_text()
    page.goto("about:blank")
    server.stop()

    fresh = start_server()
    go(page, fresh, address.lstrip("/"))
    expect(verdict).to_have_text(sentence)


def test_a_broken_file_is_mended_by_choices(
    start_server: Callable[..., Server], page: Page, tmp_path: Path
) -> None:
    """What is wrong and where; after a choice for each problem it can be judged."""
    server = start_server()
    go(page, server)
    content = long_csv(scores={0: "1.7"}) + long_csv(1).splitlines(keepends=True)[1]
    upload(page, tmp_path, content)
    expect(page.get_by_text("1 score outside 0 to 1")).to_be_visible()
    expect(page.locator(".st-key-judge")).to_have_count(0)
    page.locator('[class*="st-key-way-out-of-range-refuse"]').get_by_text("Clip to the nearer end").click()
    expect(page.locator('[class*="st-key-way-out-of-range-clip"]')).to_be_visible()
    page.locator('[class*="st-key-way-duplicates-refuse"]').get_by_text("Use the first of each").first.click()
    expect(page.locator(".st-key-judge button")).to_contain_text("Judge 120 prompts")


def test_a_column_is_named_by_hand(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """A wide file of whose models one is not guessed: as a further row of the editor it is compared too."""
    server = start_server()
    go(page, server)
    upload(page, tmp_path, wide_csv())
    expect(page.get_by_text("at least two models are compared")).to_be_visible()
    editor = page.locator('[class*="st-key-models-"] canvas').first
    editor.scroll_into_view_if_needed()
    editor.click(position={"x": 60, "y": 88}, force=True)  # the empty row below the one that was guessed
    page.locator("#portal textarea").fill("big")
    page.keyboard.press("Tab")
    expect(page.locator("#portal textarea")).to_have_count(0)
    page.keyboard.press("Enter")
    options = page.locator("#portal").get_by_role("option")
    expect(options).to_have_count(4)
    page.keyboard.type("the big")
    expect(options).to_have_text(["the big one"])
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-judge button")).to_contain_text("Judge 120 prompts")


def test_a_run_is_cancelled(start_server: Callable[..., Server], page: Page, tmp_path: Path) -> None:
    """The bar tells how long it takes; another page of the app answers meanwhile; Cancel keeps nothing."""
    server = start_server()
    go(page, server)
    upload(page, tmp_path, long_csv(MANY))
    page.locator(".st-key-judge button").click()
    bar = page.locator(".st-key-progress-evaluation")
    expect(bar).to_contain_text("left")
    page.get_by_role("link", name="Costs", exact=True).click()
    expect(page.get_by_text("what your traffic costs and saves")).to_be_visible()
    page.get_by_role("link", name="Verdict", exact=True).click()
    expect(bar).to_be_visible()
    page.locator(".st-key-cancel-evaluation button").first.click()
    expect(page.get_by_text("Stopped as asked; nothing was kept.")).to_be_visible()
    page.locator(".st-key-new-evaluation button").first.click()
    expect(page.locator(".st-key-judge button")).to_be_visible()
    expect(page.locator(".st-key-earlier")).to_have_count(0)
