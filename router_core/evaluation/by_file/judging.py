"""A row for each way of choosing: accuracy and money with their intervals, beside what no router can do for less.

Differences are taken prompt by prompt. Intervals of claims are corrected for the number of routers (or fixed
models) looked at (Bonferroni); those of orders and savings come from the bootstrap. Does not cover learners and
words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router_core import intervals
from router_core.evaluation.by_file import curves
from router_core.evaluation.by_file.beside_fixed import advantage, break_even, gain, worth_over
from router_core.evaluation.by_file.hull import lowest_cost
from router_core.evaluation.by_file.resampling import LEVEL, Counts, bootstrap_means, estimate
from router_core.evaluation.by_file.routers import Choice, Pair
from router_core.evaluation.by_file.ways import LENGTH, RANDOM
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import CurvePoint, Estimate, Objective, Rival, Row

Array = NDArray[np.float64]


def utility(accuracy: Array, cost: Array, objective: Objective) -> Array:
    """Dollars where a good answer has a worth; good answers where there is a quality floor instead."""
    if objective.success_value_usd is None:
        return accuracy
    return objective.success_value_usd * accuracy - cost


def judged(
    data: Labelled,
    choices: list[Choice],
    best: int,
    objective: Objective,
    counts: Counts,
    tick: Callable[[float], None],
) -> tuple[list[Row], tuple[Rival, ...]]:
    """A row per choice, and the rivals of the best fixed model.

    Args:
        data: the prompts.
        choices: the fixed models first, in the order of the data.
        best: column of the best fixed model.
        objective: what is wanted.
        counts: of the bootstrap.
        tick: told the part that is done.
    """
    models = len(data.models)
    scored = np.stack([(one.probabilities * data.scores).sum(axis=1) for one in choices], axis=1)
    paid = np.stack([_paid(one, data) for one in choices], axis=1)
    drawn = bootstrap_means(counts, np.concatenate([scored, paid], axis=1))
    accuracy, cost = data.mean(scored), data.mean(paid)
    accuracies, costs = drawn[:, : len(choices)], drawn[:, len(choices) :]
    shares = intervals.share(scored, weights=data.weights)
    spent = intervals.mean(paid, weights=data.weights)
    routed = max(1, sum(one.kind in ("rule", "ranking", "trained") for one in choices))
    level = 1.0 - (1.0 - LEVEL) / routed
    priced = not np.isnan(cost[:models]).any()
    rows = []
    orders: dict[tuple[str, Pair | None], tuple[float, Array]] = {}  # name, pair -> APGR, and in every draw
    for at, choice in enumerate(choices):
        tick(at / len(choices))
        above = saving = over = None
        known = priced and not np.isnan(cost[at])
        if known and at != best:
            over = _advantage(scored[:, at], paid[:, at], data, best, objective, level)
        if known and choice.kind not in ("fixed", "mix"):
            above = gain(scored[:, at], paid[:, at], data, level)
            own = (accuracy[at], cost[at], accuracies[:, at], costs[:, at])
            saving = _saving(own, accuracy, cost, accuracies, costs, models, level)
        ranked = _ranked(choice, data, counts, orders) if choice.score is not None else {}
        rows.append(
            Row(
                choice.name,
                choice.label,
                choice.kind,
                _estimate(accuracy, shares, at),
                None if np.isnan(cost[at]) else _estimate(cost, spent, at),
                tuple(data.mean(choice.probabilities).tolist()),
                above,
                saving,
                over,
                note=choice.note,
                plan=choice.plan,
                **ranked,
            )
        )
    return rows, _rivals(data, best, objective)


def _estimate(values: Array, ends: intervals.Ends, at: int) -> Estimate:
    return Estimate(float(values[at]), float(ends[0][at]), float(ends[1][at]))


def _paid(choice: Choice, data: Labelled) -> Array:
    """Dollars per prompt, deciding included; NaN where a model that may be asked has no price."""
    used = np.where(choice.probabilities > 0, choice.probabilities * data.cost_usd, 0.0).sum(axis=1)
    return np.asarray(used if choice.deciding_usd is None else used + choice.deciding_usd)


def best_fixed(data: Labelled, objective: Objective) -> int:
    """The best fixed model's column.

    With a worth: the most valuable (where prices are unknown: the most accurate). With a floor: the cheapest that
    reaches it for sure, else the most accurate.
    """
    accuracy, cost = data.mean(data.scores), data.mean(data.cost_usd)
    if objective.quality_floor is None:
        brought = utility(accuracy, cost, objective)
        return int(np.argmax(accuracy if np.isnan(brought).any() else brought))
    reached = intervals.share(data.scores, weights=data.weights)[0] >= objective.quality_floor
    if reached.any() and not np.isnan(cost).any():
        return int(np.argmin(np.where(reached, cost, np.inf)))
    return int(np.argmax(accuracy))


_Own = tuple[float, float, Array, Array]


def _saving(
    own: _Own, accuracy: Array, cost: Array, accuracies: Array, costs: Array, models: int, level: float
) -> Estimate | None:
    """Money saved against the cheapest random mix of the fixed models with as many good answers.

    None where the interval is wider than the whole of it: a router that is as accurate as the cheapest model may
    cost a thousand times as much as what it is held against, or a third less, and a figure would only mislead.
    """
    a, c, a_draws, c_draws = own
    needed = lowest_cost(accuracy[:models], cost[:models], np.asarray(a))
    needed_draws = lowest_cost(accuracies[:, :models], costs[:, :models], a_draws)
    if float(needed) <= 0:
        return None
    savings = np.divide(
        needed_draws - c_draws, needed_draws, out=np.full_like(c_draws, np.nan), where=needed_draws > 0
    )
    found = estimate(1.0 - c / float(needed), savings, level)
    return None if found is None or found.high - found.low > 1.0 else found


def _advantage(
    scored: Array, paid: Array, data: Labelled, best: int, objective: Objective, level: float
) -> Estimate:
    """Dollars per prompt above the best fixed model: in value, or (with a floor) in cost."""
    if objective.success_value_usd is not None:
        return advantage(scored, paid, data, objective.success_value_usd, level)
    less = data.cost_usd[:, best] - paid
    return _of(data, less, intervals.mean(less, level, weights=data.weights))


def _ranked(
    choice: Choice, data: Labelled, counts: Counts, orders: dict[tuple[str, Pair | None], tuple[float, Array]]
) -> dict[str, Any]:
    """What a score is worth as an order of prompts; ``orders`` remembers it for those that come later."""
    pair = choice.pair
    assert choice.score is not None
    assert pair is not None
    by = curves.ordering(choice.score)
    gained = data.scores[:, pair.strong] - data.scores[:, pair.weak]
    dearer = data.cost_usd[:, pair.strong] - data.cost_usd[:, pair.weak]
    own, drawn = curves.curve(by, gained), curves.curves(by, gained, counts)
    base = data.scores[:, pair.weak].mean()
    extra = 0.0 if choice.deciding_usd is None else choice.deciding_usd.mean()
    paid = data.cost_usd[:, pair.weak].mean() + curves.curve(by, dearer) + extra
    apgr, apgrs = float(curves.apgr(own)), curves.apgr(drawn)
    orders[choice.way, pair] = apgr, apgrs
    over = None
    if (LENGTH, pair) in orders and choice.way not in (LENGTH, RANDOM):
        by_length, by_lengths = orders[LENGTH, pair]
        over = estimate(apgr - by_length, apgrs - by_lengths)
    return {
        "apgr": estimate(apgr, apgrs),
        "apgr_over_length": over,
        "cpt50": estimate(float(curves.cpt(own, 0.5)), curves.cpt(drawn, 0.5)),
        "cpt80": estimate(float(curves.cpt(own, 0.8)), curves.cpt(drawn, 0.8)),
        "curve": tuple(
            CurvePoint(float(share), float(base + up), None if np.isnan(money) else float(money))
            for share, up, money in zip(curves.SHARES, own, paid, strict=True)
        ),
    }


def _rivals(data: Labelled, best: int, objective: Objective) -> tuple[Rival, ...]:
    """Every other fixed model beside the best one."""
    level = 1.0 - (1.0 - LEVEL) / max(1, len(data.models) - 1)
    found = []
    for at, model in enumerate(data.models):
        if at == best:
            continue
        scores, money = data.scores[:, at] - data.scores[:, best], data.cost_usd[:, at] - data.cost_usd[:, best]
        priced = bool(np.isfinite(money).all())
        worth = None
        if objective.success_value_usd is not None and priced:
            value = objective.success_value_usd
            worth = _of(data, value * scores - money, worth_over(scores, money, value, level, data.weights))
        even = break_even(scores, money, level, data.weights) if priced else None
        found.append(
            Rival(
                model,
                _of(data, scores, intervals.difference(scores, level, data.weights)),
                _of(data, money, intervals.mean(money, level, weights=data.weights)) if priced else None,
                worth,
                *(even or (None, None, None)),
            )
        )
    return tuple(found)


def _of(data: Labelled, values: Array, ends: intervals.Ends) -> Estimate:
    return Estimate(float(data.mean(values)), float(ends[0]), float(ends[1]))
