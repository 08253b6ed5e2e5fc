"""How fast a batch asks a provider that answers at once, and how much memory it takes with more prompts."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.test_gateway import _process, _serve_provider
from router_core.collecting.batch import forget
from router_core.collecting.beginning import prepare
from router_core.collecting.run import BatchRun
from router_core.settings import Settings
from router_core.store import open_store
from router_core.validation import validated

PROMPTS = 3_000


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """Two models at a provider in a process of its own."""
    with _process(_serve_provider) as (_, port):
        arms = [{"model": "local/small"}, {"model": "local/large"}]
        document = {
            "providers": {"local": {"base_url": f"http://127.0.0.1:{port}/v1", "api_key_env": None}},
            "goals": {"default": {"arms": arms}},
            "classifier": {"model": "local/small"},
        }
        yield validated(Settings, document)


@pytest.mark.parametrize("count", [300, PROMPTS])
def test_batch(benchmark: BenchmarkFixture, settings: Settings, tmp_path: Path, count: int) -> None:
    """Calls a second, checked, with a limit; asked: 200."""
    place = tmp_path / "prompts.txt"
    place.write_text("\n".join(f"Is the number {n} larger than its neighbour?" for n in range(count)))
    priced = settings.model_copy(
        update={"priced_as": {"local/small": "openai/gpt-4o-mini", "local/large": "openai/gpt-4o"}}
    )
    store = open_store(tmp_path / "router.duckdb")

    def ask() -> None:
        batch, _ = prepare(priced, store, place, check="regex:word", limit_usd=None, at_once=32)
        found = BatchRun(priced, store, batch, environ={}).run()
        assert found.standing.answered == 2 * count
        forget(store, batch.id)

    benchmark.pedantic(ask, rounds=1, warmup_rounds=0)
    seconds = benchmark.stats.stats.median
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nbatch of {count:,} x 2: {2 * count / seconds:,.0f} calls a second, at most {most_mb:,.0f} MB")
    store.close()
