"""What every test starts from: no keys, no store and no settings from the machine it runs on."""

from __future__ import annotations

import gc
import os
import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """The path of an installed Chromium, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name == "OPENAI_API_KEY" or name.startswith("ROUTER_")]:
        monkeypatch.delenv(name)


def _browser_left_out() -> bool:
    return find_browser() is None and os.environ.get("REQUIRE_BROWSER") != "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the statistical tests slow; leave those in a browser out where there is none, unless obligatory."""
    for item in items:
        if "statistical" in item.path.parts:
            item.add_marker("slow")
    left_out = [item for item in items if item.get_closest_marker("browser")] if _browser_left_out() else []
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out: the processes that run the tests have no terminal."""
    if _browser_left_out():
        terminalreporter.write_line(
            "No Chromium found: the browser tests were left out (apt-get install chromium)."
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let the collector see again what the app's pages froze, so that the interpreter ends without complaints."""
    gc.unfreeze()
