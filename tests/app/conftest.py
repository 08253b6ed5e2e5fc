"""Stores of three sizes for the tests of pages: empty, demo and full."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router_core.demo.traffic import generate
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Store
from tests.app.asking import the_settings
from tests.app.panel import QUICK, forget, use

SIZES = {"empty": 0, "demo": 300, "full": 20_000}
Fill = Callable[[str], None]


@pytest.fixture(scope="session")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The file of a store of that size, made when it is first asked for."""
    folder = tmp_path_factory.mktemp("traffic")

    def file(size: str) -> Path:
        path = folder / f"{size}.simulated.duckdb"
        if not path.exists():
            store = open_store(path, kind="simulated")
            if SIZES[size]:
                generate(Settings(), store, SIZES[size])
            store.close()
        return path

    return file


@pytest.fixture
def fill(traffic: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fill]:
    """Gives the app a store of its own of one of the sizes."""
    use(tmp_path, monkeypatch)

    def filled(size: str) -> None:
        forget()
        shutil.copy(traffic(size), tmp_path / "panel.simulated.duckdb")

    yield filled
    forget()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The app with quick models and a store of its own, empty."""
    use(tmp_path, monkeypatch)
    yield
    forget()


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same, with models that are asked but once."""
    use(tmp_path, monkeypatch, the_settings())
    yield
    forget()


@pytest.fixture
def full(place: None) -> Iterator[Store]:
    """Its store with 600 requests, held open by the test too."""
    store = open_store(kind="simulated")
    generate(QUICK, store, 600)
    yield store
    store.close()
