"""What the contextual router learns from: judged answers in the order in which they were first judged.

Of the whole log the tables are asked. Of the few answers that were touched since the last time rows are read,
and the rule is applied in Python: planning the question would take longer. A test holds the two against each
other. See routing/memory.py for learning itself, evidence.py for the evidence of Thompson sampling.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import duckdb
import numpy as np
from numpy.typing import NDArray

from router_core.store.base import Lesson, TextLesson
from router_core.store.duckdb import sql
from router_core.store.duckdb.attribution import waits
from router_core.store.duckdb.drawn import drawn_by
from router_core.store.duckdb.evidence import last_words, words_about
from router_core.store.duckdb.learning_events import Counting
from router_core.store.duckdb.reward_rule import Led, drawing, lesson
from router_core.types import MICRO, Context, TeachingRule, was_drawn

_TOGETHER: Final = 5000  # completions in one question

_TOUCHED: Final = "SELECT DISTINCT completion_id FROM outcome WHERE seq > $after"
_NEWEST: Final = """
    SELECT completion_id FROM outcome WHERE goal = $goal AND nth = 0 ORDER BY seq DESC LIMIT $limit
"""
_LED: Final = """
    SELECT completion_id, prompt_id, decision.goal, chosen, policy, decision.origin, coalesce(run_all, false),
           context, arms, probabilities
    FROM decision LEFT JOIN prompt ON prompt.id = prompt_id
    WHERE completion_id IN ({places}) ORDER BY decision.id
"""
_SEEN: Final = "SELECT prompt_id, arms, features FROM seen WHERE prompt_id IN ({places}) ORDER BY id"
_ALL: Final = f"""
    WITH asked AS MATERIALIZED ({_NEWEST}), led AS (
        SELECT completion_id, min(decision.id) FILTER (decision.goal = $goal) AS first,
               min(decision.created_at) AS decided_at,
               bool_or(
                   coalesce(run_all, false)
                   OR {drawn_by(None, "decision.origin")}
               ) FILTER (decision.goal = $goal) AS own
        FROM decision LEFT JOIN prompt ON prompt.id = prompt_id
        WHERE completion_id IN (FROM asked) GROUP BY completion_id
    ), last_word AS (
        SELECT completion_id, source, min(seq) AS seq,
               min(created_at) FILTER (reward_micro IS NOT NULL) AS judged_at,
               arg_max_null(reward_micro, seq) FILTER ({{counts}}) AS reward_micro
        FROM outcome WHERE completion_id IN (FROM asked) GROUP BY completion_id, source
    ), judged AS (
        SELECT completion_id, min(seq) AS place,
               min(judged_at) FILTER (list_contains($precedence::VARCHAR[], source)) AS judged_at,
               arg_min(reward_micro, list_position($precedence::VARCHAR[], source)) FILTER (
                   reward_micro IS NOT NULL AND list_contains($precedence::VARCHAR[], source)
               ) AS reward_micro
        FROM last_word GROUP BY completion_id
    ), told AS MATERIALIZED (
        SELECT place, prompt_id, chosen, context, CASE
                   WHEN (own OR NOT $own) AND (
                       $window_us::BIGINT IS NULL OR epoch_us(judged_at) - epoch_us(decided_at) <= $window_us
                   ) THEN reward_micro
               END AS reward_micro
        FROM judged JOIN led USING (completion_id) JOIN decision ON decision.id = first
    ), shown AS (
        SELECT place, arg_max(features, seen.id) AS features, arg_max(seen.arms, seen.id) AS arms
        FROM seen JOIN told USING (prompt_id) WHERE list_contains(arms, chosen) GROUP BY place
    )
    SELECT place, chosen, reward_micro,
           features[
               (list_position(arms, chosen) - 1) * (len(features) // len(arms)) + 1
               : list_position(arms, chosen) * (len(features) // len(arms))
           ] AS features,
           CASE WHEN features IS NULL AND reward_micro IS NOT NULL THEN context END AS context
    FROM told LEFT JOIN shown USING (place) ORDER BY place
"""

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
    told: list[Lesson] = []
    if after:
        touched = cursor.execute(_TOUCHED, {"after": after}).fetchall()
        for part in _parts([id_ for (id_,) in touched]):
            told += _told(cursor, goal, rule, counting, part)
        told.sort(key=lambda one: one.place)
    else:
        told = _all(cursor, goal, rule, counting.get(goal, Counting()), limit)
    cursor.commit()
    return last, told[-limit:]


def _all(
    cursor: duckdb.DuckDBPyConnection, goal: str, rule: TeachingRule, counting: Counting, limit: int
) -> list[Lesson]:
    """What ``_told`` says, of the newest answers."""
    wanted: dict[str, Any] = {
        "goal": goal,
        "limit": limit,
        "precedence": list(rule.precedence),
        "own": rule.learn_from == "own",
        "learner": rule.learner,
        "window_us": rule.window_us,
    }
    spans = []
    for place, (after, upto) in enumerate(counting.spans):
        wanted[f"after_{place}"] = after
        spans.append(f"seq > $after_{place}")
        if upto is not None:
            wanted[f"upto_{place}"] = upto
            spans[-1] += f" AND seq <= $upto_{place}"
    text = _ALL.format(counts=" OR ".join(spans) or "false")
    found = cursor.execute(text, wanted).fetchnumpy()
    columns = (found[name].tolist() for name in ("place", "chosen", "reward_micro", "features", "context"))
    return [
        Lesson(
            place,
            arm,
            None if micro is None else micro / MICRO,
            features,
            None if context is None else Context(**json.loads(context)),
        )
        for place, arm, micro, features, context in zip(*columns, strict=True)
    ]


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
    seen: dict[tuple[UUID, str], NDArray[np.float64]] = {}
    for prompt_id, arms, features in cursor.execute(_SEEN.format(places=_places(prompts)), prompts).fetchall():
        size = len(features) // len(arms)
        for place, arm in enumerate(arms):
            seen[prompt_id, arm] = np.array(features[place * size : (place + 1) * size])
    told = []
    for id_, rows in led.items():
        taught = lesson(rule, words.get(id_, {}), decided[id_], waited.get(id_, {}))
        arm, features = rows[0][3], seen.get((rows[0][1], rows[0][3]))
        told.append(
            Lesson(
                min(seq for by_source in said[id_].values() for seq, _ in by_source),
                arm,
                None if taught is None else taught[-1] / MICRO,
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
            of["rewards"].setdefault(rows[0][3], taught[-1] / MICRO)
            drawn = [row for row in rows if was_drawn(row[5])]
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
    return Led(row[2], row[3], drawing(row[4], row[5]), row[6], "", ())


def _parts(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    for start in range(0, len(ids), _TOGETHER):
        yield ids[start : start + _TOGETHER]


def _places(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
