"""The ways of choosing that can be judged on a file of scored answers: policies, and what they are compared with.

Light to import: the command and the pages list these names before anything is judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from router_core.registry import BY_TASK, CLASSIFIER, CONTEXTUAL, POLICIES, RULES, THOMPSON

if TYPE_CHECKING:
    from router_core.evaluation.labelled import Labelled

RANDOM: Final = "random"
LENGTH: Final = "length"
POINTS: Final = "points"
LEARNED: Final = "learned"
ORACLE: Final = "oracle"

LEARNING_BY_TASK: Final = f"{BY_TASK.name}, learning"
"""By task twice: judged out of sample under its own name, and under this one as it learns on the way."""

LEARNERS: Final[Mapping[str, str]] = {
    LEARNING_BY_TASK if entry == BY_TASK else entry.name: entry.label
    for entry in POLICIES.values()
    if entry.learns
}
"""What learns as it goes, name -> label. On a file such lives are simulated."""

WAYS: Final[Mapping[str, str]] = {
    RANDOM: "Random mix",
    LENGTH: "Prompt length",
    RULES.name: RULES.label,
    POINTS: "Rules, points as a ranking",
    LEARNED: "Learned from these prompts",
    CLASSIFIER.name: f"{CLASSIFIER.label}, recorded",
    BY_TASK.name: BY_TASK.label,
    **{entry.name: f"{entry.label} (a simulation)" for entry in (THOMPSON, CONTEXTUAL)},
    ORACLE: "Oracle (the ceiling)",
}
"""Name -> label. The fixed models are always judged."""


def offered(data: Labelled) -> list[str]:
    """The names that can be judged on these prompts: the classifier needs verdicts, by task two task types."""
    from router_core.learning.pooling import task_name

    missing = set() if data.verdicts is not None else {CLASSIFIER.name}
    if len({task_name(task) for task in data.tasks} - {""}) < 2:
        missing.add(BY_TASK.name)
    return [name for name in WAYS if name not in missing]


TEXTLESS: Final = frozenset({RANDOM, LENGTH, LEARNED, ORACLE, THOMPSON.name, CONTEXTUAL.name, BY_TASK.name})
"""Those for which no prompt has to be looked at as a policy sees it."""
