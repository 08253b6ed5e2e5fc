"""What a way of choosing is worth beside every fixed model, and beside all random mixes of them.

Both are the smallest of several differences, each taken prompt by prompt. See hull.py for the line that mixes
form, judging.py for everything else in a row.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from router_core import intervals
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Estimate

Array = NDArray[np.float64]

_HALVINGS = 14
_DOUBLINGS = 10  # a thousand times the break-even: "never", for all that anybody would pay
_NEAREST = 8  # mixes that are looked at more closely; all others are far worse


def advantage(scored: Array, paid: Array, data: Labelled, worth_usd: float, level: float) -> Estimate:
    """Dollars per prompt above the best fixed model, whichever that is.

    Args:
        scored, paid: (n,), what the way of choosing scored and cost on every prompt.
        data: the scores and costs of every model.
        worth_usd: of a good answer.
        level: of the interval.
    """
    rate = np.ones(len(data.models))
    return _least(scored, paid, data.scores, data.cost_usd, worth_usd, rate, level, data.weights)


def worth_over(
    scores: Array, money: Array, worth_usd: float, level: float, weights: Array | None = None
) -> intervals.Ends:
    """The interval of what one model brings more than another at this worth of a good answer.

    Args:
        scores, money: (n,), differences in score and in cost on every prompt.
        worth_usd, level: as for ``advantage``.
        weights: (n,), how many prompts each row stands for; None: one.
    """
    around = -float(intervals.average(money, weights))
    return intervals.mean(worth_usd * scores - money, level, worth_usd, around, weights)


def break_even(
    scores: Array, money: Array, level: float, weights: Array | None = None
) -> tuple[float, float | None, float | None] | None:
    """The worth of a good answer from which the more expensive of two models pays, and its interval.

    The interval holds the worths at which neither is proven to be the better buy (Fieller 1954, here by search);
    an end is None where that goes on for ever. None altogether where the more expensive model is not the more
    accurate one.

    Args:
        scores, money, level, weights: as for ``worth_over``.
    """
    better, dearer = float(intervals.average(scores, weights)), float(intervals.average(money, weights))
    if better * dearer <= 0.0:
        return None
    if better < 0.0:
        scores, money = -scores, -money
    even = dearer / better

    def cheaper_is_proven(worth: float) -> bool:
        return float(worth_over(scores, money, worth, level, weights)[1]) < 0.0

    def dearer_is_proven(worth: float) -> bool:
        return float(worth_over(scores, money, worth, level, weights)[0]) > 0.0

    low = _turn(cheaper_is_proven, 0.0, even) if cheaper_is_proven(0.0) else None
    high = None
    for doubled in range(_DOUBLINGS):
        far = even * 2.0**doubled
        if dearer_is_proven(far):
            high = _turn(dearer_is_proven, far, far / 2.0)
            break
    return even, low, high


def _turn(proven: Callable[[float], bool], holds: float, fails: float) -> float:
    """Where it stops to be proven, between a worth at which it is and one at which it is not; by halving."""
    for _ in range(_HALVINGS):
        middle = (holds + fails) / 2.0
        holds, fails = (middle, fails) if proven(middle) else (holds, middle)
    return holds


def gain(scored: Array, paid: Array, data: Labelled, level: float) -> Estimate:
    """Accuracy above the best model, or random mix of two models, that costs no more.

    A mix has the share of the more expensive model that makes its cost the same. That share is read from the
    prompts too: dollars are turned into accuracy at the rate between its two models (the delta method).

    Args:
        scored, paid, data, level: as for ``advantage``.
    """
    accuracy, cost = data.mean(data.scores), data.mean(data.cost_usd)
    cheapest = int(np.argmin(cost))
    if data.mean(paid) <= cost[cheapest]:  # nothing is cheaper than the cheapest model
        paid = data.cost_usd[:, cheapest]
    spent = max(float(data.mean(paid)), float(cost[cheapest]))  # the same mean may differ in its last digit
    mixes, rates = [], []
    for low in np.flatnonzero(cost <= spent):
        mixes.append(np.eye(len(cost))[low])
        rates.append(0.0)
        for high in np.flatnonzero(cost > spent):
            part = (spent - cost[low]) / (cost[high] - cost[low])
            mixes.append((1.0 - part) * np.eye(len(cost))[low] + part * np.eye(len(cost))[high])
            rates.append(float((accuracy[high] - accuracy[low]) / (cost[high] - cost[low])))
    nearest = np.argsort([-float(mix @ accuracy) for mix in mixes], kind="stable")[:_NEAREST]
    weights, rate = np.array(mixes)[nearest].T, np.array(rates)[nearest]
    return _least(scored, paid, data.scores @ weights, data.cost_usd @ weights, 1.0, rate, level, data.weights)


def _least(
    scored: Array,
    paid: Array,
    scores: Array,
    costs: Array,
    worth: float,
    rate: Array,
    level: float,
    prompts: Array | None,
) -> Estimate:
    """The smallest of worth * (difference in score) - rate * (difference in cost) over the columns (n, m).

    Its low end is the lowest of all: whichever column is the smallest in truth, it fails no more often than that
    one's own. ``prompts``: how many each row stands for.
    """
    better = scored[:, None] - scores
    dearer = rate * (paid[:, None] - costs)
    values = worth * better - dearer
    around = -intervals.average(dearer, prompts)
    low, high = intervals.mean(values, level, worth, around, prompts)
    same = ~(better.any(axis=0) | dearer.any(axis=0))  # the model itself: nothing is left to chance
    low, high = np.where(same, 0.0, low), np.where(same, 0.0, high)
    means = intervals.average(values, prompts)
    return Estimate(float(means.min()), float(low.min()), float(high.min()))
