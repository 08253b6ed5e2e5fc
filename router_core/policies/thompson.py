"""Thompson sampling with computed probabilities: each arm gets the chance that it is the best value.

Does not cover the prompt: one Beta posterior per goal and arm knows nothing of what is asked. It is a slow A/B
test between models that ends on one of them (see docs/glossary.md).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from threading import Lock
from typing import Any

from router_core.learning.beta import best_probabilities, interval, mean
from router_core.policies.base import Answer, AsksNothing, Known, require_candidates
from router_core.policies.blending import Blend, blend
from router_core.registry import THOMPSON
from router_core.settings import GoalSettings
from router_core.types import ActionDistribution, Candidate, Context, Posterior, Reason, ReasonLine
from router_core.validation import short_hash
from router_core.words import dollars, dollars_as_written, good_of

_CACHED_DISTRIBUTIONS = 1024


class ThompsonPolicy(AsksNothing):
    """P(arm is the best value), floored for exploration, blended with fading starting weights.

    p_i = (n0 * w_i + n * q_i) / (n0 + n) with q_i = eps + (1 - N * eps) * P_i, where n counts the outcomes of
    all candidates. P_i comes from posterior.best_probabilities under utility
    ``success_value_usd * theta - expected cost``. The floor is inside the blend, so starting weights mean what
    they say until the first outcome.
    """

    name: str = THOMPSON.name

    def __init__(self, settings: GoalSettings) -> None:
        self._value_usd = settings.success_value_usd
        self._exploration = settings.exploration
        self._strength = settings.starting_strength
        self._prior_alpha = settings.prior_alpha
        self._cache: OrderedDict[tuple[Any, ...], ActionDistribution] = OrderedDict()  # the last used come last
        self._latest: tuple[Any, ActionDistribution] = (None, ActionDistribution((), _nothing))
        self._lock = Lock()
        self.version = short_hash(
            settings.model_dump_json(
                include={
                    "arms", "success_value_usd", "exploration", "starting_strength", "prior_alpha", "prior_beta",
                }
            )
        )  # fmt: skip

    def probabilities(self, context: Context, known: Known, answer: Answer | None = None) -> ActionDistribution:
        """Computed anew only when a posterior or an expected cost changed."""
        candidates, latest = known.candidates, self._latest
        if latest[0] is candidates:  # a tuple of frozen values: nothing in it can have changed
            return latest[1]
        key = tuple([(c.arm.id, c.arm.weight, c.posterior, c.expected_cost_usd) for c in candidates])
        with self._lock:
            found = self._cache.get(key)
            if found is not None:
                self._cache.move_to_end(key)
        if found is None:
            require_candidates(context, candidates)
            found = self._compute(candidates)
            with self._lock:
                self._cache[key] = found
                if len(self._cache) > _CACHED_DISTRIBUTIONS:
                    self._cache.popitem(last=False)
        if isinstance(candidates, tuple):
            self._latest = (candidates, found)
        return found

    def _compute(self, candidates: Sequence[Candidate]) -> ActionDistribution:
        costs = comparable_costs([candidate.expected_cost_usd for candidate in candidates])
        posteriors = [candidate.posterior for candidate in candidates]
        best = best_probabilities(posteriors, costs, self._value_usd).tolist()
        mixed = blend(
            best,
            [candidate.arm.weight for candidate in candidates],
            exploration=self._exploration,
            strength=self._strength,
            outcomes=sum([posterior.observations for posterior in posteriors]),
        )
        explain = partial(_explain, tuple(candidates), tuple(best), mixed, self._value_usd, self._prior_alpha)
        return ActionDistribution(mixed.probabilities, explain)


def _nothing() -> Reason:
    return Reason("")


def comparable_costs(costs_usd: Sequence[float | None]) -> list[float]:
    """Expected costs with the unknown ones taken to be as expensive as the most expensive known one.

    An unknown price must not look like a bargain. Where no price is known, cost plays no part.
    """
    known = [cost for cost in costs_usd if cost is not None]
    if len(known) == len(costs_usd):
        return known
    dearest = max(known, default=0.0)
    return [dearest if cost is None else cost for cost in costs_usd]


def counted(posterior: Posterior, prior_alpha: float) -> str:
    """The evidence in a posterior without its prior: "41 of 46"; a tie is half a good answer."""
    return good_of(posterior.alpha - prior_alpha, posterior.observations)


def a_call(expected_cost_usd: float | None) -> str:
    """What a call is expected to cost: "~$0.00015 a call"."""
    if expected_cost_usd is None:
        return "price unknown"
    return f"{dollars(expected_cost_usd, estimated=expected_cost_usd > 0)} a call"


def best_buy(models: int) -> str:
    """What the likeliest of so many models is called."""
    return "better value" if models == 2 else "best value"


def _explain(
    candidates: tuple[Candidate, ...],
    best: tuple[float, ...],
    mixed: Blend,
    value_usd: float,
    prior_alpha: float,
) -> Reason:
    leader = max(range(len(best)), key=best.__getitem__)
    worth = "cost ignored" if value_usd == float("inf") else f"at {dollars_as_written(value_usd)} per good answer"
    summary = f"{candidates[leader].arm.id}: {best[leader]:.0%} likely to be the {best_buy(len(best))}, {worth}"
    favoured = max(range(len(best)), key=mixed.probabilities.__getitem__)
    if mixed.probabilities[favoured] > mixed.probabilities[leader]:
        summary += f"; the starting weights still favour {candidates[favoured].arm.id}"
    lines = []
    for candidate, chance in zip(candidates, best, strict=True):
        posterior = candidate.posterior
        low, high = interval(posterior)
        good = f"{counted(posterior, prior_alpha)} good, {mean(posterior):.0%} expected ({low:.0%} to {high:.0%})"
        lines.append(
            ReasonLine(f"{candidate.arm.id}: {good}, {a_call(candidate.expected_cost_usd)}", f"{chance:.1%}")
        )
    if any(candidate.expected_cost_usd is None for candidate in candidates):
        lines.append(ReasonLine("an unknown price counts as the highest known one"))
    weights, floor = mixed.lines
    return Reason(summary, (*lines, *weights, *floor))
