"""The stores that every store test runs on: a second implementation is one more name in ``STORES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router_core.store import open_store
from router_core.store.base import Store

STORES: dict[str, Callable[[Path], Store]] = {
    "duckdb file": lambda folder: open_store(folder / "router.duckdb"),
    "duckdb memory": lambda folder: open_store(":memory:"),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A fresh store of each sort."""
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()
