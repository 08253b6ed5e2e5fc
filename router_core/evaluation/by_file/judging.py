"""A row for each way of choosing: accuracy and money with their intervals, beside what no router can do for less.

Everything is computed on the same bootstrap draws, so that differences are paired; intervals of claims are
corrected for the number of routers (or fixed models) looked at (Bonferroni). Does not cover learners and words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.by_file import curves
from router_core.evaluation.by_file.hull import best_accuracy, lowest_cost
from router_core.evaluation.by_file.resampling import LEVEL, Counts, bootstrap_means, estimate
from router_core.evaluation.by_file.routers import Choice, Pair
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
    pair: Pair,
    choices: list[Choice],
    objective: Objective,
    counts: Counts,
    tick: Callable[[float], None],
) -> tuple[list[Row], tuple[Rival, ...], int]:
    """A row per choice, the rivals of the best fixed model, and that model's column."""
    models = len(data.models)
    scored = np.stack([(one.probabilities * data.scores).sum(axis=1) for one in choices], axis=1)
    paid = np.stack([_paid(one, data) for one in choices], axis=1)
    drawn = bootstrap_means(counts, np.concatenate([scored, paid], axis=1))
    accuracy, cost = scored.mean(axis=0), paid.mean(axis=0)
    accuracies, costs = drawn[:, : len(choices)], drawn[:, len(choices) :]
    best = _best_fixed(accuracy[:models], cost[:models], accuracies[:, :models], objective)
    routed = max(1, sum(one.kind in ("rule", "ranking", "trained") for one in choices))
    corrected = 1.0 - (1.0 - LEVEL) / routed
    priced = not np.isnan(cost[:models]).any()
    rows = []
    orders: dict[str, tuple[float, Array]] = {}  # name -> APGR, and in every draw
    for at, choice in enumerate(choices):
        tick(at / len(choices))
        gain = saving = advantage = None
        if choice.kind not in ("fixed", "mix") and priced and not np.isnan(cost[at]):
            own = (accuracy[at], cost[at], accuracies[:, at], costs[:, at])
            gain, saving = _against_hull(own, accuracy, cost, accuracies, costs, models, corrected)
            advantage = _advantage(own, accuracy, cost, accuracies, costs, models, best, objective, corrected)
        ranked = _ranked(choice, data, pair, counts, orders) if choice.score is not None else {}
        rows.append(
            Row(
                choice.name,
                choice.label,
                choice.kind,
                sure(estimate(accuracy[at], accuracies[:, at])),
                estimate(cost[at], costs[:, at]),
                tuple(choice.probabilities.mean(axis=0).tolist()),
                gain,
                saving,
                advantage,
                note=choice.note,
                plan=choice.plan,
                **ranked,
            )
        )
    rivals = _rivals(data.models, best, accuracy, cost, accuracies, costs, objective)
    return rows, rivals, best


def _paid(choice: Choice, data: Labelled) -> Array:
    """Dollars per prompt, deciding included; NaN where a model that may be asked has no price."""
    used = np.where(choice.probabilities > 0, choice.probabilities * data.cost_usd, 0.0).sum(axis=1)
    return np.asarray(used if choice.deciding_usd is None else used + choice.deciding_usd)


def sure(found: Estimate | None) -> Estimate:
    """An estimate that cannot be missing."""
    assert found is not None, "accuracies are never missing"
    return found


def _best_fixed(accuracy: Array, cost: Array, accuracies: Array, objective: Objective) -> int:
    """The best fixed model's column.

    With a worth: the most valuable (where prices are unknown: the most accurate). With a floor: the cheapest that
    reaches it for sure, else the most accurate.
    """
    if objective.quality_floor is None:
        brought = utility(accuracy, cost, objective)
        return int(np.argmax(accuracy if np.isnan(brought).any() else brought))
    low = np.quantile(accuracies, (1.0 - LEVEL) / 2.0, axis=0)
    reached = low >= objective.quality_floor
    if reached.any() and not np.isnan(cost).any():
        return int(np.argmin(np.where(reached, cost, np.inf)))
    return int(np.argmax(accuracy))


_Own = tuple[float, float, Array, Array]


