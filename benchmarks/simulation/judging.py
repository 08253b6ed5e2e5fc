"""How good a run was: good answers, cost, regret, each with an interval over the runs.

Does not cover the luck of single answers: success is the chance of a good answer, summed over what was chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from benchmarks.simulation.fixed import mix_at
from benchmarks.simulation.world import Arms, Array, Traffic


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over runs and its 95 % interval (Student's t); with one run the interval has no width."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """One policy of the table.

    ``success`` and ``cost`` are shares per request (cost: of always asking the dearest model). ``regret`` is
    summed over the run. ``mix``: how often the random mix of fixed models succeeds at the same spend. ``alarms``:
    per run; None where nothing watches for drift. ``budget``: the limit on ``cost``; None where there is none.
    """

    policy: str
    success: Interval
    cost: Interval
    regret: Interval
    mix: float
    alarms: float | None = None
    budget: float | None = None


def judge(
    policy: str,
    arms: Arms,
    traffic: Traffic,
    price_of_cost: float,
    alarms: float | None = None,
    budget: float | None = None,
) -> Row:
    """Judge what was chosen.

    A request's utility is the chance of a good answer less ``price_of_cost`` times the cost of the call, in calls
    of the dearest model; regret is what the best model for that prompt, its difficulty known, would have had more.
    """
    success, cost = gains(arms, traffic)
    best = (traffic.chances - price_of_cost * traffic.costs).max(axis=2)
    regret = (best - (success - price_of_cost * cost)).sum(axis=1)
    spend = over_runs(cost.mean(axis=1))
    return Row(
        policy,
        over_runs(success.mean(axis=1)),
        spend,
        over_runs(regret),
        mix_at(traffic, spend.mean).success,
        alarms,
        budget,
    )


def gains(arms: Arms, traffic: Traffic) -> tuple[Array, Array]:
    """Runs x requests: chance of a good answer from the arm chosen, and what the call cost."""
    success = np.take_along_axis(traffic.chances, arms[:, :, None], axis=2)[:, :, 0]
    return success, traffic.costs[np.arange(traffic.requests), arms]


def over_runs(values: Array) -> Interval:
    """Mean and 95 % interval of one number per run."""
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, mean, mean)
    half = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)
