"""A store that can only be read: every page shows it and says so; and the backup that the settings page makes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from router_core.store import open_store
from router_core.store.base import Search
from tests.app.conftest import Fill
from tests.app.panel import opened, texts


@pytest.mark.parametrize("page", ["verdict", "playground", "costs", "learning", "history", "ship", "settings"])
def test_every_page_is_shown(fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    """With what is in the store, and one sentence that nothing can be changed."""
    fill("demo")
    before = {file.name for file in tmp_path.iterdir()}
    real = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: mode != os.W_OK and real(place, mode))
    at = opened(page)
    assert "panel.simulated.duckdb can only be read" in texts(at)
    assert not at.error
    assert {file.name for file in tmp_path.iterdir()} == before


def test_a_backup_from_the_settings_page(fill: Fill, tmp_path: Path) -> None:
    """Beside the store, whole, and the page says where."""
    fill("demo")
    at = opened("ship")
    at.button("backup").click().run()
    (made,) = tmp_path.glob("backup-*.panel.simulated.duckdb")
    assert made.name in texts(at)
    assert "300 prompts" in texts(at)
    store = open_store(made, kind="simulated")
    assert store.count(Search()) == 300
    store.close()
