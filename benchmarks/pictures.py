"""``make pictures``: every picture of README and docs/tour.md, taken anew from the app with simulated traffic.

A picture is a row of ``PICTURES``: where the page is, how wide and in which theme, and what is done before. The
chart of the study of learning is benchmarks/online's.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click
from playwright.sync_api import Page, sync_playwright

from router_core.demo.traffic import generate
from router_core.settings import Settings
from router_core.store import open_store
from tests.conftest import find_browser

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
READY = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
PATIENCE_MS = 120_000
SETTLED_MS = 2_000  # charts fade in
PROMPT = "Write a memo that compares two warehouse leases and explain why one is better."


def compared(page: Page) -> None:
    """A prompt that both models have answered, and the strong one was found better."""
    page.locator(".st-key-prompt textarea").fill(PROMPT)
    page.locator(".st-key-prompt textarea").press("Control+Enter")
    thumbs = page.locator('[class*="st-key-thumb-"] button:not([disabled])')
    thumbs.nth(3).wait_for()
    page.locator(".st-key-verdicts button").nth(1).click()
    page.locator(".st-key-learned", has_text="→").wait_for()
    page.mouse.move(0, 0)


def shown(page: Page) -> None:
    """As it is opened."""


@dataclass(frozen=True)
class Picture:
    """One picture: its file, the page's address, what is done on it first, and how it is looked at.

    ``empty``: as a newcomer sees it, without traffic.
    """

    name: str
    address: str
    before: Callable[[Page], None] = shown
    width: int = 1440
    height: int = 900
    theme: Literal["light", "dark"] = "light"
    empty: bool = False


PICTURES = (
    Picture("verdict", "", empty=True),
    Picture("verdict-dark", "", theme="dark", empty=True),
    Picture("verdict-narrow", "", width=390, height=844, empty=True),
    Picture("playground", "try?run_all=true", compared, height=1150),
    Picture("playground-dark", "try?run_all=true", compared, height=1150, theme="dark"),
    Picture("history", "rate"),
    Picture("costs", "costs?range=all", height=1000),
    Picture("learning", "learning", height=1000),
    Picture("ship", "ship"),
    Picture("settings", "settings"),
)


@contextmanager
def served(folder: Path, requests: int) -> Iterator[str]:
    """The address of the app over a store with so many simulated requests; 0: over none."""
    if requests:
        store = open_store(folder / "router.duckdb", kind="simulated")
        generate(Settings(), store, requests)
        store.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {**os.environ, "ROUTER_SIMULATED": "1", "ROUTER_STORE": str(folder / "router.duckdb")}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).read()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def take(page: Page, server: str, picture: Picture) -> None:
    """One picture."""
    page.set_viewport_size({"width": picture.width, "height": picture.height})
    page.emulate_media(color_scheme=picture.theme)
    page.goto(f"{server}/{picture.address}")
    page.wait_for_selector(READY)
    picture.before(page)
    page.wait_for_timeout(SETTLED_MS)
    page.wait_for_selector(READY)
    page.screenshot(path=IMAGES / f"{picture.name}.png")


@click.command()
@click.option("--only", multiple=True, type=click.Choice([one.name for one in PICTURES]), help="Take these alone.")
@click.option("--requests", type=click.IntRange(1, 1_000_000), default=3_000, show_default=True)
def main(only: tuple[str, ...], requests: int) -> None:
    """Take the pictures of README and docs/tour.md anew."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        for empty in (True, False):
            with tempfile.TemporaryDirectory() as folder, served(Path(folder), 0 if empty else requests) as server:
                for picture in PICTURES:
                    if picture.empty is empty and (not only or picture.name in only):
                        take(page, server, picture)
                        click.echo(f"docs/images/{picture.name}.png")
        browser.close()


if __name__ == "__main__":
    main()
