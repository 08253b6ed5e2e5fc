"""Recording one outcome and knowing the new posterior, alone and from eight threads."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Barrier, Thread

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from router_core.models.calls import Models
from router_core.serving.playground import Playground
from router_core.settings import Settings, SimulationSettings
from router_core.store import open_store

EACH = 100


@pytest.mark.parametrize("threads", [1, 8])
def test_outcome(benchmark: BenchmarkFixture, tmp_path: Path, threads: int) -> None:
    """Each thread rates its own answers and reads the posteriors after each."""
    settings = Settings(simulation=SimulationSettings(latency_scale=0))
    store = open_store(tmp_path / "bench.duckdb", kind="simulated")
    playground = Playground(settings, store, Models(settings, simulated=True))
    plans = [
        playground.compare([{"role": "user", "content": f"Is this spam? {i}"}], "default")
        for i in range(threads * EACH)
    ]
    ids = [plan.calls[0].completion_id for plan in plans]
    seconds: list[float] = []
    together = Barrier(threads)

    def rate(own: list[str]) -> None:
        together.wait()
        for completion_id in own:
            started = time.perf_counter()
            playground.rate(completion_id, 1.0)
            playground.posteriors("default")
            seconds.append(time.perf_counter() - started)

    def run() -> None:
        workers = [Thread(target=rate, args=(ids[i::threads],)) for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    playground.posteriors("default")
    benchmark.pedantic(run, rounds=1)
    assert sum(p.observations for p in playground.posteriors("default").values()) == threads * EACH
    benchmark.extra_info.update(
        label=f"one outcome and the new posterior, {threads} thread{'s' * (threads > 1)}",
        target="10 ms" if threads == 8 else "",
        seconds=seconds,
    )
    store.close()
