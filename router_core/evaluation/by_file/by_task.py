"""The best buy of each task type of a file: judged out of sample, and as a learner on the way.

The task column is its only feature. What is believed of a model on a task is pooled as in production
(learning/pooling.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from router_core.errors import EvaluationError
from router_core.evaluation.by_file.replay import Life, explored
from router_core.evaluation.by_file.routers import FOLDS, Choice
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Objective
from router_core.learning.pooling import correlation, pooled, task_name
from router_core.learning.small_shapes import best_of_draws
from router_core.policies.blending import fading_part, starting_shares
from router_core.policies.thompson import comparable_costs
from router_core.registry import BY_TASK
from router_core.settings import GoalSettings

Array = NDArray[np.float64]
Ints = NDArray[np.intp]

_NAMED = 4  # tasks of a model that a sentence names; of more, it names one fewer and counts the rest


def task_codes(data: Labelled) -> tuple[Ints, list[str]]:
    """The task of every prompt (n,) as a place in the list of names; rows without one share the name "".

    Raises:
        EvaluationError: there are fewer than two task types.
    """
    names = [task_name(task) for task in data.tasks]
    known = sorted(set(names))
    if len([name for name in known if name]) < 2:
        raise EvaluationError(
            "the file has no column with at least two task types; add one, or judge without the router by task"
        )
    places = {name: place for place, name in enumerate(known)}
    return np.array([places[name] for name in names], np.intp), known


def cross_fitted(data: Labelled, goal: GoalSettings, objective: Objective, seed: int) -> Choice:
    """Each prompt goes to the best buy of its task, as four fifths of the prompts say that do not hold it.

    Args:
        data: n prompts, k models, with task types.
        goal: whose priors are used.
        objective: what is wanted. With a quality floor: the cheapest models per task that reach it together.
        seed: of the five parts.

    Raises:
        EvaluationError: there are fewer than two task types.
    """
    tasks, names = task_codes(data)
    if objective.success_value_usd is not None and np.isnan(data.cost_usd).any():
        even = np.full(data.scores.shape, 1.0 / len(data.models))
        return Choice(
            BY_TASK.name, BY_TASK.label, "rule", even, note="a price is unknown: a random mix of all models"
        )
    prior = (goal.prior_alpha, goal.prior_beta)
    folds = np.random.default_rng(seed).permutation(len(tasks)) % FOLDS
    chosen = np.zeros(data.scores.shape)
    for fold in range(FOLDS):
        known, held = folds != fold, np.flatnonzero(folds == fold)
        best = _best_buys(tasks[known], len(names), data.scores[known], data.cost_usd[known], prior, objective)
        chosen[held, best[tasks[held]]] = 1.0
    best = _best_buys(tasks, len(names), data.scores, data.cost_usd, prior, objective)
    plan = _plan({name: data.models[best[place]] for place, name in enumerate(names) if name}, data.models)
    note = f"{plan}; judged out of sample" if plan else "judged out of sample"
    return Choice(BY_TASK.name, BY_TASK.label, "rule", chosen, note=note, plan=plan)


def _best_buys(
    tasks: Ints, count: int, scores: Array, cost_usd: Array, prior: tuple[float, float], objective: Objective
) -> Ints:
    """The model of each task (count,), as these prompts say; "" and tasks without a prompt go by all of them."""
    rows = np.bincount(tasks, minlength=count).astype(np.float64)
    good = _summed(tasks, count, scores)
    asked = np.repeat(rows[:, None], scores.shape[1], axis=1)
    rho = correlation(asked, good)
    alpha, beta, _ = pooled(asked, good, asked.sum(axis=0), good.sum(axis=0), prior, rho)
    share = alpha / (alpha + beta)
    mean = cost_usd.mean(axis=0)
    cost = np.where(rows[:, None] > 0, _summed(tasks, count, cost_usd) / np.maximum(rows, 1.0)[:, None], mean)
    if objective.success_value_usd is not None:
        return np.asarray(np.argmax(objective.success_value_usd * share - cost, axis=1))
    worths = _turning_points(share, np.nan_to_num(cost))
    for worth in worths:
        best = np.argmax(worth * share - np.nan_to_num(cost), axis=1)
        if good[np.arange(count), best].sum() >= (objective.quality_floor or 0.0) * rows.sum():
            return np.asarray(best)
    return np.asarray(np.argmax(share, axis=1))


def _turning_points(share: Array, cost: Array) -> list[float]:
    """The worths of a good answer at which the best buy of some task changes, and 0, rising."""
    better = share[:, :, None] - share[:, None, :]
    dearer = cost[:, :, None] - cost[:, None, :]
    pays = (better > 0) & (dearer > 0)
    return [0.0, *np.nextafter(np.unique(dearer[pays] / better[pays]), np.inf).tolist()]


def _summed(tasks: Ints, count: int, table: Array) -> Array:
    """Sums of the rows of each task (count, k)."""
    return np.stack([np.bincount(tasks, column, minlength=count) for column in table.T], axis=1)


def _plan(models: Mapping[str, str], order: Sequence[str]) -> str:
    """Which model for which tasks: "mini for classification and extraction, 4o for maths"."""
    of = {model: [task for task, one in models.items() if one == model] for model in order}
    of = {model: tasks for model, tasks in of.items() if tasks}
    if len(of) == 1:
        return f"{next(iter(of))} for every task"
    most = max(of, key=lambda model: len(of[model]))
    parts = []
    for model, tasks in of.items():
        if model == most and len(tasks) > _NAMED:
            continue
        parts.append(f"{model} for {_listed(tasks)}")
    if len(of[most]) > _NAMED:
        parts.append(f"{most} for the other {len(of[most])} tasks")
    return ", ".join(parts)


def _listed(tasks: Sequence[str]) -> str:
    named = list(tasks)
    if len(tasks) > _NAMED:
        named = [*tasks[: _NAMED - 1], f"{len(tasks) - _NAMED + 1} more tasks"]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def by_task_life(
    tasks: Ints,
    scores: Array,
    costs_usd: Sequence[float | None],
    settings: GoalSettings,
    seed: int,
    *,
    value_usd: float | None = None,
    refresh: int = 10,
) -> Life:
    """One pass over all prompts, learning as it goes. A simulation, not an estimate.

    Models are drawn by drawing shares of good answers, which chooses each with just the probability that
    ByTaskPolicy computes.

    Args:
        tasks: (n,), of ``task_codes``; a row without a task counts as one of a task of its own.
        scores, costs_usd, settings, seed, value_usd, refresh: as in replay.thompson_life.
    """
    count, models = scores.shape
    rng = np.random.default_rng(seed)
    order = rng.permutation(count)
    chosen = np.empty(count, np.intp)
    costs = np.array(comparable_costs(costs_usd), np.float64)
    worth = settings.success_value_usd if value_usd is None else value_usd
    own = [arm.weight for arm in settings.arms]
    starting = starting_shares(own if len(own) == models else [1.0] * models)
    prior = (settings.prior_alpha, settings.prior_beta)
    asked, good = np.zeros((int(tasks.max()) + 1, models)), np.zeros((int(tasks.max()) + 1, models))
    for start in range(0, count, refresh):
        here = order[start : start + refresh]
        rho = correlation(asked, good)
        alpha, beta, _ = pooled(asked, good, asked.sum(axis=0), good.sum(axis=0), prior, rho)
        best = best_of_draws(alpha[tasks[here]], beta[tasks[here]], costs, worth, rng)
        fading = fading_part(settings.starting_strength, start)
        picked = explored(best, starting, settings.exploration, fading, rng)
        chosen[start : start + len(here)] = picked
        np.add.at(asked, (tasks[here], picked), 1.0)
        np.add.at(good, (tasks[here], picked), scores[here, picked])
    return Life(order, chosen)
