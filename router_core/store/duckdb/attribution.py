"""Whether an answer was first judged in time: the attribution window, in SQL for the log and read for few answers.

An answer is judged when the first reward from a source that teaches was given; it was decided for when the first
decision led to it. What comes later (a correction, another source, a reset) does not change whether that was in
time. See reward_rule.py for what an answer teaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import duckdb

from router_core.types import TeachingRule

IN_TIME: Final = """
    AND completion_id IN (
        SELECT completion_id FROM (
            SELECT completion_id, min(created_at) AS judged_at FROM outcome
            WHERE reward_micro IS NOT NULL AND list_contains($precedence::VARCHAR[], source)
            GROUP BY completion_id
        ) JOIN decision USING (completion_id)
        GROUP BY completion_id HAVING epoch_us(any_value(judged_at)) - epoch_us(min(created_at)) <= $window_us
    )
"""
"""A condition on ``completion_id``. Parameters: $precedence, $window_us (microseconds)."""

_JUDGED: Final = """
    reward_micro IS NOT NULL AND list_contains($precedence::VARCHAR[], source) AND created_at <= $now
"""

QUESTIONS: Final[dict[str, str]] = {
    "pending": f"""
        WITH several AS (SELECT DISTINCT completion_id FROM outcome WHERE nth > 0), judged AS (
            SELECT completion_id, created_at FROM outcome ANTI JOIN several USING (completion_id) WHERE {_JUDGED}
            UNION ALL
            SELECT completion_id, min(created_at) FROM outcome SEMI JOIN several USING (completion_id)
            WHERE {_JUDGED} GROUP BY completion_id
        ), decided AS (  -- needed only where there is a window
            SELECT completion_id, min(created_at) AS created_at FROM decision
            WHERE $window_us IS NOT NULL GROUP BY completion_id
        ), answers AS (
            SELECT arm, epoch_us(judged.created_at) AS judged_us,
                   epoch_us(coalesce(decided.created_at, completion.created_at)) + $window_us AS closes_us
            FROM completion LEFT JOIN decided ON decided.completion_id = completion.id
                LEFT JOIN judged ON judged.completion_id = completion.id
            WHERE goal = $goal AND error IS NULL
        )
        SELECT arm,
               count(*) FILTER (judged_us IS NOT NULL AND (closes_us IS NULL OR judged_us <= closes_us)) AS rated,
               count(*) FILTER (judged_us > closes_us) AS late,
               count(*) FILTER (judged_us IS NULL AND (closes_us IS NULL OR epoch_us($now) <= closes_us))
                   AS waiting,
               count(*) FILTER (judged_us IS NULL AND epoch_us($now) > closes_us) AS missing
        FROM answers GROUP BY arm ORDER BY arm
    """,
}
"""How many answers were judged in time, too late, may still be, and never were.

Parameters: $goal, $now (UTC), $window_us (NULL: no window), $precedence. An answer whose rating was withdrawn
stays among the judged; calls that failed are no answers.
"""

Waits = Mapping[str, timedelta]
"""Source -> time between the decision and its first reward."""


def waits(cursor: duckdb.DuckDBPyConnection, ids: set[UUID]) -> dict[UUID, Waits]:
    """Completion -> how long each source took; those without a decision or a reward are absent."""
    if not ids:
        return {}
    places = f"WHERE completion_id IN ({', '.join('?' * len(ids))})"
    decided: dict[UUID, datetime] = dict(
        cursor.execute(
            f"SELECT completion_id, min(created_at) FROM decision {places} GROUP BY completion_id", list(ids)
        ).fetchall()
    )
    judged = cursor.execute(
        f"SELECT completion_id, source, min(created_at) FROM outcome {places} AND reward_micro IS NOT NULL"
        " GROUP BY completion_id, source",
        list(ids),
    ).fetchall()
    found: dict[UUID, dict[str, timedelta]] = {}
    for completion_id, source, at in judged:
        if completion_id in decided:
            found.setdefault(completion_id, {})[source] = at - decided[completion_id]
    return dict(found)


def in_time(rule: TeachingRule, waited: Waits) -> bool:
    """Whether an answer that was judged was first judged within the rule's window."""
    if rule.window is None:
        return True
    first = min((waited[source] for source in rule.precedence if source in waited), default=None)
    return first is not None and first <= rule.window
