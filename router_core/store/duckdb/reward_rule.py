"""What one completion teaches: the rule in words of Python, for the few completions that a write touches.

``sql.evidence`` says the same for the whole log; tests hold the two against each other. Does not cover reading
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from router_core.store.duckdb.attribution import Waits, in_time
from router_core.types import TeachingRule, was_drawn

_AT_ONCE: Final[Waits] = MappingProxyType({})

Lesson = tuple[str, str, str, int, int]
"""Goal, task type, arm, 1, reward in millionths: what one completion adds to the evidence by task."""


@dataclass(frozen=True, slots=True)
class Led:
    """A decision that led to a completion.

    ``drawn_by``: the policy that drew it; None: none did. ``everyone``: every model answered the prompt. ``task``:
    its task type, "" where there is none or nobody asked for it. ``beside``: what an outcome has beside it.
    """

    goal: str
    arm: str
    drawn_by: str | None
    everyone: bool
    task: str
    beside: tuple[Any, ...]

    def is_own(self, rule: TeachingRule) -> bool:
        """Whether the learner of a rule counts it as its own: it drew it, or every model answered."""
        return self.everyone or self.drawn_by == rule.learner


def drawing(policy: str, origin: str) -> str | None:
    """The policy that drew a decision; None where none did."""
    return policy if was_drawn(origin) else None


def lesson(
    rule: TeachingRule, words: Mapping[str, int | None], led: Iterable[Led], waited: Waits = _AT_ONCE
) -> Lesson | None:
    """What a completion teaches, or None.

    Args:
        rule: which outcomes teach.
        words: source -> its last word in millionths (None: withdrawn or unknown).
        led: the decisions that led to the completion.
        waited: how long each source took to judge it first; looked at only where the rule has a window.
    """
    decisions = list(led)
    if not decisions or (rule.learn_from == "own" and not any(one.is_own(rule) for one in decisions)):
        return None
    said = (words[source] for source in rule.precedence if words.get(source) is not None)
    reward = next(said, None)
    if reward is None or not in_time(rule, waited):
        return None
    first = decisions[0]
    return (first.goal, first.task, first.arm, 1, reward)
