"""Reading the log from the tables: every question with a cursor of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from router_core.store.base import Comparison, Per, Search
from router_core.store.duckdb import rows, sql
from router_core.store.duckdb import search as finding
from router_core.store.duckdb import wide_rows as rereading
from router_core.store.duckdb.part import Part
from router_core.store.duckdb.questions import question_text
from router_core.types import Decision, OutcomeRecord, Prompt

if TYPE_CHECKING:
    import pandas as pd

_PAGE = 1_000


def uuid_of(text: str) -> UUID | None:
    """The identifier that a text spells, or None."""
    try:
        return UUID(text)
    except (ValueError, AttributeError, TypeError):
        return None


class Reading(Part):
    """See ``router_core.store.base.Questions``."""

    def comparison(self, prompt_id: str) -> Comparison | None:
        """One prompt with everything that followed."""
        wanted = {"id": uuid_of(prompt_id)}
        if wanted["id"] is None:
            return None
        with self.file.cursor() as cursor:
            cursor.begin()  # one snapshot for all four questions
            found = cursor.execute(sql.PROMPT, wanted).fetchone()
            if found is None:
                return None
            decisions = cursor.execute(sql.DECISIONS_OF, wanted).fetchall()
            completions = cursor.execute(sql.COMPLETIONS_OF, wanted).fetchall()
            outcomes = cursor.execute(sql.OUTCOMES_OF, wanted).fetchall()
        return Comparison(
            rows.prompt_of(found),
            tuple(map(rows.decision_of, decisions)),
            tuple(map(rows.completion_of, completions)),
            tuple(map(rows.outcome_of, outcomes)),
        )

    def recent_prompts(self, limit: int) -> list[Prompt]:
        """The newest prompts, newest first."""
        with self.file.cursor() as cursor:
            return [rows.prompt_of(row) for row in cursor.execute(sql.RECENT, {"limit": limit}).fetchall()]

    def find(self, search: Search, limit: int, offset: int = 0) -> list[Comparison]:
        """A page of the prompts found, newest first."""
        with self.file.cursor() as cursor:
            return finding.comparisons(cursor, [UUID(id_) for id_ in finding.find(cursor, search, limit, offset)])

    def log(self, search: Search, limit: int | None = None, per: Per = "decision") -> Iterator[Any]:
        """The prompts found as wide tables, newest first."""
        return rereading.blocks(self.file.cursor, search, limit, per)

    def count(self, search: Search) -> int:
        """How many prompts a search finds."""
        with self.file.cursor() as cursor:
            return finding.count(cursor, search)

    def decision(self, id_: str) -> Decision | None:
        """One decision."""
        with self.file.cursor() as cursor:
            found = cursor.execute(sql.DECISION, {"id": uuid_of(id_)}).fetchone()
        return None if found is None else rows.decision_of(found)

    def decision_of(self, completion_id: str) -> Decision | None:
        """The decision that led to an answer, the last of several."""
        with self.file.cursor() as cursor:
            found = cursor.execute(sql.DECISION_OF, {"id": uuid_of(completion_id)}).fetchone()
        return None if found is None else rows.decision_of(found)

    def arm_that_called(self, goal: str, calls: Sequence[str], sha256: str) -> str | None:
        """The arm whose answer asked for one of these calls of tools."""
        wanted = {"goal": goal, "calls": list(calls), "sha256": sha256}
        return self._first(sql.CALLED, wanted)

    def arm_of_session(self, goal: str, session: str) -> str | None:
        """The arm of the newest request of a session that has not failed."""
        return self._first(sql.OF_SESSION, {"goal": goal, "session": session})

    def _first(self, text: str, wanted: Mapping[str, Any]) -> str | None:
        with self.file.cursor() as cursor:
            found = cursor.execute(text, wanted).fetchone()
        return None if found is None else str(found[0])

    def outcome_history(self, completion_id: str) -> list[OutcomeRecord]:
        """Every record about one completion, oldest first."""
        with self.file.cursor() as cursor:
            found = cursor.execute(sql.HISTORY, {"id": uuid_of(completion_id)}).fetchall()
        return [rows.outcome_of(row) for row in found]

    def decisions(self, goal: str | None = None) -> Iterator[Decision]:
        """All decisions in the order of time."""
        after: str | None = None
        while True:
            with self.file.cursor() as cursor:
                wanted = {"after": after, "goal": goal, "limit": _PAGE}
                page = [rows.decision_of(row) for row in cursor.execute(sql.DECISIONS, wanted).fetchall()]
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].id

    def rows(self, question: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One of the questions about the whole log, answered row by row."""
        text, wanted = question_text(question, parameters)
        with self.file.cursor() as cursor:
            found = cursor.execute(text, wanted)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def table(self, question: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
        """One of the questions about the whole log, answered as a table."""
        text, wanted = question_text(question, parameters)
        with self.file.cursor() as cursor:
            return cursor.execute(text, wanted).df()
