"""A server as `make run` starts it, and a page in a real Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page, expect, sync_playwright

from router_core.demo.traffic import generate
from router_core.settings import Settings, SimulationSettings
from router_core.store import open_store
from tests.conftest import find_browser

ROOT = Path(__file__).parents[2]
RUNNING = '[data-testid="stApp"][data-test-connection-state="CONNECTED"]'
READY = f'{RUNNING}[data-test-script-state="notRunning"]'

PATIENCE_MS = 120_000  # on a busy machine everything comes, but late; what never comes is the exception
expect.set_options(timeout=PATIENCE_MS)


class Server:
    """The app in a process of its own; stopping it releases the store."""

    def __init__(
        self,
        folder: Path,
        latency_scale: float,
        environ: Mapping[str, str] | None = None,
        script: str = "app.py",
        **parts: Any,
    ) -> None:
        settings = folder / "settings.json"
        simulation = SimulationSettings(latency_scale=latency_scale)
        settings.write_text(Settings(simulation=simulation, **parts).document())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        variables = {
            **os.environ,
            "ROUTER_SIMULATED": "1",
            "ROUTER_STORE": str(folder / "router.duckdb"),
            "ROUTER_SETTINGS": str(settings),
            **(environ or {}),
        }
        command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(self.port)]
        with (folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5).read()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError((folder / "server.log").read_text())

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(PATIENCE_MS / 1000)


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server on this test's own store, with these parts of the settings, as ``environ`` further variables,
    and as ``script`` what Streamlit runs in place of app.py; at the end all are stopped.
    """  # fmt: skip
    servers: list[Server] = []

    def start(latency_scale: float = 0.1, **parts: Any) -> Server:
        servers.append(Server(tmp_path, latency_scale, **parts))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(start_server: Callable[..., Server], tmp_path: Path) -> Server:
    """With 300 requests."""
    store = open_store(tmp_path / "router.duckdb", kind="simulated")
    generate(Settings(), store, 300)
    store.close()
    return start_server()


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserType]:
    """How a Chromium is started. It ends with its module: while Playwright runs, its thread has a running event
    loop, and no test of another module could begin one.
    """  # fmt: skip
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="module")
def browser(chromium: BrowserType) -> Iterator[Browser]:
    """One Chromium for all tests of a module."""
    opened = launch(chromium)
    yield opened
    opened.close()


def launch(chromium: BrowserType, *switches: str) -> Browser:
    """A Chromium, with these switches."""
    path = find_browser()
    assert path is not None, "these tests need Chromium: apt-get install chromium"
    usual = ("--no-sandbox", "--disable-dev-shm-usage")
    return chromium.launch(executable_path=path, args=[*usual, *switches])


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page, which must not log errors to its console."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # On a first visit to a deep link Streamlit looks for its server below the page's own address first.
        probe = "/_stcore/" in message.location.get("url", "") and "404" in message.text
        if message.type == "error" and not probe:
            errors.append(message.text)

    opened.on("console", hear)
    yield opened
    context.close()
    assert errors == []


def ready(page: Page) -> None:
    """Wait until the script has run and the form is there."""
    page.wait_for_selector(READY)
    expect(page.locator(".st-key-send button")).to_be_visible()


def send(page: Page, prompt: str) -> None:
    """Type a prompt and send it by keyboard."""
    box = page.locator(".st-key-prompt textarea")
    box.fill(prompt)
    box.press("Control+Enter")


def answers(page: Page, count: int) -> None:
    """Wait until so many answers are complete and may be rated."""
    expect(page.locator('[class*="st-key-thumb-"] button:not([disabled])')).to_have_count(2 * count)
