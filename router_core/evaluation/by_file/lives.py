"""The lives of every learner on a file of scored answers, played on the same shuffles.

How one life goes is written in replay.py, by_task.py and contextual_life.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from router_core.evaluation.by_file import routers
from router_core.evaluation.by_file.by_task import by_task_life, task_codes
from router_core.evaluation.by_file.contextual_life import contextual_life
from router_core.evaluation.by_file.judging import utility
from router_core.evaluation.by_file.replay import Life, Lives, many_lives, mean_costs, thompson_lives
from router_core.evaluation.by_file.routers import Pair
from router_core.evaluation.by_file.ways import LEARNING_BY_TASK
from router_core.evaluation.labelled import Labelled
from router_core.evaluation.results import Objective
from router_core.policies.contextual import numbers
from router_core.policies.heuristic import HeuristicPolicy
from router_core.registry import BY_TASK, CONTEXTUAL, THOMPSON
from router_core.settings import GoalSettings, Settings

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]
"""Told the part that is done and what comes next; it may raise to stop the work."""


def lives_of(
    wanted: Iterable[object],
    data: Labelled,
    pair: Pair,
    settings: Settings,
    goal: str,
    objective: Objective,
    shuffles: int,
    seed: int,
    refresh: int,
    progress: Progress,
) -> dict[str, Lives]:
    """Name in the report -> its lives, of each learner that is wanted; see ``report.evaluate``."""
    wanted, chosen = set(wanted), settings.goal(goal)
    found: dict[str, Lives] = {}
    if THOMPSON.name in wanted:
        found[THOMPSON.name] = _lives(data, chosen, objective, shuffles, seed, refresh, progress)
    if BY_TASK.name in wanted:
        found[LEARNING_BY_TASK] = _by_task(data, chosen, objective, shuffles, seed, refresh, progress)
    if CONTEXTUAL.name in wanted:
        found[CONTEXTUAL.name] = _contextual(data, pair, settings, chosen, objective, shuffles, seed, progress)
    return found


def _lives(
    data: Labelled,
    goal: GoalSettings,
    objective: Objective,
    shuffles: int,
    seed: int,
    refresh: int,
    progress: Progress,
) -> Lives:
    return thompson_lives(
        data.scores,
        data.cost_usd,
        _brought(data, objective),
        goal,
        shuffles=shuffles,
        seed=seed,
        value_usd=objective.success_value_usd,
        refresh=refresh,
        tick=lambda done: progress(0.15 + 0.3 * done, "letting Thompson sampling learn"),
    )


def _by_task(
    data: Labelled,
    goal: GoalSettings,
    objective: Objective,
    shuffles: int,
    seed: int,
    refresh: int,
    progress: Progress,
) -> Lives:
    tasks, _ = task_codes(data)
    means = mean_costs(data.cost_usd)

    def live(child: int) -> Life:
        worth = objective.success_value_usd
        return by_task_life(tasks, data.scores, means, goal, child, value_usd=worth, refresh=refresh)

    return many_lives(
        live,
        data.scores,
        data.cost_usd,
        _brought(data, objective),
        shuffles=shuffles,
        seed=seed,
        tick=lambda done: progress(0.45 + 0.05 * done, "learning which model suits which task"),
    )


def _brought(data: Labelled, objective: Objective) -> Array:
    """What each model brings on each prompt: in good answers where a price is unknown."""
    found = utility(data.scores, data.cost_usd, objective)
    return data.scores if np.isnan(found).any() else found


def _contextual(
    data: Labelled,
    pair: Pair,
    settings: Settings,
    goal: GoalSettings,
    objective: Objective,
    shuffles: int,
    seed: int,
    progress: Progress,
) -> Lives:
    """Without a gain score, which would have to be learned anew in every life; a recorded verdict is a feature."""
    progress(0.5, "looking at the prompts as the contextual router does")
    rules = HeuristicPolicy(settings.heuristic, data.models[pair.weak], data.models[pair.strong])
    said = (
        [None] * len(data.prompts) if data.verdicts is None else [_complex(one) for one in data.verdicts.tolist()]
    )
    seen = zip(routers.contexts(data), said, strict=True)
    features = np.array([numbers(one, rules, verdict, None, [""])[0] for one, verdict in seen])
    means = mean_costs(data.cost_usd)

    def live(child: int) -> Life:
        return contextual_life(features, data.scores, means, goal, child, value_usd=objective.success_value_usd)

    return many_lives(
        live,
        data.scores,
        data.cost_usd,
        _brought(data, objective),
        shuffles=shuffles,
        seed=seed,
        tick=lambda done: progress(0.5 + 0.1 * done, "letting the contextual router learn"),
    )


def _complex(verdict: int) -> bool | None:
    """A recorded verdict as the contextual router hears it."""
    return None if verdict < 0 else verdict == 0
