"""The verdict on real labelled prompts: figures that are known from elsewhere, and how long it takes.

Reads ../shared/data beside the project; where that is absent it says so and leaves these rows out.
"""

from __future__ import annotations

import resource
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from router_core.evaluation.by_file.conclusion import verdict
from router_core.evaluation.by_file.replay import thompson_life
from router_core.evaluation.by_file.report import evaluate
from router_core.evaluation.files.reading import read_labelled
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Estimate, Report
from router_core.settings import GoalSettings

DATA = Path(__file__).parents[2] / "shared" / "data"
EVERYTHING = ("random", "length", "heuristic", "points", "thompson", "oracle")


@cache
def data(name: str) -> Labelled:
    """A file of real prompts; one of them has a score below 0, which is clipped."""
    path = DATA / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the project (in ../shared/data); this row is left out")
    return read_labelled(path, out_of_range="clip")


@cache
def report(name: str) -> Report:
    """The usual report."""
    return evaluate(EVERYTHING, data(name))


def memory() -> str:
    """The most this process has held."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB at most so far in this process"


def holds(found: Estimate | None, figure: float) -> bool:
    """Whether a published figure lies within the interval."""
    return found is not None and found.low - 1e-9 <= figure <= found.high + 1e-9


def test_read(benchmark: BenchmarkFixture) -> None:
    """28,074 rows of text and scores."""
    data("mmlu_mixtral_gpt4")
    benchmark.extra_info.update(label="read 14,037 prompts x 2 models", target="1 s")
    benchmark.pedantic(read_labelled, args=(DATA / "mmlu_mixtral_gpt4.csv.gz",), rounds=5)


def test_whole_report(benchmark: BenchmarkFixture) -> None:
    """14,037 prompts x 2 models, 1,000 bootstrap draws, 20 lives of Thompson sampling."""
    prompts = data("mmlu_mixtral_gpt4")
    benchmark.extra_info.update(label="the whole report on 14,037 prompts", target="15 s")
    found = benchmark.pedantic(evaluate, args=(EVERYTHING, prompts), rounds=3)
    assert found.draws == 1000
    assert found.shuffles == 20
    print(f"\nthe whole report: {memory()}")


def test_learning_replay(benchmark: BenchmarkFixture) -> None:
    """One life over a million rows, posteriors refreshed every 1,000."""
    rng = np.random.default_rng(0)
    scores = (rng.random((1_000_000, 2)) < [0.7, 0.9]).astype(np.float64)
    benchmark.extra_info.update(label="learning replay, 1,000,000 rows, refresh 1,000", target="300 ms")
    seeds = iter(range(1000))
    benchmark.pedantic(
        lambda: thompson_life(scores, [0.001, 0.016], GoalSettings(), next(seeds), refresh=1000), rounds=10
    )
    print(f"\nlearning replay: {memory()}")


@pytest.mark.parametrize(
    ("name", "length", "rules"), [("gsm8k_mixtral_gpt4", 0.597, 0.508), ("mmlu_mixtral_gpt4", 0.583, 0.532)]
)
def test_published_baselines(benchmark: BenchmarkFixture, name: str, length: float, rules: float) -> None:
    """Random has CPT50 50 %, CPT80 80 %, APGR .500 (Ong et al. 2024, tables 2 and 3, within their noise).

    Length and the rules are as measured before; the rules are not better than a random mix, and length orders
    prompts better than they do.
    """
    found = benchmark.pedantic(report, args=(name,), rounds=1)
    benchmark.extra_info.update(label=f"known figures hold: {name}")
    random, by_length, points = found.row("random"), found.row("length"), found.row("points")
    assert holds(random.apgr, 0.500)
    assert holds(random.cpt50, 0.50)
    assert holds(random.cpt80, 0.80)
    assert holds(by_length.apgr, length)
    assert holds(points.apgr, rules)
    as_set = found.row("heuristic").gain
    assert as_set is not None
    assert as_set.low <= 0 <= as_set.high
    assert points.apgr_over_length is not None
    assert points.apgr_over_length.high < 0


@pytest.mark.parametrize(("name", "least"), [("mmlu_mixtral_gpt4", 0.68), ("gsm8k_mixtral_gpt4", 0.63)])
def test_learned_score(benchmark: BenchmarkFixture, name: str, least: float) -> None:
    """Out of sample it orders prompts better than the best published trained router (.603 and .622) and length."""
    prompts = data(name)
    found = benchmark.pedantic(evaluate, args=(("length", "learned"), prompts), rounds=1)
    row = found.row("learned")
    assert row.apgr is not None
    benchmark.extra_info.update(label=f"learned score, APGR {row.apgr.value:.3f}: {name}")
    print(f"\n{name}: APGR {row.apgr.value:.3f} ({row.apgr.low:.3f} to {row.apgr.high:.3f}), over length:"
          f" {row.apgr_over_length}")  # fmt: skip
    assert row.apgr.value >= least
    assert row.apgr_over_length is not None


@pytest.mark.parametrize(
    ("name", "start"),
    [
        (
            "routerarena_haiku_gemini",
            "Use gemini-2.0-flash-001 for everything. claude-3-haiku-20240307 is more expensive",
        ),
        ("gsm8k_gpt4omini_gpt4o", "Use gpt-4o-mini-2024-07-18 for everything. It is within 5 points of gpt-4o"),
    ],
)
def test_verdicts(benchmark: BenchmarkFixture, name: str, start: str) -> None:
    """More expensive and worse is dominated; cheap and within five points is enough, with its break-even."""
    found = benchmark.pedantic(lambda: verdict(report(name)), rounds=1)
    benchmark.extra_info.update(label=f"known verdict holds: {name}")
    assert found.sentence.startswith(start)
    if "within" in start:
        assert any("pays once a good answer is worth more than $0.069" in one for one in found.reasons)
