"""Finding prompts in the log, a page at a time, and reading many comparisons at once.

See deletion.py for deleting them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

import duckdb

from router_core.noted import mark
from router_core.store.base import Comparison, Search
from router_core.store.duckdb import rows

_FILTERS: Final = {
    "goal": "goal = $goal",
    "origin": "origin = $origin",
    "since": "created_at >= $since",
    "until": "created_at < $until",
    "text": "contains(lower(messages), lower($text))",
    "policy": "id IN (SELECT prompt_id FROM decision WHERE policy = $policy)",
    "arm": "id IN (SELECT prompt_id FROM completion WHERE arm = $arm)",
    "ids": "id IN (SELECT unnest($ids::UUID[]))",
    "rated": """
        $rated = (id IN (
            SELECT prompt_id FROM completion SEMI JOIN (
                SELECT completion_id FROM outcome WHERE source = 'thumb'
                GROUP BY completion_id HAVING arg_max_null(reward_micro, seq) IS NOT NULL
            ) ON completion_id = completion.id))
    """,
}

_ANSWER: Final = 16
"""The place of ``completion_id`` in a row of ``decision``."""


def prompts_where(search: Search) -> tuple[str, dict[str, Any]]:
    """The condition on ``prompt`` that a search means, and its parameters."""
    values = {
        "goal": search.goal,
        "origin": search.origin,
        "since": rows.naive(search.since) if search.since else None,
        "until": rows.naive(search.until) if search.until else None,
        "text": search.text or None,
        "policy": search.policy,
        "arm": search.arm,
        "rated": search.rated,
        "ids": None if search.ids is None else list(search.ids),
    }
    wanted = {name: value for name, value in values.items() if value is not None}
    conditions = [_FILTERS[name] for name in wanted]
    for place, (name, value) in enumerate(search.metadata):
        conditions.append(f"json_extract_string(metadata, $noted_{place}) IN ($is_{place}, $mark_{place})")
        wanted |= {f"noted_{place}": f"$.{json.dumps(name)}", f"is_{place}": value, f"mark_{place}": mark(value)}
    return " AND ".join(conditions) or "true", wanted


def find(cursor: duckdb.DuckDBPyConnection, search: Search, limit: int, offset: int) -> list[str]:
    """Ids of the prompts found, newest first."""
    condition, wanted = prompts_where(search)
    text = f"SELECT id FROM prompt WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT $limit OFFSET $offset"
    found = cursor.execute(text, {**wanted, "limit": limit, "offset": offset}).fetchall()
    return [str(id_) for (id_,) in found]


def count(cursor: duckdb.DuckDBPyConnection, search: Search) -> int:
    """How many prompts a search finds."""
    condition, wanted = prompts_where(search)
    return int(cursor.execute(f"SELECT count(*) FROM prompt WHERE {condition}", wanted).fetchall()[0][0])


def comparisons(cursor: duckdb.DuckDBPyConnection, ids: Sequence[UUID]) -> list[Comparison]:
    """Those prompts with all that followed, in the order of the ids; ids that are not stored are left out."""
    if not ids:
        return []
    places = ", ".join("?" * len(ids))

    def of(table: str) -> dict[str, list[rows.Row]]:
        grouped: dict[str, list[rows.Row]] = defaultdict(list)
        text = f"SELECT * FROM {table} WHERE prompt_id IN ({places}) ORDER BY id"
        for row in cursor.execute(text, list(ids)).fetchall():
            grouped[str(row[1])].append(row)
        return grouped

    cursor.begin()
    prompts = {
        str(row[0]): row
        for row in cursor.execute(f"SELECT * FROM prompt WHERE id IN ({places})", list(ids)).fetchall()
    }
    decisions, completions = of("decision"), of("completion")
    led = list({row[_ANSWER]: None for of_prompt in decisions.values() for row in of_prompt})
    last: dict[tuple[UUID, str], rows.Row] = {}
    if led:
        text = f"SELECT * FROM outcome WHERE completion_id IN ({', '.join('?' * len(led))}) ORDER BY seq"
        last = {(row[2], row[3]): row for row in cursor.execute(text, led).fetchall()}
    cursor.rollback()
    outcomes: dict[str, list[rows.Row]] = defaultdict(list)
    for row in sorted(last.values(), key=itemgetter(1)):
        if row[4] is not None:
            outcomes[str(row[2])].append(row)
    found = []
    for id_ in map(str, ids):
        if id_ not in prompts:
            continue
        decided = [rows.decision_of(row) for row in decisions[id_]]
        answers = dict.fromkeys(one.completion_id for one in decided)
        found.append(
            Comparison(
                rows.prompt_of(prompts[id_]),
                tuple(decided),
                tuple(map(rows.completion_of, completions[id_])),
                tuple(rows.outcome_of(row) for answer in answers for row in outcomes[answer]),
            )
        )
    return found
