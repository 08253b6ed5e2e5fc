"""A goal's gain score, learned from its log."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Final

from router_core.learning.contextual.gain import GainScore
from router_core.registry import CONTEXTUAL
from router_core.settings import GoalSettings
from router_core.store.base import Learning

LEAST_TEXTS: Final = 100
"""Judged prompts that a gain score needs."""

MOST_TEXTS: Final = 5_000
"""Newest judged answers that one is learned from: learning holds some 40 kB for each, beside the traffic."""


def learn_gain(
    store: Learning,
    goal: str,
    chosen: GoalSettings,
    at: datetime,
    tick: Callable[[float], None] = lambda done: None,
) -> GainScore | None:
    """Learn the goal's gain score from its log and put it in force; None where there is too little to learn from.

    A score learned from labelled prompts stays until the log has taught more prompts than it.

    Raises:
        EvaluationError: the log cannot teach one.
        StoreError: the store cannot be read or written.
    """
    from router_core.learning.contextual.training import Lesson as TrainingLesson
    from router_core.learning.contextual.training import learn_score

    found = store.text_lessons(goal, chosen.teaching_rule(CONTEXTUAL.name), MOST_TEXTS)
    now = store.gain(goal)
    known = None if now is None or now[0] == "log" else json.loads(now[1])
    other = 0 if known is None else int(known["texts"])
    if len(found) < max(LEAST_TEXTS, min(other, MOST_TEXTS)):
        return None
    lessons = [TrainingLesson(one.text, one.rewards, one.probabilities) for one in found]
    score = learn_score(lessons, [arm.id for arm in chosen.arms], tick=tick)
    store.save_gain(goal, score.version, "log", json.dumps(score.document()), at=at)
    return score
