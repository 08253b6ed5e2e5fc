"""Judging another policy by a million logged rows, and reading them; pairs of answers."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from router_core.demo.traffic import generate
from router_core.evaluation.from_log.log import Log
from router_core.evaluation.from_log.offpolicy import ESTIMATORS, Estimator, estimate
from router_core.evaluation.from_log.targets import estimate_policy
from router_core.evaluation.from_log.traffic import Traffic, read_traffic
from router_core.evaluation.paired import paired_test
from router_core.settings import Settings
from router_core.store import open_store
from router_core.store.base import Store

ROWS = 1_000_000


def memory() -> str:
    """The most this process has used so far."""
    return f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB so far in this process"


@pytest.fixture(scope="module", params=[2, 3])
def rows(request: pytest.FixtureRequest) -> tuple[Log, np.ndarray]:
    """A million rated rows among two or three models, three features of the prompt; and a target."""
    models: int = request.param
    rng = np.random.default_rng(1)
    p = 0.02 + (1 - 0.02 * models) * rng.dirichlet(np.ones(models), ROWS)
    action = (rng.random(ROWS)[:, None] > p.cumsum(axis=1)).sum(axis=1).clip(0, models - 1)
    reward = (rng.random(ROWS) < 0.8).astype(float)
    features = rng.normal(4, 1, (ROWS, 3))
    log = Log(("A", "B", "C")[:models], p, action, reward, rng.random(ROWS) * 1e-3, features, np.arange(ROWS))
    return log, 0.02 + (1 - 0.02 * models) * rng.dirichlet(np.ones(models), ROWS)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_estimator(benchmark: BenchmarkFixture, rows: tuple[Log, np.ndarray], estimator: Estimator) -> None:
    """One estimator of the reward, with its interval."""
    log, target = rows
    label = f"{estimator} of {ROWS:,} rated rows, {len(log.arms)} models"
    benchmark.extra_info.update(label=label, target="" if estimator == "IPS" else "250 ms")
    asked = {"estimators": (estimator,), "quantities": ("reward",)}
    report = benchmark.pedantic(estimate, args=(target, log), kwargs=asked, rounds=15, warmup_rounds=2)
    assert report.of("reward", estimator).figure is not None
    print(f"\n{label}: {memory()}")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A million simulated requests."""
    opened = open_store(tmp_path_factory.mktemp("traffic") / "traffic.simulated.duckdb", kind="simulated")
    generate(Settings(), opened, ROWS)
    return opened


@pytest.fixture(scope="module")
def traffic(store: Store) -> Traffic:
    """All of it as arrays."""
    return read_traffic(store, Settings(), "default")


def test_reading(benchmark: BenchmarkFixture, store: Store) -> None:
    """The log as arrays: probabilities, rewards, costs, sizes, who belongs together."""
    benchmark.extra_info.update(label=f"the log of {ROWS:,} requests as arrays", target="")
    args = (store, Settings(), "default")
    read = benchmark.pedantic(read_traffic, args=args, rounds=5, warmup_rounds=1)
    assert len(read.log) > ROWS
    print(f"\nreading {ROWS:,} requests: {memory()}")


@pytest.mark.parametrize("policy", ["heuristic", "classifier", "thompson"])
def test_policy(benchmark: BenchmarkFixture, store: Store, traffic: Traffic, policy: str) -> None:
    """What a router would choose on every row, and every estimate of reward and cost."""
    benchmark.extra_info.update(label=f"{policy} judged by the log of {ROWS:,} requests, all estimates", target="")
    args = (store, Settings(), "default", policy, traffic)
    report = benchmark.pedantic(estimate_policy, args=args, rounds=5, warmup_rounds=1)
    assert report.of("reward").figure is not None


def test_pairs(benchmark: BenchmarkFixture) -> None:
    """The paired test with its path, its interval and how many more pairs."""
    rng = np.random.default_rng(2)
    cheap, strong = (rng.random((2, 10_000)) < 0.9).astype(float)
    benchmark.extra_info.update(label="paired test of 10,000 pairs", target="")
    benchmark.pedantic(paired_test, args=(cheap, strong), rounds=30, warmup_rounds=2)
