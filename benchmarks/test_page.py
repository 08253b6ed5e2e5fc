"""One rerun of the page Try on the server, beside that of an empty page."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from streamlit.testing.v1 import AppTest

from router_core.settings import Settings, SimulationSettings

ROUNDS = 60
ROOT = Path(__file__).parents[1]


def test_playground(benchmark: BenchmarkFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a comparison of two answers on it."""
    file = tmp_path / "settings.json"
    file.write_text(Settings(simulation=SimulationSettings(latency_scale=0)).document())
    monkeypatch.setenv("ROUTER_SETTINGS", str(file))
    monkeypatch.setenv("ROUTER_STORE", str(tmp_path / "page.duckdb"))
    monkeypatch.setenv("ROUTER_SIMULATED", "1")
    page = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=30).run()
    page.switch_page("playground.py").run()
    page.text_area(key="prompt").set_value("Write a memo that compares two leases and explain why.")
    page.toggle(key="run_all").set_value(True)
    page.button(key="send").click().run()
    while len(page.feedback) < 2:
        time.sleep(0.1)
        page.run()
    benchmark.extra_info.update(label="rerun of the page Try, two answers on it", target="p95 60 ms")
    benchmark.pedantic(page.run, rounds=ROUNDS, warmup_rounds=5)
    assert not page.exception


def test_empty_page(benchmark: BenchmarkFixture) -> None:
    """What Streamlit itself takes."""
    page = AppTest.from_string("import streamlit as st\nst.write('nothing')", default_timeout=30).run()
    benchmark.extra_info.update(label="rerun of an empty page")
    benchmark.pedantic(page.run, rounds=ROUNDS, warmup_rounds=5)
