"""What money buys without any router: each model alone, and random mixes of two, which form the convex hull.

A router is worth something only above this line.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def best_accuracy(accuracy: Array, cost_usd: Array, budget_usd: Array) -> Array:
    """The highest accuracy that a model, or a random mix of two models, has at no more than this mean cost.

    A budget below the cheapest model buys that model all the same: nothing is cheaper.

    Args:
        accuracy: (..., k), of each model alone.
        cost_usd: (..., k), mean cost of one call of each model.
        budget_usd: (...), mean cost per prompt.

    Returns:
        (...)
    """
    budget = np.maximum(budget_usd, cost_usd.min(axis=-1))
    best = np.where(cost_usd <= budget[..., None], accuracy, -np.inf).max(axis=-1)
    return np.asarray(np.maximum(best, _mixes(cost_usd, accuracy, budget).max(axis=-1)))


def lowest_cost(accuracy: Array, cost_usd: Array, wanted: Array) -> Array:
    """The lowest mean cost at which a model, or a random mix of two models, is at least this accurate.

    Beyond the best model nothing can be bought: then it is what the best model costs, which makes savings against
    it an understatement.

    Args:
        accuracy: (..., k), of each model alone.
        cost_usd: (..., k), mean cost of one call of each model.
        wanted: (...), accuracy.

    Returns:
        (...), in dollars per prompt.
    """
    wanted = np.minimum(wanted, accuracy.max(axis=-1))
    alone = np.where(accuracy >= wanted[..., None], cost_usd, np.inf).min(axis=-1)
    return np.asarray(np.minimum(alone, -_mixes(accuracy, -cost_usd, wanted).max(axis=-1)))


def on_hull(accuracy: Array, cost_usd: Array) -> list[int]:
    """The models (k,) on the hull, cheap to expensive: the others are never worth their money, mixed or not."""
    kept = []
    for model in range(len(accuracy)):
        others = (np.delete(accuracy, model), np.delete(cost_usd, model))
        cheapest = not others[1].size or cost_usd[model] < others[1].min()
        if cheapest or accuracy[model] > best_accuracy(*others, np.asarray(cost_usd[model])):
            kept.append(model)
    return sorted(kept, key=lambda model: float(cost_usd[model]))


def _mixes(x: Array, y: Array, at: Array) -> Array:
    """The y of every mix of two models whose x is exactly ``at``; -inf where there is none: (..., k * k)."""
    left, right = x[..., :, None], x[..., None, :]
    point = at[..., None, None]
    within = (left < point) & (point <= right)
    share = np.divide(point - left, right - left, out=np.zeros(within.shape), where=within)
    mixed = (1.0 - share) * y[..., :, None] + share * y[..., None, :]
    return np.where(within, mixed, -np.inf).reshape(*within.shape[:-2], -1)
