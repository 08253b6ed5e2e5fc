"""One decision: Thompson sampling for 2, 5 and 10 arms, the rule set on a long prompt."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pytest
from numpy.polynomial.legendre import leggauss
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.stats import beta

from router_core.features import context
from router_core.learning.beta import best_probabilities
from router_core.policies.base import Known
from router_core.policies.heuristic import HeuristicPolicy
from router_core.policies.thompson import ThompsonPolicy
from router_core.settings import ArmSettings, GoalSettings, HeuristicSettings
from router_core.types import Arm, Candidate, Posterior

TARGETS = {2: "60 us", 5: "", 10: "500 us"}
PROMPT = ("Please read the following note and tell me what to do about the delayed shipment. " * 13)[:1000]
CONTEXT = context([{"role": "user", "content": PROMPT}], "default")


def posteriors(arms: int, seen: int = 0) -> list[Posterior]:
    """Posteriors of a few hundred outcomes; ``seen`` more on the first arm."""
    return [Posterior(40.0 + 9 * i + (seen if i == 0 else 0), 20.0 + 3 * i, 60 + 12 * i) for i in range(arms)]


def candidates(arms: int, seen: int = 0) -> tuple[Candidate, ...]:
    """Arms from cheap to strong."""
    return tuple(
        Candidate(Arm(f"p/m{i}", f"p/m{i}"), posterior, 1e-4 * (i + 1))
        for i, posterior in enumerate(posteriors(arms, seen))
    )


def policy(arms: int) -> ThompsonPolicy:
    """A policy over so many arms."""
    return ThompsonPolicy(GoalSettings(arms=tuple(ArmSettings(model=f"p/m{i}") for i in range(arms))))


def plain_quadrature(found: Sequence[Posterior], costs: Sequence[float], value: float) -> np.ndarray:
    """The textbook way: 64 nodes per arm, scipy.stats for every density and distribution function."""
    nodes, weights = leggauss(64)
    x, w = (nodes + 1) / 2, weights / 2
    chances = []
    for i, own in enumerate(found):
        product = beta.pdf(x, own.alpha, own.beta)
        for j, other in enumerate(found):
            if j != i:
                product = product * beta.cdf(x - (costs[i] - costs[j]) / value, other.alpha, other.beta)
        chances.append(float((w * product).sum()))
    return np.array(chances)


def monte_carlo(found: Sequence[Posterior], costs: Sequence[float], value: float) -> np.ndarray:
    """10,000 draws: good to about half a point."""
    draws = np.random.default_rng(0).beta([p.alpha for p in found], [p.beta for p in found], (10_000, len(found)))
    best = (value * draws - np.asarray(costs)).argmax(axis=1)
    return np.bincount(best, minlength=len(found)) / len(best)


@pytest.mark.parametrize("arms", [2, 5, 10])
def test_thompson_changed(benchmark: BenchmarkFixture, arms: int) -> None:
    """A decision after a posterior changed: computed."""
    benchmark.extra_info.update(label=f"Thompson, {arms} arms, posteriors changed", target=TARGETS[arms])
    asked = policy(arms)
    changed = cycle([candidates(arms, seen) for seen in range(4096)])  # four times what the policy remembers
    benchmark(lambda: asked.probabilities(CONTEXT, Known(next(changed))))


@pytest.mark.parametrize("arms", [2, 5, 10])
def test_thompson_unchanged(benchmark: BenchmarkFixture, arms: int) -> None:
    """A decision with nothing changed: remembered."""
    benchmark.extra_info.update(label=f"Thompson, {arms} arms, nothing changed", target="2 us")
    asked, given = policy(arms), candidates(arms)
    asked.probabilities(CONTEXT, Known(given))
    benchmark(asked.probabilities, CONTEXT, given)


@pytest.mark.parametrize("way", [best_probabilities, plain_quadrature, monte_carlo])
@pytest.mark.parametrize("arms", [2, 10])
def test_best_probabilities(benchmark: BenchmarkFixture, arms: int, way: object) -> None:
    """The integral alone, beside the textbook quadrature and sampling, one arm's posterior changed."""
    assert callable(way)
    benchmark.extra_info.update(label=f"P(best), {arms} arms, {way.__name__}")
    costs = [1e-4 * (i + 1) for i in range(arms)]
    changed = cycle([posteriors(arms, seen) for seen in range(4096)])
    benchmark(lambda: way(next(changed), costs, 0.05))


def test_rules(benchmark: BenchmarkFixture) -> None:
    """The rule set on 1,000 characters."""
    benchmark.extra_info.update(label="rules, prompt of 1,000 characters", target="20 us")
    rules = HeuristicPolicy(HeuristicSettings(), "p/m0", "p/m1")
    benchmark(rules.probabilities, CONTEXT, candidates(2))


def test_rules_whole_words(benchmark: BenchmarkFixture) -> None:
    """The same with keywords as whole words."""
    benchmark.extra_info.update(label="rules, 1,000 characters, whole words")
    rules = HeuristicPolicy(HeuristicSettings(whole_words=True), "p/m0", "p/m1")
    benchmark(rules.probabilities, CONTEXT, candidates(2))
