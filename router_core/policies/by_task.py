"""By task: for each task type the chance that a model is the best value, learned from outcomes.

One Beta posterior per goal, task type and model, pooled with what the model has shown on other tasks
(learning/pooling.py). The task type is the caller's; the text is not read. A prompt without one is decided by all
outcomes of the goal.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from threading import Lock
from typing import Any, Final

from cachetools import LRUCache

from router_core.learning.beta import best_probabilities, interval, mean
from router_core.learning.pooling import TaskBelief, TaskBeliefs, task_name
from router_core.policies.base import Answer, AsksNothing, Known, require_candidates
from router_core.policies.blending import Blend, blend
from router_core.policies.thompson import a_call, best_buy, comparable_costs
from router_core.registry import BY_TASK
from router_core.settings import GoalSettings
from router_core.types import ActionDistribution, ByTask, Candidate, Context, Reason, ReasonLine
from router_core.validation import short_hash
from router_core.words import dollars_as_written, good_of

_CACHED_DISTRIBUTIONS: Final = 1024
_VERSION: Final = "pooled 1"
"""Names the formula of learning/pooling.py: another one gives other probabilities from the same outcomes."""


class ByTaskPolicy(AsksNothing):
    """P(arm is the best value for this task), floored and blended with fading starting weights (blending.py).

    Starting weights fade with the outcomes of the whole goal: a new task begins from what the others have shown.
    """

    name: str = BY_TASK.name

    def __init__(self, settings: GoalSettings) -> None:
        self._value_usd = settings.success_value_usd
        self._exploration = settings.exploration
        self._strength = settings.starting_strength
        self._prior = (settings.prior_alpha, settings.prior_beta)
        self._believed: tuple[ByTask, tuple[str, ...], TaskBeliefs] | None = None
        self._cache: LRUCache[tuple[Any, ...], ActionDistribution] = LRUCache(_CACHED_DISTRIBUTIONS)
        self._lock = Lock()
        formula = settings.model_dump_json(
            include={"arms", "success_value_usd", "exploration", "starting_strength", "prior_alpha", "prior_beta"}
        )
        self.version = short_hash(f"{formula}|{_VERSION}")

    def probabilities(self, context: Context, known: Known, answer: Answer | None = None) -> ActionDistribution:
        """Computed anew only when an outcome or an expected cost changed."""
        candidates = known.candidates
        require_candidates(context, candidates)
        arms = tuple([candidate.arm.id for candidate in candidates])
        believed = self._believed_now(known.tasks, arms)
        task = task_name(context.task_type)
        beliefs = believed.of(task)
        key = (
            task,
            believed.outcomes,
            tuple([belief.posterior for belief in beliefs]),
            tuple([(c.arm.id, c.arm.weight, c.expected_cost_usd) for c in candidates]),
        )
        with self._lock:
            found = self._cache.get(key)
        if found is None:
            found = self._compute(task, candidates, beliefs, believed.outcomes)
            with self._lock:
                self._cache[key] = found
        return found

    def _believed_now(self, tasks: ByTask, arms: tuple[str, ...]) -> TaskBeliefs:
        """The same object while the outcomes are the same object."""
        kept = self._believed
        if kept is None or kept[0] is not tasks or kept[1] != arms:
            kept = self._believed = (tasks, arms, TaskBeliefs(tasks, arms, self._prior))
        return kept[2]

    def _compute(
        self, task: str, candidates: Sequence[Candidate], beliefs: Sequence[TaskBelief], outcomes: int
    ) -> ActionDistribution:
        costs = comparable_costs([candidate.expected_cost_usd for candidate in candidates])
        best = best_probabilities([belief.posterior for belief in beliefs], costs, self._value_usd).tolist()
        mixed = blend(
            best,
            [candidate.arm.weight for candidate in candidates],
            exploration=self._exploration,
            strength=self._strength,
            outcomes=outcomes,
        )
        explain = partial(_explain, task, tuple(candidates), tuple(beliefs), tuple(best), mixed, self._value_usd)
        return ActionDistribution(mixed.probabilities, explain)


def _explain(
    task: str,
    candidates: tuple[Candidate, ...],
    beliefs: tuple[TaskBelief, ...],
    best: tuple[float, ...],
    mixed: Blend,
    value_usd: float,
) -> Reason:
    leader = max(range(len(best)), key=best.__getitem__)
    worth = "cost ignored" if value_usd == float("inf") else f"at {dollars_as_written(value_usd)} per good answer"
    named = f"for {task}" if task else "over all tasks"
    buy = f"{best[leader]:.0%} likely to be the {best_buy(len(best))} {named}"
    summary = f"{candidates[leader].arm.id}: {buy}, {worth}"
    favoured = max(range(len(best)), key=mixed.probabilities.__getitem__)
    if mixed.probabilities[favoured] > mixed.probabilities[leader]:
        summary += f"; the starting weights still favour {candidates[favoured].arm.id}"
    lines = []
    for candidate, belief, chance in zip(candidates, beliefs, best, strict=True):
        low, high = interval(belief.posterior)
        good = f"{good_of(belief.good, belief.posterior.observations)} good"
        lines.append(
            ReasonLine(
                f"{candidate.arm.id}: {good} {f'on {task}' if task else 'in all'},"
                f" {mean(belief.posterior):.0%} expected ({low:.0%} to {high:.0%}),"
                f" {a_call(candidate.expected_cost_usd)}",
                f"{chance:.1%}",
            )
        )
    if task:
        others = ", ".join(f"{belief.others:.1f}" for belief in beliefs)
        lines.append(ReasonLine("other tasks count as so many ratings of each model", others))
    else:
        lines.append(ReasonLine("no task type was given, so all ratings of the goal count"))
    if any(candidate.expected_cost_usd is None for candidate in candidates):
        lines.append(ReasonLine("an unknown price is taken to be the highest known one"))
    weights, floor = mixed.lines
    return Reason(summary, (*lines, *weights, *floor))
