"""Lives of the router by task draw as its policy computes, and pooled intervals hold the truth."""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv

from router_core.evaluation.by_file.by_task import by_task_life
from router_core.learning.beta import best_probabilities
from router_core.learning.pooling import TaskBeliefs, correlation, pooled
from router_core.settings import GoalSettings
from router_core.types import ByTask, Evidence

ARMS = ("p/a", "p/b")


def test_a_life_draws_with_the_policys_chances() -> None:
    """4,000 prompts that come after 40: their models, drawn at one look, are as many as the chances say."""
    rng = np.random.default_rng(5)
    tasks = np.concatenate([np.arange(40) % 2, rng.integers(2, size=4000)]).astype(np.intp)
    scores = np.column_stack([np.where(tasks == 0, 1.0, 0.0), np.full(4040, 0.6)])
    goal = GoalSettings(starting_strength=0.0, exploration=0.05, success_value_usd=0.01)
    counts: list[np.ndarray] = []
    expected: list[np.ndarray] = []
    for seed in range(60):
        life = by_task_life(tasks, scores, (0.001, 0.002), goal, seed, refresh=40)
        asked, good = np.zeros((2, 2)), np.zeros((2, 2))
        first = life.order[:40]
        np.add.at(asked, (tasks[first], life.chosen[:40]), 1.0)
        np.add.at(good, (tasks[first], life.chosen[:40]), scores[first, life.chosen[:40]])
        evidence: ByTask = {
            f"t{task}": {
                arm: Evidence(int(asked[task, at]), round(good[task, at] * 1e6)) for at, arm in enumerate(ARMS)
            }
            for task in range(2)
        }
        believed = TaskBeliefs(evidence, ARMS, (1.0, 1.0))
        here = life.order[40:80]
        for task in range(2):
            best = best_probabilities([one.posterior for one in believed.of(f"t{task}")], [0.001, 0.002], 0.01)
            among = life.chosen[40:80][tasks[here] == task]
            counts.append(np.array([len(among), (among == 1).sum()]))
            expected.append(np.array([0.05 + 0.9 * best[1]]))
    drawn = sum(int(one[1]) for one in counts)
    mean = sum(float(p[0]) * int(n[0]) for p, n in zip(expected, counts, strict=True))
    spread = sum(float(p[0]) * (1 - float(p[0])) * int(n[0]) for p, n in zip(expected, counts, strict=True)) ** 0.5
    assert abs(drawn - mean) < 4.5 * spread


def test_the_correlation_is_found() -> None:
    """Shares drawn from Beta(m mu, m (1 - mu)): the estimate is near 1 / (m + 1), over 200 worlds."""
    rng = np.random.default_rng(2)
    for rho in (0.02, 0.1, 0.3):
        within = 1 / rho - 1
        found = []
        for _ in range(200):
            theta = rng.beta(within * 0.7, within * 0.3, size=(12, 2))
            count = rng.integers(50, 200, size=(12, 2)).astype(float)
            found.append(correlation(count, rng.binomial(count.astype(int), theta).astype(float)))
        assert abs(np.mean(found) - rho) < 0.25 * rho + 0.005


def test_pooled_intervals_hold_the_truth() -> None:
    """Of 95 % intervals of a task's share, over 300 worlds of 10 tasks with few and many outcomes, 92 to 98 %."""
    rng = np.random.default_rng(4)
    held, asked = 0, 0
    for _ in range(300):
        mean, within = rng.uniform(0.2, 0.9), 1 / rng.uniform(0.02, 0.2) - 1
        theta = rng.beta(within * mean, within * (1 - mean), size=(10, 1))
        count = rng.integers(0, 60, size=(10, 1)).astype(float)
        good = rng.binomial(count.astype(int), theta).astype(float)
        rho = correlation(count, good)
        alpha, beta, _ = pooled(count, good, count.sum(axis=0), good.sum(axis=0), (1.0, 1.0), rho)
        low, high = betaincinv(alpha, beta, 0.025), betaincinv(alpha, beta, 0.975)
        held += int(((low <= theta) & (theta <= high)).sum())
        asked += theta.size
    assert 0.92 < held / asked < 0.98
