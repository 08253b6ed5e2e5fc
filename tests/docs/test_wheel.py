"""The wheel in environments of its own: the library without the app, and the app from a plain installation."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest

from router_core.shell.extras import EXTRAS
from tests.conftest import find_browser
from tests.installing import ROOT, installed, run, wheel_or_skipped

pytestmark = pytest.mark.slow

PATIENCE_S = 300.0
OURS = {"router_core", "router_playground", "router_playground-0.1.0.dist-info"}

IMPORTABLE = """
import sys
from importlib.util import find_spec
print(*(name for name in sys.argv[1:] if find_spec(name)))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project as a wheel."""
    return wheel_or_skipped(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def library(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the library alone."""
    return installed(tmp_path_factory.mktemp("library") / "venv", str(wheel))


def importable(programs: Path, names: Sequence[str], folder: Path) -> set[str]:
    """Which of these modules can be imported there."""
    return set(run(programs / "python", "-c", IMPORTABLE, *names, cwd=folder).split())


def test_what_the_wheel_holds(wheel: Path) -> None:
    """The library, its type marker and the published counts; app.py, every page and Streamlit's settings."""
    names = ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == OURS
    pages = {path.name for path in (ROOT / "pages").glob("*.py")}
    panel = {name.removeprefix("router_playground/") for name in names if name.startswith("router_playground/")}
    assert panel == {"app.py", ".streamlit/config.toml", *(f"pages/{name}" for name in pages)}
    core = {path.relative_to(ROOT).as_posix() for path in (ROOT / "router_core").rglob("*.py")}
    assert {name for name in names if name.startswith("router_core/")} == {
        *core,
        "router_core/py.typed",
        "router_core/evaluation/by_file/published.json",
    }


def test_the_library_works_without_the_app(library: Path, tmp_path: Path) -> None:
    """Nothing of the extras came with it, and it does its main job; the command says what the panel needs."""
    extras = [name for names in EXTRAS.values() for name in names]
    assert importable(library, [*extras, "app", "pages", "router_core"], tmp_path) == {"router_core"}
    assert run(library / "python", ROOT / "tests" / "main_job.py", cwd=tmp_path) == "done\n"
    assert "ok    versions" in run(library / "router-core", "doctor", "--offline", cwd=tmp_path)
    refused = subprocess.run([library / "router-core", "app"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.endswith("which is not installed: pip install 'router-playground[app]'\n")


@pytest.fixture
def panel(wheel: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The programs of an environment with the extra, and the address of the panel that runs from it."""
    programs = installed(tmp_path / "venv", f"{wheel}[app]")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = tmp_path / "there" / "router.duckdb"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [programs / "router-core", "app", "--port", str(port), "--store", place, "--simulated"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE_S
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).read()
                break
            except OSError:
                running = process.poll() is None and time.monotonic() < deadline
                assert running, (tmp_path / "log").read_text()
                time.sleep(0.1)
        yield programs, url
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.mark.browser
def test_the_panel_runs_from_the_wheel(panel: tuple[Path, str], tmp_path: Path) -> None:
    """A verdict is shown and a prompt answered in the browser, in the project's own colours and on the store that
    was named; no module named app or pages is there for other programs.
    """  # fmt: skip
    from playwright.sync_api import expect, sync_playwright

    programs, url = panel
    assert importable(programs, ["app", "pages", "streamlit", "router_core"], tmp_path) == {
        "streamlit",
        "router_core",
    }
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_browser(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        page = chromium.new_page()
        page.set_default_timeout(1000 * PATIENCE_S)
        page.goto(url)
        expect(page.locator(".st-key-hero h3")).to_contain_text("gpt-4o-mini", timeout=1000 * PATIENCE_S)
        page.goto(f"{url}/try")
        box = page.locator(".st-key-prompt textarea")
        box.fill("Is this spam? You won a prize.")
        box.press("Control+Enter")
        good = page.locator('[class*="st-key-thumb-"] button:not([disabled])').first
        expect(good).to_be_visible(timeout=1000 * PATIENCE_S)
        colour = page.locator(".st-key-send button").evaluate("one => getComputedStyle(one).backgroundColor")
        chromium.close()
    assert colour == "rgb(36, 87, 166)"  # primaryColor of .streamlit/config.toml
    assert (tmp_path / "there" / "router.simulated.duckdb").exists()
