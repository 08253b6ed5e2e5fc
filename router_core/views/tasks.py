"""What the learning page shows of the router by task: what is believed of each model on each task type.

The same policy decides here as in production; see learning/pooling.py for how tasks are pooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from router_core.learning.beta import interval, mean
from router_core.learning.pooling import TaskBeliefs
from router_core.policies.base import Known
from router_core.policies.by_task import ByTaskPolicy
from router_core.registry import BY_TASK
from router_core.settings import GoalSettings
from router_core.store.base import Learning
from router_core.types import Candidate, Context


@dataclass(frozen=True, slots=True)
class ModelOnTask:
    """One model on one task.

    ``expected``, ``low``, ``high``: its share of good answers, the mean and the central 95 %. ``rated``: ratings
    of its answers on the task. ``probability``: with which it would be drawn.
    """

    arm: str
    expected: float
    low: float
    high: float
    rated: int
    probability: float


@dataclass(frozen=True, slots=True)
class Task:
    """One task type, with the models in the order of the goal.

    ``others``: as how many ratings of a model the other tasks count, on average.
    """

    name: str
    models: tuple[ModelOnTask, ...]
    others: float

    @property
    def rated(self) -> int:
        """Ratings of all models on it."""
        return sum(one.rated for one in self.models)

    @property
    def leader(self) -> ModelOnTask:
        """The model that is drawn most."""
        return max(self.models, key=lambda one: one.probability)


def tasks_now(
    store: Learning, name: str, goal: GoalSettings, context: Context, candidates: Sequence[Candidate]
) -> list[Task]:
    """Every task type with a rating, the one with the most first.

    Args:
        store: the log.
        name: the goal.
        goal: its settings; may be a draft.
        context: a prompt of the length that matters.
        candidates: the goal's models for such a prompt.

    Raises:
        StoreError: the store cannot be read.
    """
    by_task = store.evidence_by_task(name, goal.teaching_rule(BY_TASK.name))
    arms = [candidate.arm.id for candidate in candidates]
    believed = TaskBeliefs(by_task, arms, (goal.prior_alpha, goal.prior_beta))
    policy, known = ByTaskPolicy(goal), Known(candidates, tasks=by_task)
    found = []
    for task in believed.tasks:
        beliefs = believed.of(task)
        given = policy.probabilities(replace(context, task_type=task), known).probabilities
        models = tuple(
            ModelOnTask(
                arm, mean(one.posterior), *interval(one.posterior), one.posterior.observations, probability
            )
            for arm, one, probability in zip(arms, beliefs, given, strict=True)
        )
        found.append(Task(task, models, sum(one.others for one in beliefs) / len(beliefs)))
    return found
