"""Decisions while 64 threads rate as fast as they can: contextual sampling paired with Thompson sampling.

Raters rate answers that nobody has rated, or change ratings; a change is learned anew from the place of the first
rating. How far the decided state was behind is printed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event, Thread

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.conftest import percentile
from router_core.demo.traffic import generate
from router_core.serving.library import PolicyName, Router
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Store
from router_core.validation import validated

RATERS, DECISIONS, NEW = 64, 200, 1_000
ASKED = [{"role": "user", "content": "Explain in a few words why the theorem about manifolds fails. " * 10}]
SETTINGS = validated(
    Settings,
    {
        "contextual": {"ask_classifier": "never", "gain_every": 0},
        "simulation": {"latency_scale": 0},
    },
)


@pytest.fixture
def a_log(tmp_path: Path) -> Iterator[Store]:
    """A file with 4,000 simulated requests and their ratings."""
    store = open_store(tmp_path / "router.duckdb", kind="simulated")
    generate(SETTINGS, store, 4_000, until=datetime(2026, 1, 1, tzinfo=UTC))
    yield store
    store.close()


@pytest.mark.parametrize("rated", ["new answers", "old answers"])
@pytest.mark.parametrize("policy", ["thompson", "contextual"])
def test_deciding_beside_raters(benchmark: BenchmarkFixture, a_log: Store, policy: PolicyName, rated: str) -> None:
    """One thread that decides, with 5 ms between two decisions."""
    stop, place, acknowledged = Event(), count(), count()
    old = [one.completion_id for one in a_log.decisions()]
    seconds, outcomes, ms = [], [], []
    with Router(settings=SETTINGS, store=a_log, simulated=True, policy=policy) as router:
        ids = old
        if rated == "new answers":
            with Router(settings=SETTINGS, store=a_log, simulated=True, policy="heuristic") as quick:
                ids = [asked(quick) for _ in range(NEW)]
        router.decide(ASKED)

        def rate() -> None:
            while not stop.is_set():
                number = next(place)
                router.report_outcome(ids[number % len(ids)], number // len(ids) % 2)
                next(acknowledged)

        raters = [Thread(target=rate) for _ in range(RATERS)]
        for one in raters:
            one.start()
        began = time.perf_counter()
        for _ in range(DECISIONS):
            started = time.perf_counter()
            decision = router.decide(ASKED)
            seconds.append(time.perf_counter() - started)
            if decision.seen is not None:
                outcomes.append(float(decision.seen.outcomes_behind))
                ms.append(decision.seen.behind_ms)
            time.sleep(0.005)
        took = time.perf_counter() - began
        stop.set()
        for one in raters:
            one.join()
    benchmark.pedantic(lambda: None, rounds=1)
    label = f"{policy}, a decision beside {RATERS} raters of {rated}"
    benchmark.extra_info.update(label=label, target="p95 20 ms", seconds=seconds)
    behind = (
        f"; behind by {percentile(outcomes, 0.5):.0f} outcomes or {percentile(ms, 0.5):.0f} ms (median),"
        f" {percentile(outcomes, 0.95):.0f} or {percentile(ms, 0.95):.0f} (p95)"
        if outcomes
        else ""
    )
    print(f"\n{label}: {next(acknowledged) / took:,.0f} ratings a second{behind}")


def asked(router: Router) -> str:
    """The id of an answer that nobody has rated."""
    response = router.completion(ASKED, return_request_id=True)
    assert isinstance(response, tuple)
    return response[1]
