"""The control panel with a hundred and with a million requests: reruns, every chart's query, memory."""

from __future__ import annotations

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from streamlit.testing.v1 import AppTest

from pages import resources
from router_core.analytics import SAMPLED, View, extent
from router_core.demo import generate
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Search, Store

ROOT = Path(__file__).parents[1]
SIZES = {100: "60 ms", 1_000_000: "p95 150 ms"}
QUESTIONS = (
    "calls",
    "split",
    "deciding",
    "latency",
    "cost_per_call",
    "reference",
    "rated",
    "same_prompts",
    "labels",
)
ROUNDS = 30


@pytest.fixture(scope="module", params=list(SIZES))
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A store of so many requests; how long that took is printed for the large one."""
    path = tmp_path_factory.mktemp("panel") / "panel.simulated.duckdb"
    store = open_store(path, kind="simulated")
    started = datetime.now(UTC)
    generate(Settings(), store, request.param)
    print(f"\n{request.param:,} simulated requests in {(datetime.now(UTC) - started).total_seconds():.1f} s")
    store.close()
    return path, request.param


@pytest.mark.parametrize("page", ["playground", "costs", "learning", "evidence", "history", "settings"])
def test_rerun(
    benchmark: BenchmarkFixture, place: tuple[Path, int], page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One rerun on the server, nothing changed since the last."""
    path, size = place
    monkeypatch.setenv("ROUTER_STORE", str(path))
    monkeypatch.setenv("ROUTER_SIMULATED", "1")
    at = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60).run()
    if page != "playground":
        at.switch_page(f"{page}.py").run()
    benchmark.extra_info.update(label=f"rerun of {page}, {size:,} requests", target=SIZES[size])
    benchmark.pedantic(at.run, rounds=ROUNDS, warmup_rounds=3)
    assert not at.exception
    resources.release()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{page}, {size:,} requests: at most {memory:,.0f} MB so far in this process")


@pytest.mark.parametrize("span", ["24 h", "all"])
@pytest.mark.parametrize("question", QUESTIONS)
def test_question(benchmark: BenchmarkFixture, place: tuple[Path, int], question: str, span: str) -> None:
    """One chart's question to the log."""
    path, size = place
    store: Store = open_store(path, kind="simulated")
    held = extent(store)
    assert held.since is not None
    assert held.until is not None
    since = held.since if span == "all" else held.until - timedelta(days=1)
    view = View(since, held.until + timedelta(seconds=1), "default")
    parameters = {
        "since": view.since.replace(tzinfo=None), "until": view.until.replace(tzinfo=None), "goal": "default",
        "policy": None, "arm": None, "origin": None, "bucket": view.bucket_s,
        "every": max(1, held.completions // SAMPLED), "precedence": ["thumb", "api", "condition"],
        "cheap": "openai/gpt-4o-mini", "strong": "openai/gpt-4o",
        "cheap_in": 0.15e-6, "cheap_out": 0.6e-6, "strong_in": 2.5e-6, "strong_out": 10e-6,
    }  # fmt: skip
    benchmark.extra_info.update(label=f"question {question}, {span} of {size:,} requests", target="60 ms")
    benchmark.pedantic(store.table, args=(question, parameters), rounds=15, warmup_rounds=2)
    store.close()


@pytest.mark.parametrize("search", [Search(), Search(text="porto"), Search(rated=True), Search(policy="thompson")])
def test_history_page(benchmark: BenchmarkFixture, place: tuple[Path, int], search: Search) -> None:
    """Fifty prompts with all that followed."""
    path, size = place
    store = open_store(path, kind="simulated")
    what = search.text or search.policy or ("rated" if search.rated else "newest")
    benchmark.extra_info.update(label=f"fifty prompts, {what}, of {size:,}", target="60 ms")
    benchmark.pedantic(store.find, args=(search, 50), rounds=15, warmup_rounds=2)
    store.close()
