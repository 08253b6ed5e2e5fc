"""Thompson sampling let loose on labelled prompts, learning as it goes: a simulation, not an estimate.

Each shuffle is one life: prompts come in a random order, a model is drawn, only its score is seen. Does not
cover the prompt (Thompson sampling does not look at it) and the bootstrap: lives differ by order and draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router_core.learning.beta import best_probabilities
from router_core.policies.blending import blended, fading_part, starting_shares
from router_core.policies.thompson import comparable_costs
from router_core.settings import GoalSettings
from router_core.types import Posterior

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Life:
    """One shuffle. ``order`` (n,): the rows as they came; ``chosen`` (n,): the models drawn, in that order."""

    order: NDArray[np.intp]
    chosen: NDArray[np.intp]


def thompson_life(
    scores: Array,
    costs_usd: Sequence[float | None],
    settings: GoalSettings,
    seed: int,
    *,
    value_usd: float | None = None,
    weights: Sequence[float] | None = None,
    refresh: int = 10,
) -> Life:
    """One pass over all prompts.

    Posteriors are refreshed every ``refresh`` prompts, as a busy application does: every 10 costs nothing
    measurable in regret, every 1,000 some. What is drawn is exactly what ThompsonPolicy would draw.

    Args:
        scores: (n, k), in [0, 1]; a fractional score is that share of a good answer.
        costs_usd: (k,), expected cost of a call of each model; None: unknown.
        settings: exploration, starting strength and priors.
        seed: of the order and the draws.
        value_usd: what a good answer is worth; None: as in the settings.
        weights: (k,), starting weights; None: the settings' where they are as many as the models, else equal ones.
        refresh: prompts between two looks at the posteriors, >= 1.
    """
    count, models = scores.shape
    rng = np.random.default_rng(seed)
    order = rng.permutation(count)
    uniform = np.asarray(rng.random(count), np.float64)
    came = scores[order]
    chosen = np.empty(count, np.intp)
    costs = comparable_costs(costs_usd)
    worth = settings.success_value_usd if value_usd is None else value_usd
    own = [arm.weight for arm in settings.arms]
    starting = starting_shares(weights or (own if len(own) == models else [1.0] * models))
    exploration = min(settings.exploration, 1.0 / models)
    asked = np.zeros(models)
    good = np.zeros(models)
    for start in range(0, count, refresh):
        stop = min(start + refresh, count)
        posteriors = [
            Posterior(settings.prior_alpha + g, settings.prior_beta + n - g, int(n))
            for g, n in zip(good.tolist(), asked.tolist(), strict=True)
        ]
        best = best_probabilities(posteriors, costs, worth).tolist()
        share = blended(best, starting, exploration, fading_part(settings.starting_strength, start))
        edges = np.cumsum(share)[:-1]
        drawn = np.searchsorted(edges, uniform[start:stop], side="right")
        chosen[start:stop] = drawn
        seen = came[start:stop]
        asked += np.bincount(drawn, minlength=models)
        good += np.bincount(drawn, seen[np.arange(stop - start), drawn], minlength=models)
    return Life(order, chosen)


def explored(
    picked: NDArray[np.intp],
    starting: Sequence[float],
    exploration: float,
    fading: float,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """The models picked, with some replaced as exploration and the initial split ask.

    Args:
        picked: (n,), drawn with the chances of being the best value.
        starting: (k,), shares of traffic before any evidence.
        exploration: the floor of every model; at most 1 / k is kept.
        fading: the part of the starting shares that still counts.
        rng: where to draw.
    """
    models = len(starting)
    kind, other = rng.random(len(picked)), rng.random(len(picked))
    explores = kind < fading + (1.0 - fading) * models * min(exploration, 1.0 / models)
    found = np.where(explores, (other * models).astype(np.intp), picked)
    starts = kind < fading
    found[starts] = np.searchsorted(np.cumsum(starting)[:-1], other[starts], side="right")
    return found


@dataclass(frozen=True, slots=True)
class Lives:
    """Many shuffles of one learner.

    ``frequency`` (n, k): part of the lives in which each model was drawn for each prompt. ``accuracy`` and
    ``cost_usd`` (lives,): means over the whole life, learning included. ``seen`` (points,) and ``regret`` (lives,
    points): what was lost so far against the best fixed model.
    """

    frequency: Array
    accuracy: Array
    cost_usd: Array
    seen: NDArray[np.intp]
    regret: Array


_POINTS = 100


def many_lives(
    live: Callable[[int], Life],
    scores: Array,
    cost_usd: Array,
    utility: Array,
    *,
    shuffles: int,
    seed: int,
    tick: Callable[[float], None] = lambda done: None,
) -> Lives:
    """Many passes, each with a seed of its own.

    Args:
        live: one pass, given its seed.
        scores, cost_usd, utility: (n, k), of each model on each prompt; regret is told in units of ``utility``.
        shuffles: how many; at least 20 for a band that means something.
        seed: of the first; the others follow from it.
        tick: told the part that is done after each pass.
    """
    count, _ = scores.shape
    best = utility[:, int(np.argmax(utility.mean(axis=0)))]
    seen = np.unique(np.linspace(1, count, min(count, _POINTS)).astype(np.intp))
    frequency = np.zeros(scores.shape)
    accuracy, cost = np.empty(shuffles), np.empty(shuffles)
    regret = np.empty((shuffles, len(seen)))
    for life, child in enumerate(np.random.SeedSequence(seed).generate_state(shuffles)):
        lived = live(int(child))
        at = (lived.order, lived.chosen)
        frequency[at] += 1.0
        accuracy[life], cost[life] = scores[at].mean(), cost_usd[at].mean()
        regret[life] = (best[lived.order] - utility[at]).cumsum()[seen - 1]
        tick((life + 1) / shuffles)
    return Lives(frequency / shuffles, accuracy, cost, seen, regret)


def mean_costs(cost_usd: Array) -> list[float | None]:
    """Of each model over all prompts (n, k); None where one is unknown."""
    return [None if np.isnan(cost) else float(cost) for cost in cost_usd.mean(axis=0)]


def thompson_lives(
    scores: Array,
    cost_usd: Array,
    utility: Array,
    settings: GoalSettings,
    *,
    shuffles: int,
    seed: int,
    value_usd: float | None = None,
    refresh: int = 10,
    tick: Callable[[float], None] = lambda done: None,
) -> Lives:
    """``many_lives`` of ``thompson_life``."""
    means = mean_costs(cost_usd)

    def live(child: int) -> Life:
        return thompson_life(scores, means, settings, child, value_usd=value_usd, refresh=refresh)

    return many_lives(live, scores, cost_usd, utility, shuffles=shuffles, seed=seed, tick=tick)
