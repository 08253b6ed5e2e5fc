"""What the contextual router learns from: judged answers in the order in which they were first judged.

Leaves out learning itself (router_core/contextual_memory.py) and the evidence of Thompson sampling (evidence.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import duckdb

from router_core.store import sql
from router_core.store.attribution import waits
from router_core.store.base import Lesson, TextLesson
from router_core.store.evidence import last_words, words_about
from router_core.store.learning import Counting
from router_core.store.teaching import Led, lesson
from router_core.types import MICRO, Context, TeachingRule

_TOGETHER: Final = 5000  # completions in one question

_TOUCHED: Final = "SELECT DISTINCT completion_id FROM outcome WHERE seq > $after"
_NEWEST: Final = """
    SELECT completion_id FROM outcome
    WHERE completion_id IN (SELECT completion_id FROM decision WHERE goal = $goal)
    GROUP BY completion_id ORDER BY min(seq) DESC LIMIT $limit
"""
_LED: Final = """
    SELECT completion_id, prompt_id, decision.goal, chosen, policy, decision.origin, coalesce(run_all, false),
           context, arms, probabilities
    FROM decision LEFT JOIN prompt ON prompt.id = prompt_id
    WHERE completion_id IN ({places}) ORDER BY decision.id
"""
_SEEN: Final = "SELECT prompt_id, arms, features FROM seen WHERE prompt_id IN ({places}) ORDER BY id"

_Row = tuple[Any, ...]


def lessons(
    cursor: duckdb.DuckDBPyConnection,
    goal: str,
    rule: TeachingRule,
    counting: Mapping[str, Counting],
    after: int,
    limit: int,
) -> tuple[int, list[Lesson]]:
    """See ``router_core.store.base.Store.lessons``; one snapshot of the tables."""
    cursor.begin()
    last = int(cursor.execute(sql.LAST_SEQ).fetchall()[0][0])
    if after:
        found = cursor.execute(_TOUCHED, {"after": after}).fetchall()
    else:
        found = cursor.execute(_NEWEST, {"goal": goal, "limit": limit}).fetchall()
    told: list[Lesson] = []
    for part in _parts([id_ for (id_,) in found]):
        told += _told(cursor, goal, rule, counting, part)
    cursor.commit()
    told.sort(key=lambda one: one.place)
    return last, told[-limit:]


def _told(
    cursor: duckdb.DuckDBPyConnection,
    goal: str,
    rule: TeachingRule,
    counting: Mapping[str, Counting],
    ids: Sequence[UUID],
) -> list[Lesson]:
    led = _led(cursor, ids, goal)
    if not led:
        return []
    said = words_about(cursor, set(led), set())[0]
    decided = {id_: [_as_led(row) for row in rows] for id_, rows in led.items()}
    words = last_words(said, decided, counting)
    waited = waits(cursor, set(led)) if rule.window is not None else {}
    prompts = list({rows[0][1] for rows in led.values()})
    seen: dict[tuple[UUID, str], tuple[float, ...]] = {}
    for prompt_id, arms, features in cursor.execute(_SEEN.format(places=_places(prompts)), prompts).fetchall():
        size = len(features) // len(arms)
        for place, arm in enumerate(arms):
            seen[prompt_id, arm] = tuple(features[place * size : (place + 1) * size])
    told = []
    for id_, rows in led.items():
        taught = lesson(rule, words.get(id_, {}), decided[id_], waited.get(id_, {}))
        arm, features = rows[0][3], seen.get((rows[0][1], rows[0][3]))
        told.append(
            Lesson(
                min(seq for by_source in said[id_].values() for seq, _ in by_source),
                arm,
                None if taught is None else taught[3] / MICRO,
                features,
                Context(**json.loads(rows[0][7])) if features is None and taught is not None else None,
            )
        )
    return told


def text_lessons(
    cursor: duckdb.DuckDBPyConnection,
    goal: str,
    rule: TeachingRule,
    counting: Mapping[str, Counting],
    limit: int,
) -> list[TextLesson]:
    """See ``router_core.store.base.Store.text_lessons``."""
    found: dict[UUID, dict[str, Any]] = {}
    ids = [id_ for (id_,) in cursor.execute(_NEWEST, {"goal": goal, "limit": limit}).fetchall()]
    for part in _parts(ids):
        led = _led(cursor, part, goal)
        decided = {id_: [_as_led(row) for row in rows] for id_, rows in led.items()}
        words = last_words(words_about(cursor, set(led), set())[0], decided, counting)
        waited = waits(cursor, set(led)) if rule.window is not None else {}
        for id_, rows in led.items():
            taught = lesson(rule, words.get(id_, {}), decided[id_], waited.get(id_, {}))
            text = json.loads(rows[0][7])["text"]
            if taught is None or not text:
                continue
            of = found.setdefault(rows[0][1], {"text": text, "rewards": {}, "drawn": None})
            of["rewards"].setdefault(rows[0][3], taught[3] / MICRO)
            drawn = [row for row in rows if row[5] not in ("forced", "fallback")]
            if drawn:
                likeliest = max(drawn, key=lambda row: min(row[9]))  # the one that says most about the others
                of["drawn"] = dict(zip(likeliest[8], likeliest[9], strict=True))
    return [
        TextLesson(of["text"], of["rewards"], None if len(of["rewards"]) > 1 else of["drawn"])
        for of in found.values()
        if len(of["rewards"]) > 1 or of["drawn"]
    ]


def _led(cursor: duckdb.DuckDBPyConnection, ids: Sequence[UUID], goal: str) -> dict[UUID, list[_Row]]:
    """Completion -> the decisions of this goal that led to it, oldest first."""
    led: dict[UUID, list[_Row]] = {}
    for row in cursor.execute(_LED.format(places=_places(ids)), list(ids)).fetchall() if ids else ():
        if row[2] == goal:
            led.setdefault(row[0], []).append(row)
    return led


def _as_led(row: _Row) -> Led:
    own = row[6] or (row[4] == "contextual" and row[5] not in ("forced", "fallback"))
    return Led(row[2], row[3], own, ())


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), _TOGETHER):
        yield ids[start : start + _TOGETHER]


def _places(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
