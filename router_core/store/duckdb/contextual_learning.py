"""What the routers learn from, and what the contextual one keeps: evidence, lessons, gain scores.

The questions put to the tables are in judged_answers.py, learning itself is in router_core/routing/memory.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from router_core.store.base import Lesson, TextLesson
from router_core.store.duckdb import judged_answers as taught
from router_core.store.duckdb import sql
from router_core.store.duckdb.evidence import Counts
from router_core.store.duckdb.part import Part
from router_core.store.duckdb.rows import naive
from router_core.types import ByTask, Evidence, OutputTokens, TeachingRule


class Learned(Part):
    """What is learned from in ``router_core.store.base.Learning``."""

    @property
    def mark(self) -> tuple[int, int]:
        """Recalls, and the last number given to an outcome."""
        self.file.require_open()
        return self.projection.recalled, self.projection.last

    def evidence(self, goal: str, rule: TeachingRule) -> Mapping[str, Evidence]:
        """Arm id -> what teaches it, from memory."""
        return _of_goal(goal, self.projection.evidence(rule))

    def rebuild_evidence(self, goal: str, rule: TeachingRule) -> Mapping[str, Evidence]:
        """The same from the log."""
        return _of_goal(goal, self.projection.count_evidence(rule))

    def evidence_by_task(self, goal: str, rule: TeachingRule) -> ByTask:
        """Task type -> arm id -> what teaches it, from memory."""
        return self.projection.evidence_by_task(goal, rule)

    def output_tokens(self, goal: str) -> Mapping[str, OutputTokens]:
        """Arm id -> output tokens seen, from memory."""
        self.file.require_open()
        counts = self.projection.output_tokens
        return {arm: OutputTokens(count, total) for (of, arm), (count, total) in counts.items() if of == goal}

    def lessons(self, goal: str, rule: TeachingRule, after: int, limit: int) -> tuple[int, list[Lesson]]:
        """Judged answers, and the number of the last outcome."""
        with self.file.cursor() as cursor:
            return taught.lessons(cursor, goal, rule, self.projection.counting, after, limit)

    def text_lessons(self, goal: str, rule: TeachingRule, limit: int) -> list[TextLesson]:
        """Judged prompts whose texts were kept."""
        with self.file.cursor() as cursor:
            return taught.text_lessons(cursor, goal, rule, self.projection.counting, limit)

    def gain_version(self, goal: str) -> str | None:
        """Which gain score is in force, from memory."""
        return self.projection.gains.get(goal)

    def gain(self, goal: str) -> tuple[str, str] | None:
        """The gain score in force, and where it comes from."""
        with self.file.cursor() as cursor:
            found = cursor.execute(sql.GAIN, {"goal": goal}).fetchone()
        return None if found is None else (found[0], found[1])

    def save_gain(self, goal: str, version: str, origin: str, document: str, *, at: datetime) -> None:
        """Put a gain score in force."""
        values = {"at": naive(at), "goal": goal, "version": version, "origin": origin, "document": document}
        with self.file.lock:
            with self.change() as cursor:
                cursor.execute(sql.SAVE_GAIN, values)
                cursor.execute(sql.FORGET_GAINS, {"goal": goal})
            self.projection.gains = {**self.projection.gains, goal: version}
            self.projection.revision += 1


def _of_goal(goal: str, counts: Counts) -> dict[str, Evidence]:
    return {arm: Evidence(count, micro) for (of, arm), (count, micro) in counts.items() if of == goal}
