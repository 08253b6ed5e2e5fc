"""What a way of choosing is worth beside every fixed model, and beside all random mixes of them.

Both are the smallest of several differences, each taken prompt by prompt. See hull.py for the line that mixes
form, judging.py for everything else in a row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router_core import intervals
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Estimate

Array = NDArray[np.float64]

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
    return _least(scored, paid, data.scores, data.cost_usd, worth_usd, rate, level)


def gain(scored: Array, paid: Array, data: Labelled, level: float) -> Estimate:
    """Accuracy above the best model, or random mix of two models, that costs no more.

    A mix has the share of the more expensive model that makes its cost the same. That share is read from the
    prompts too: dollars are turned into accuracy at the rate between its two models (the delta method).

    Args:
        scored, paid, data, level: as for ``advantage``.
    """
    accuracy, cost = data.scores.mean(axis=0), data.cost_usd.mean(axis=0)
    cheapest = int(np.argmin(cost))
    if paid.mean() <= cost[cheapest]:  # nothing is cheaper than the cheapest model
        paid = data.cost_usd[:, cheapest]
    spent = max(float(paid.mean()), float(cost[cheapest]))  # the same mean may differ in its last digit
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
    return _least(scored, paid, data.scores @ weights, data.cost_usd @ weights, 1.0, rate, level)


def _least(
    scored: Array, paid: Array, scores: Array, costs: Array, worth: float, rate: Array, level: float
) -> Estimate:
    """The smallest of worth * (difference in score) - rate * (difference in cost) over the columns (n, m).

    Its low end is the lowest of all: whichever column is the smallest in truth, it fails no more often than that
    one's own.
    """
    better = scored[:, None] - scores
    dearer = rate * (paid[:, None] - costs)
    values = worth * better - dearer
    low, high = intervals.mean(values, level, imagined=worth, around=-dearer.mean(axis=0))
    same = ~(better.any(axis=0) | dearer.any(axis=0))  # the model itself: nothing is left to chance
    low, high = np.where(same, 0.0, low), np.where(same, 0.0, high)
    return Estimate(float(values.mean(axis=0).min()), float(low.min()), float(high.min()))
