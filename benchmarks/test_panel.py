"""The control panel with a hundred and with a million requests: reruns, every chart's query, the memory."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import expect, sync_playwright
from pytest_benchmark.fixture import BenchmarkFixture
from streamlit.testing.v1 import AppTest

from router_core.demo.traffic import generate
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Batch, Search, Store
from router_core.types import Completion, Decision, Prompt
from router_core.views.costs import SAMPLED
from router_core.views.filters import View, extent
from tests.app.panel import forget, opened
from tests.browser.conftest import READY, Server
from tests.conftest import find_browser
from tests.store_rows import a_completion, a_decision, a_prompt

SIZES = {100: "p95 60 ms", 1_000_000: "p95 150 ms"}
QUESTIONS = (
    "calls", "split", "deciding", "versions", "latency", "cost_per_call", "reference", "unpriced", "rated",
    "same_prompts", "labels", "taught", "sources", "answered", "extent", "choices",
    "unrated_answers", "unrated_pairs",
)  # fmt: skip
PAGES = ("verdict", "playground", "costs", "learning", "history", "ship", "settings")
VISITED = ("", "try", "costs", "costs?range=all&tables=true", "learning?tables=true", "rate", "ship", "settings")
ROUNDS = 30


@pytest.fixture(scope="module", params=list(SIZES))
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A folder with a store of so many requests; how long that took is printed."""
    path = tmp_path_factory.mktemp("panel") / "router.simulated.duckdb"
    store = open_store(path, kind="simulated")
    started = time.perf_counter()
    generate(Settings(), store, request.param)
    print(f"\n{request.param:,} simulated requests in {time.perf_counter() - started:.1f} s")
    store.close()
    return path, request.param


@pytest.fixture
def visit(place: tuple[Path, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """A visit to the app on that store."""
    monkeypatch.setenv("ROUTER_STORE", str(place[0]))
    monkeypatch.setenv("ROUTER_SIMULATED", "1")
    forget()
    yield opened()
    forget()


@pytest.mark.parametrize("page", PAGES)
def test_rerun(benchmark: BenchmarkFixture, place: tuple[Path, int], visit: AppTest, page: str) -> None:
    """One rerun on the server, nothing changed since the last."""
    size = place[1]
    if page != "verdict":
        visit.switch_page(f"{page}.py").run()
    benchmark.extra_info.update(label=f"rerun of {page}, {size:,} requests", target=SIZES[size])
    benchmark.pedantic(visit.run, rounds=ROUNDS, warmup_rounds=3)
    assert not visit.exception
    assert not visit.error


def test_judging(benchmark: BenchmarkFixture, place: tuple[Path, int], visit: AppTest) -> None:
    """One verdict in the queue: stored, and the next screen with the table below it."""
    size = place[1]
    visit.switch_page("history.py").run()
    while not any(str(one.key).startswith("queue-verdict-") for one in visit.button):
        visit.run()

    def judge() -> None:
        next(one for one in visit.button if str(one.key).startswith("queue-verdict-")).click().run()

    benchmark.extra_info.update(label=f"a verdict in the queue, {size:,} requests", target=SIZES[size])
    benchmark.pedantic(judge, rounds=8, warmup_rounds=2)
    assert not visit.exception
    assert not visit.error


@pytest.mark.parametrize(("page", "span"), [("costs", "24 h"), ("costs", "all"), ("learning", "")])
def test_rerun_after_a_request(
    benchmark: BenchmarkFixture, place: tuple[Path, int], visit: AppTest, page: str, span: str
) -> None:
    """The same with one more request since the last, so that every figure and chart is made anew."""
    path, size = place
    visit.switch_page(f"{page}.py").run()
    if span:
        visit.segmented_control(key="range").set_value(span).run()
    store = open_store(path, kind="simulated")

    def another() -> None:
        now, id_ = datetime.now(UTC), str(uuid4())
        asked: Prompt = a_prompt(id=id_, created_at=now, origin="simulated")
        decided: Decision = a_decision(id=id_, prompt_id=id_, completion_id=id_, created_at=now)
        answered: Completion = a_completion(id=id_, prompt_id=id_, created_at=now, cost_usd=Decimal("0.001"))
        store.write(Batch([asked], [decided], [answered]))

    label = f"rerun of {page}{', ' * bool(span)}{span}, all made anew, {size:,} requests"
    benchmark.extra_info.update(label=label)
    benchmark.pedantic(visit.run, setup=another, rounds=15, warmup_rounds=2)
    assert not visit.exception
    assert not visit.error
    store.close()


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
    prices: dict[str, Any] = {
        "goals": ["default"], "cheap": ["openai/gpt-4o-mini"], "strong": ["openai/gpt-4o"],
        "cheap_in": [0.15e-6], "cheap_out": [0.6e-6], "strong_in": [2.5e-6], "strong_out": [10e-6],
    }  # fmt: skip
    parameters = View(since, held.until + timedelta(seconds=1), "default").parameters(
        every=max(1, held.completions // SAMPLED),
        precedence=["thumb", "api", "condition"],
        arms=["openai/gpt-4o-mini", "openai/gpt-4o"],
        strong="openai/gpt-4o",
        seed=1,
        **prices,
    )
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


def megabytes(pid: int, field: str) -> float:
    """A process's resident memory from /proc: VmRSS now, VmHWM at most so far."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def test_memory(benchmark: BenchmarkFixture, place: tuple[Path, int]) -> None:
    """The server as `make run` starts it, after a real browser opened every page twice."""
    path, size = place
    browser = find_browser()
    if browser is None or not Path("/proc/self/status").exists():
        pytest.skip("needs Chromium and /proc")
    server = Server(path.parent, latency_scale=0)
    try:
        with sync_playwright() as playwright:
            opened = playwright.chromium.launch(
                executable_path=browser, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            page = opened.new_page()

            def visit_all() -> None:
                for where in VISITED:
                    page.goto(f"{server.url}/{where}")
                    page.wait_for_selector(READY)
                    expect(page.locator('[data-testid="stMain"] [class*="st-key-"]').first).to_be_visible()

            benchmark.pedantic(visit_all, rounds=2)
            opened.close()
        now, most = megabytes(server.process.pid, "VmRSS"), megabytes(server.process.pid, "VmHWM")
    finally:
        server.stop()
    label = f"server with {size:,} requests: {now:.0f} MB, {most:.0f} MB at most; all pages"
    benchmark.extra_info.update(label=label, target="600 MB")
