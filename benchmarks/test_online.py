"""Routers on the MMLU stream with bandit feedback alone, at several worths of a good answer, and without a signal.

Reads ../shared/data beside the project; where that is absent it says so and leaves these rows out. Prints a table
for each worth. As many processes as there are cores.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context

from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.online.command import text
from benchmarks.online.study import (
    FEATURES,
    WORDS,
    Online,
    Prepared,
    break_even_usd,
    online,
    prepared,
    without_signal,
)
from benchmarks.test_contextual import MMLU
from benchmarks.test_evidence import data

TIMES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Worths of a good answer, in what makes both models equally good buys."""
SHUFFLES = 20


@cache
def prompts(signal: bool) -> Prepared:
    """The stream, read once in each process."""
    return prepared(data(MMLU)) if signal else without_signal(prompts(True))


def played(signal: bool, times: float) -> Online:
    """One worth. Without a signal words are learned where they may matter most, to save time."""
    even = break_even_usd(prompts(True).labelled)
    assert even is not None
    return online(prompts(signal), times * even, shuffles=SHUFFLES, words=signal or times in (1.0, 2.0))


def all_played(signal: bool) -> list[Online]:
    """Every worth, and its table."""
    data(MMLU)
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        found = list(pool.map(played, [signal] * len(TIMES), TIMES))
    for times, one in zip(TIMES, found, strict=True):
        print(
            f"\n{times:g} x what makes both models equally good buys{'' if signal else ', no signal'}\n{text(one)}"
        )
    return found


def test_it_ends_above_the_hull(benchmark: BenchmarkFixture) -> None:
    """By more than its interval, but for the lowest worth, where no prompt is worth the more expensive model.

    Where both models are equally good buys, above the best fixed model by more than its interval, over shuffles
    and over prompts.
    """
    benchmark.extra_info.update(label=f"MMLU stream, {SHUFFLES} shuffles x {len(TIMES)} worths")
    found = benchmark.pedantic(all_played, args=(True,), rounds=1)
    for times, one in zip(TIMES, found, strict=True):
        over = one.path(WORDS).over_mix
        assert over.low > 0.0 or times < 0.5
    even = found[TIMES.index(1.0)].path(WORDS)
    assert even.over_best.low > 0.0
    assert even.over_best.value > 1.96 * even.over_best_error


def test_without_a_signal_it_ends_by_the_best_fixed_model(benchmark: BenchmarkFixture) -> None:
    """Within one standard error of it over the whole stream, set aside what exploration and start cost."""
    benchmark.extra_info.update(label=f"the same without a signal, {SHUFFLES} shuffles x {len(TIMES)} worths")
    found = benchmark.pedantic(all_played, args=(False,), rounds=1)
    for one in found:
        assert one.path(FEATURES).over_best.value > -one.floor - one.best_error
