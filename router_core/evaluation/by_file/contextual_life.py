"""Contextual sampling let loose on labelled prompts, learning as it goes: a simulation, not an estimate.

Prompts come in a random order, a model is drawn, only its score is seen. Models are drawn by drawing logits,
which chooses each with just the probability that ContextualPolicy computes; where gains are learned on the way,
the probabilities themselves are needed, and computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from router_core.evaluation.by_file.replay import Life, explored
from router_core.learning.contextual.best_buy import best_buy_rows
from router_core.learning.contextual.logistic import Belief, fit
from router_core.learning.contextual.sharing import Learned
from router_core.learning.contextual.shrinking import shrunk, sizes
from router_core.learning.contextual.state import weak_prior
from router_core.learning.contextual.vector import GAIN
from router_core.policies.blending import blended_rows, fading_part, starting_shares
from router_core.policies.thompson import comparable_costs
from router_core.settings import GoalSettings

Array = NDArray[np.float64]

_FIRST = 20  # prompts before the first look at what was learned
_GROWTH = 0.05  # later looks come after so much more of what has come so far, until they come every ``refresh``


Taught = Callable[[NDArray[np.intp], NDArray[np.intp], Array, NDArray[np.intp]], Array]
"""Learns gains from a life so far and says them of prompts to come: (rows seen, models drawn, chances of every
model, rows to come) -> gains (rows to come, models).
"""


def contextual_life(
    features: Array,
    scores: Array,
    costs_usd: Sequence[float | None] | Array,
    settings: GoalSettings,
    seed: int,
    *,
    gains: Array | None = None,
    taught: Taught | None = None,
    taught_after: Sequence[int] = (),
    prior: Belief | None = None,
    value_usd: float | None = None,
    weights: Sequence[float] | None = None,
    refresh: int = 1000,
) -> Life:
    """One pass over all prompts; some 1.5 us each.

    Beliefs are refreshed with all outcomes since the last time at once (the mode of all of them, not one by one),
    and slopes are shrunk as far as the outcomes say (contextual/shrinking.py).

    Args:
        features: (n, d), of each prompt, the same for all models but for the gain.
        scores: (n, k), in [0, 1].
        costs_usd: (k,), expected cost of a call of each model, None: unknown; or (n, k), known, on each prompt.
        settings: exploration and starting strength.
        seed: of the order and the draws.
        gains: (n, k), each model's own gain, in the place vector.GAIN; None: as in ``features``.
        taught: asked for gains after so many prompts as ``taught_after`` says (rising); instead of ``gains``. An
            outcome goes on teaching with the gain that was in force when it was decided, as in production.
        prior: of every model; None: the weak one.
        value_usd, weights: as in replay.thompson_life.
        refresh: prompts between two looks at what was learned, at most; more often at the beginning.
    """
    count, models = scores.shape
    rng = np.random.default_rng(seed)
    order = rng.permutation(count)
    chosen = np.empty(count, np.intp)
    worth = settings.success_value_usd if value_usd is None else value_usd
    known = costs_usd if isinstance(costs_usd, np.ndarray) else np.array(comparable_costs(costs_usd), np.float64)
    costs = np.broadcast_to(known, scores.shape)
    own = [arm.weight for arm in settings.arms]
    starting = starting_shares(weights or (own if len(own) == models else [1.0] * models))
    exploration = min(settings.exploration, 1.0 / models)
    before = weak_prior() if prior is None else prior
    mind = _Mind([Learned(before, before) for _ in range(models)])
    drawn_with = np.empty((count, models)) if taught is not None else None
    if taught is not None:
        gains = np.zeros((count, models))
    ends = [*taught_after, count] if taught is not None else [count]
    for start, stop in _looks(count, refresh, ends):
        here = order[start:stop]
        rows = [_own(features[here], gains, here, model) for model in range(models)]
        told = [_logits(belief, seen) for belief, seen in zip(mind.beliefs(start), rows, strict=True)]
        fading = fading_part(settings.starting_strength, start)
        if drawn_with is None:
            picked = explored(_drawn(told, costs[here], worth, rng), starting, exploration, fading, rng)
        else:
            best = _best_buys(told, costs[here], worth)
            chances = blended_rows(best, starting, exploration, fading)
            picked = (chances.cumsum(axis=1)[:, :-1] <= rng.random(len(here))[:, None]).sum(axis=1)
            drawn_with[start:stop] = chances
        chosen[start:stop] = picked
        mind.learn(rows, picked, scores[here, picked])
        if taught is not None and drawn_with is not None and gains is not None and stop in taught_after:
            coming = order[stop : next(end for end in ends if end > stop)] if stop < count else order[:0]
            if len(coming):
                gains[coming] = taught(order[:stop], chosen[:stop], drawn_with[:stop], coming)
    return Life(order, chosen)


class _Mind:
    """What is believed of each model: all of it, and as it is decided by."""

    def __init__(self, learned: list[Learned]) -> None:
        self._learned = learned
        self._likely: Array | None = None
        self._weighed_at = 0

    def beliefs(self, seen: int) -> list[Belief]:
        """With slopes shrunk; how far is looked at anew whenever a twentieth more has been seen."""
        if seen and (self._likely is None or seen >= (1.0 + _GROWTH) * self._weighed_at):
            self._likely, self._weighed_at = sizes(self._learned), seen
        return shrunk(self._learned, self._likely)

    def learn(self, rows: Sequence[Array], picked: NDArray[np.intp], rewards: Array) -> None:
        """Take in the rewards of the models that were picked."""
        for model, one in enumerate(self._learned):
            taught = np.flatnonzero(picked == model)
            if len(taught):
                self._learned[model] = Learned(one.prior, fit(one.belief, rows[model][taught], rewards[taught]))


def _logits(belief: Belief, rows: Array) -> tuple[Array, Array]:
    """Means and variances (n,)."""
    return rows @ belief.mean, np.maximum(np.einsum("ij,ij->i", rows @ belief.covariance, rows), 0.0)


def _drawn(
    told: Sequence[tuple[Array, Array]], costs: Array, worth: float, rng: np.random.Generator
) -> NDArray[np.intp]:
    """The best buy of drawn logits: each model with just the chance that it is the best value."""
    utility = np.column_stack(
        [
            _utility(mean + np.sqrt(variance) * rng.standard_normal(len(mean)), costs[:, model], worth)
            for model, (mean, variance) in enumerate(told)
        ]
    )
    return np.asarray(utility.argmax(axis=1), np.intp)


def _best_buys(told: Sequence[tuple[Array, Array]], costs: Array, worth: float) -> Array:
    """The chance of each model to be the best buy, (n, k)."""
    means, variances = (np.column_stack(part) for part in zip(*told, strict=True))
    return best_buy_rows(means, variances, costs, worth)


def _looks(count: int, refresh: int, ends: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Which prompts are decided between two looks; no look begins before one of the ends and stops behind it."""
    start = 0
    while start < count:
        stop = min(
            start + min(refresh, max(_FIRST, int(_GROWTH * start))), *[end for end in ends if end > start], count
        )
        yield start, stop
        start = stop


def _own(seen: Array, gains: Array | None, rows: NDArray[np.intp], model: int) -> Array:
    if gains is None:
        return seen
    own = seen.copy()
    own[:, GAIN] = gains[rows, model]
    return own


def _utility(logits: Array, cost_usd: Array, worth: float) -> Array:
    """In units of one good answer; where it is worth nothing, less cost."""
    if worth == 0.0:
        return -cost_usd
    return np.asarray(expit(logits) - cost_usd / worth)
