"""One learner over all requests of all runs: choose, answer, learn, watch for drift, keep to a budget.

See judging.py for judging what came of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.simulation.learners import Learner
from benchmarks.simulation.world import Arms, Array, Traffic
from router_core.learning.drift import Alarm, DriftRule, Watch, observe
from router_core.money.budget import Budget, BudgetState, highest_price, update


@dataclass(frozen=True, slots=True)
class Sounded:
    """An alarm, and where: run, arm (index) and request."""

    run: int
    arm: int
    request: int
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Played:
    """The arms chosen (runs x requests), the alarms, and each run's budget at the end."""

    arms: Arms
    alarms: tuple[Sounded, ...] = ()
    budgets: tuple[BudgetState, ...] = ()


def features(*signals: Array) -> Array:
    """Runs x requests x (1 + signals): an intercept and the signals."""
    return np.stack([np.ones_like(signals[0]), *signals], axis=-1)


def play(
    learner: Learner,
    seen: Array,
    traffic: Traffic,
    price_of_cost: float,
    seed: int,
    drift: DriftRule | None = None,
    budget: Budget | None = None,
    exploration: float = 0.0,
) -> Played:
    """Let a learner decide every request and learn from every answer at once.

    Args:
        learner: fresh, made for as many runs as the traffic has.
        seen: runs x requests x features.
        traffic: what is asked and what would come of it.
        price_of_cost: lambda; what one call of the dearest model costs, in good answers. 0 ignores cost.
        seed: of the learner's own draws.
        drift: when to sound the alarm and forget; None: never.
        budget: a limit in calls of the dearest model; None: no limit. Its price comes on top of ``price_of_cost``.
        exploration: probability that every arm keeps whatever was learned, at most 1 / arms.
    """
    runs, requests = traffic.hard.shape
    random = np.random.default_rng([seed, 2])
    rows = np.arange(runs)
    count = len(traffic.world.arms)
    explored = min(1.0, count * exploration)
    chosen = np.empty((runs, requests), dtype=np.intp)
    watches = [[Watch() for _ in traffic.world.arms] for _ in range(runs)]
    states = [BudgetState()] * runs
    prices = np.full(runs, price_of_cost)
    alarms: list[Sounded] = []
    for request in range(requests):
        now, costs = seen[:, request], traffic.costs[request]
        arms = learner.choose(now, prices[:, None] * costs, random)
        if explored > 0.0:
            arms = np.where(random.random(runs) < explored, random.integers(count, size=runs), arms)
        chosen[:, request] = arms
        rewards = (traffic.luck[:, request] < traffic.chances[rows, request, arms]).astype(np.float64)
        predicted = learner.learn(now, arms, rewards)
        if drift is not None:
            for run, (arm, p, r) in enumerate(
                zip(arms.tolist(), predicted.tolist(), rewards.tolist(), strict=True)
            ):
                watches[run][arm], alarm = observe(watches[run][arm], p, r, drift)
                if alarm is not None:
                    learner.forget(run, arm, drift.keep)
                    alarms.append(Sounded(run, arm, request, alarm))
        if budget is not None:
            most = highest_price(budget, costs.tolist())
            states = [
                update(state, budget, spent, most)
                for state, spent in zip(states, costs[arms].tolist(), strict=True)
            ]
            prices = price_of_cost + np.array([state.price for state in states]) / budget.request_usd
    return Played(chosen, tuple(alarms), tuple(states) if budget is not None else ())
