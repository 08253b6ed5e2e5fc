"""What the contextual router learns from and what it keeps: lessons, gain scores, and alarms taken back.

Leaves out the questions put to the tables (judged_answers.py) and learning itself (router_core/routing/memory.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from router_core.store.base import Lesson, TextLesson
from router_core.store.duckdb import judged_answers as taught
from router_core.store.duckdb import sql
from router_core.store.duckdb.learning_events import Counting
from router_core.store.duckdb.resets import Relearning
from router_core.store.duckdb.rows import naive
from router_core.types import TeachingRule


class Remembering(Relearning):
    """That part of ``router_core.store.base.Store``; the store that inherits this keeps versions in memory."""

    _gains: Mapping[str, str]
    _revision: int

    def lessons(self, goal: str, rule: TeachingRule, after: int, limit: int) -> tuple[int, list[Lesson]]:
        """Judged answers, and the number of the last outcome."""
        with self._cursor() as cursor:
            return taught.lessons(cursor, goal, rule, self._counting, after, limit)

    def text_lessons(self, goal: str, rule: TeachingRule, limit: int) -> list[TextLesson]:
        """Judged prompts whose texts were kept."""
        with self._cursor() as cursor:
            return taught.text_lessons(cursor, goal, rule, self._counting, limit)

    def gain_version(self, goal: str) -> str | None:
        """Which gain score is in force, from memory."""
        return self._gains.get(goal)

    def gain(self, goal: str) -> tuple[str, str] | None:
        """The gain score in force, and where it comes from."""
        with self._cursor() as cursor:
            found = cursor.execute(sql.GAIN, {"goal": goal}).fetchone()
        return None if found is None else (found[0], found[1])

    def save_gain(self, goal: str, version: str, origin: str, document: str, *, at: datetime) -> None:
        """Put a gain score in force."""
        values = {"at": naive(at), "goal": goal, "version": version, "origin": origin, "document": document}
        with self._commit_lock:
            with self._change() as cursor:
                cursor.execute(sql.SAVE_GAIN, values)
                cursor.execute(sql.FORGET_GAINS, {"goal": goal})
            self._gains = {**self._gains, goal: version}
            self._revision += 1

    def contextual_base(self, goal: str) -> str:
        """What the contextual router begins from."""
        return self._counting.get(goal, Counting()).contextual

    def disregarded_alarms(self, goal: str) -> frozenset[int]:
        """Places of the alarms that were taken back."""
        return frozenset(self._counting.get(goal, Counting()).disregarded)

    def disregard_alarm(self, goal: str, place: int, *, at: datetime, author: str, note: str = "") -> None:
        """Learn on as if an alarm had not been."""
        self._learn(
            goal, "disregard", at, author, note,
            lambda now, last: replace(now, disregarded=(*now.disregarded, place)),
        )  # fmt: skip
