"""Contextual sampling let loose on labelled prompts, learning as it goes: a simulation, not an estimate.

Prompts come in a random order, a model is drawn, only its score is seen. Models are drawn by drawing logits, which
chooses each with just the probability that ContextualPolicy computes. Leaves out how the features came about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from router_core.contextual.logistic import Belief, fit
from router_core.contextual.state import weak_prior
from router_core.contextual.vector import GAIN
from router_core.evaluation.replay import Life
from router_core.policies.thompson import comparable_costs, fading_part, starting_shares
from router_core.settings import GoalSettings

Array = NDArray[np.float64]

_FIRST = 20  # prompts before the first look at what was learned
_GROWTH = 0.05  # later looks come after so much more of what has come so far, until they come every ``refresh``


def contextual_life(
    features: Array,
    scores: Array,
    costs_usd: Sequence[float | None],
    settings: GoalSettings,
    seed: int,
    *,
    gains: Array | None = None,
    prior: Belief | None = None,
    value_usd: float | None = None,
    weights: Sequence[float] | None = None,
    refresh: int = 1000,
) -> Life:
    """One pass over all prompts; some 1.5 us each.

    Beliefs are refreshed with all outcomes since the last time at once (the mode of all of them, not one by one).

    Args:
        features: (n, d), of each prompt, the same for all models but for the gain.
        scores: (n, k), in [0, 1].
        costs_usd: (k,), expected cost of a call of each model; None: unknown.
        settings: exploration and starting strength.
        seed: of the order and the draws.
        gains: (n, k), each model's own gain, in the place vector.GAIN; None: as in ``features``.
        prior: of every model; None: the weak one.
        value_usd, weights: as in replay.thompson_life.
        refresh: prompts between two looks at what was learned, at most; more often at the beginning.
    """
    count, models = scores.shape
    rng = np.random.default_rng(seed)
    order = rng.permutation(count)
    chosen = np.empty(count, np.intp)
    worth = settings.success_value_usd if value_usd is None else value_usd
    costs = np.array(comparable_costs(costs_usd))
    own = [arm.weight for arm in settings.arms]
    starting = np.cumsum(starting_shares(weights or (own if len(own) == models else [1.0] * models)))[:-1]
    exploration = min(settings.exploration, 1.0 / models)
    beliefs = [weak_prior() if prior is None else prior for _ in range(models)]
    for start, stop in _looks(count, refresh):
        here = order[start:stop]
        seen = features[here]
        utility = np.empty((stop - start, models))
        for model, belief in enumerate(beliefs):
            rows = _own(seen, gains, here, model)
            deviation = np.sqrt(np.maximum(np.einsum("ij,ij->i", rows @ belief.covariance, rows), 0.0))
            drawn = rows @ belief.mean + deviation * rng.standard_normal(len(rows))
            utility[:, model] = _utility(drawn, costs[model], worth)
        picked = utility.argmax(axis=1)
        kind, other = rng.random(len(here)), rng.random(len(here))
        fading = fading_part(settings.starting_strength, start)
        explores = kind < fading + (1.0 - fading) * models * exploration
        picked[explores] = (other[explores] * models).astype(np.intp)
        starts = kind < fading
        picked[starts] = np.searchsorted(starting, other[starts], side="right")
        chosen[start:stop] = picked
        for model in range(models):
            taught = np.flatnonzero(picked == model)
            if len(taught):
                rows = _own(seen[taught], gains, here[taught], model)
                beliefs[model] = fit(beliefs[model], rows, scores[here[taught], model])
    return Life(order, chosen)


def _looks(count: int, refresh: int) -> Iterator[tuple[int, int]]:
    start = 0
    while start < count:
        stop = min(count, start + min(refresh, max(_FIRST, int(_GROWTH * start))))
        yield start, stop
        start = stop


def _own(seen: Array, gains: Array | None, rows: NDArray[np.intp], model: int) -> Array:
    if gains is None:
        return seen
    own = seen.copy()
    own[:, GAIN] = gains[rows, model]
    return own


def _utility(logits: Array, cost_usd: float, worth: float) -> Array:
    """In units of one good answer; where it is worth nothing, less cost."""
    if worth == 0.0:
        return np.full(len(logits), -cost_usd)
    return np.asarray(expit(logits) - cost_usd / worth)