def _against_hull(
    own: _Own, accuracy: Array, cost: Array, accuracies: Array, costs: Array, models: int, level: float
) -> tuple[Estimate | None, Estimate | None]:
    """Accuracy above, and money saved against, what random mixes of the fixed models give."""
    a, c, a_draws, c_draws = own
    fixed = (accuracy[:models], cost[:models])
    fixed_draws = (accuracies[:, :models], costs[:, :models])
    gain = a - float(best_accuracy(*fixed, np.asarray(c)))
    gains = a_draws - best_accuracy(*fixed_draws, c_draws)
    needed, needed_draws = lowest_cost(*fixed, np.asarray(a)), lowest_cost(*fixed_draws, a_draws)
    if float(needed) <= 0:
        return estimate(gain, gains, level), None
    savings = np.divide(
        needed_draws - c_draws, needed_draws, out=np.full_like(c_draws, np.nan), where=needed_draws > 0
    )
    return estimate(gain, gains, level), estimate(1.0 - c / float(needed), savings, level)


def _advantage(
    own: _Own,
    accuracy: Array,
    cost: Array,
    accuracies: Array,
    costs: Array,
    models: int,
    best: int,
    objective: Objective,
    level: float,
) -> Estimate | None:
    """Dollars per prompt above the best fixed model: in value, or (with a floor) in cost.

    In value the fixed model is chosen anew in every draw, which can only understate the advantage.
    """
    a, c, a_draws, c_draws = own
    if objective.success_value_usd is None:
        return estimate(cost[best] - c, costs[:, best] - c_draws, level)
    value = utility(np.asarray(a), np.asarray(c), objective)
    fixed = utility(accuracy[:models], cost[:models], objective).max()
    fixed_draws = utility(accuracies[:, :models], costs[:, :models], objective).max(axis=1)
    return estimate(float(value - fixed), utility(a_draws, c_draws, objective) - fixed_draws, level)


def _ranked(
    choice: Choice, data: Labelled, pair: Pair, counts: Counts, orders: dict[str, tuple[float, Array]]
) -> dict[str, Any]:
    """What a score is worth as an order of prompts; ``orders`` remembers it for those that come later."""
    assert choice.score is not None
    by = curves.ordering(choice.score)
    gained = data.scores[:, pair.strong] - data.scores[:, pair.weak]
    dearer = data.cost_usd[:, pair.strong] - data.cost_usd[:, pair.weak]
    own, drawn = curves.curve(by, gained), curves.curves(by, gained, counts)
    base = data.scores[:, pair.weak].mean()
    extra = 0.0 if choice.deciding_usd is None else choice.deciding_usd.mean()
    paid = data.cost_usd[:, pair.weak].mean() + curves.curve(by, dearer) + extra
    orders[choice.name] = (float(curves.apgr(own)), curves.apgr(drawn))
    apgr, apgrs = orders[choice.name]
    over = None
    if "length" in orders and choice.name not in ("length", "random"):
        over = estimate(apgr - orders["length"][0], apgrs - orders["length"][1])
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


def _rivals(
    models: Sequence[str],
    best: int,
    accuracy: Array,
    cost: Array,
    accuracies: Array,
    costs: Array,
    objective: Objective,
) -> tuple[Rival, ...]:
    """Every other fixed model beside the best one."""
    level = 1.0 - (1.0 - LEVEL) / max(1, len(models) - 1)
    found = []
    for at, model in enumerate(models):
        if at == best:
            continue
        better, dearer = accuracy[at] - accuracy[best], cost[at] - cost[best]
        betters, dearers = accuracies[:, at] - accuracies[:, best], costs[:, at] - costs[:, best]
        worth = None
        if objective.success_value_usd is not None:
            brought = float(utility(better, dearer, objective))
            worth = estimate(brought, utility(betters, dearers, objective), level)
        pays = np.isfinite(dearer) and dearer != 0 and better * dearer > 0
        ratios = np.divide(dearers, betters, out=np.full_like(betters, np.inf), where=betters * dearers > 0)
        tail = (1.0 - level) / 2.0
        low, high = np.quantile(ratios, [tail, 1.0 - tail], method="nearest") if pays else (np.nan, np.nan)
        found.append(
            Rival(
                model,
                sure(estimate(better, betters, level)),
                estimate(dearer, dearers, level),
                worth,
                float(dearer / better) if pays else None,
                float(low) if pays and np.isfinite(low) else None,
                float(high) if pays and np.isfinite(high) else None,
            )
        )
    return tuple(found)
