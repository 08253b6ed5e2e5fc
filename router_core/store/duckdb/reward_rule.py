"""What one completion teaches: the rule in words of Python, for the few completions that a write touches.

``sql.evidence`` says the same for the whole log; tests hold the two against each other. Leaves out reading rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from router_core.registry import THOMPSON
from router_core.store.duckdb.attribution import Waits, in_time
from router_core.types import TeachingRule, was_drawn

_AT_ONCE: Final[Waits] = MappingProxyType({})

Lesson = tuple[str, str, int, int]
"""Goal, arm, 1, reward in millionths: what one completion adds to the evidence."""


@dataclass(frozen=True, slots=True)
class Led:
    """A decision that led to a completion.

    ``own``: Thompson sampling drew it, or every model answered. ``beside``: what an outcome has beside it.
    """

    goal: str
    arm: str
    own: bool
    beside: tuple[Any, ...]


def drew_itself(policy: str, origin: str) -> bool:
    """Whether Thompson sampling drew the arm itself."""
    return policy == THOMPSON.name and was_drawn(origin)


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
    if not decisions or (rule.learn_from == "own" and not any(one.own for one in decisions)):
        return None
    said = (words[source] for source in rule.precedence if words.get(source) is not None)
    reward = next(said, None)
    if reward is None or not in_time(rule, waited):
        return None
    return (decisions[0].goal, decisions[0].arm, 1, reward)
