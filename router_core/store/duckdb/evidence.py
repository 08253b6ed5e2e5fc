"""Evidence read from the tables: what was said about completions, who led to them, and the sums of all of it.

It is kept in memory by projection.py; the rule of what teaches is in reward_rule.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import duckdb

from router_core.store.duckdb import sql
from router_core.store.duckdb.learning_events import Counting, Sums
from router_core.store.duckdb.reward_rule import Led, Lesson, drawing
from router_core.store.duckdb.rows import Row
from router_core.types import Evidence, TeachingRule

_FOR_EVER: Final = 2**62
Key = tuple[str, ...]
"""Goal, arm; of evidence by task: goal, task type, arm."""

Counts = Mapping[Key, tuple[int, int]]
"""How many, and their sum."""

Contribution = tuple[Any, ...]
"""A key, how many, and their sum."""


def words_about(
    cursor: duckdb.DuckDBPyConnection, completions: set[UUID], outcomes: set[UUID]
) -> tuple[dict[UUID, dict[str, list[tuple[int, int | None]]]], set[UUID]]:
    """Completion -> source -> all it said, oldest first, as (number, reward in millionths).

    And which of ``outcomes``, that are about to be stored, are there already.
    """
    words: dict[UUID, dict[str, list[tuple[int, int | None]]]] = {}
    rows: dict[UUID, tuple[int, UUID, str, int | None]] = {}
    if completions or outcomes:
        asked = cursor.execute(sql.words(len(completions), len(outcomes)), [*completions, *outcomes])
        rows = {id_: (seq, *row) for id_, *row, seq in asked.fetchall()}
    for seq, completion_id, source, micro in sorted(rows.values(), key=itemgetter(0)):
        if completion_id in completions:
            words.setdefault(completion_id, {}).setdefault(source, []).append((seq, micro))
    return words, outcomes & rows.keys()


def last_words(
    words: Mapping[UUID, Mapping[str, Sequence[tuple[int, int | None]]]],
    led: Mapping[UUID, Sequence[Led]],
    counting: Mapping[str, Counting],
) -> dict[UUID, dict[str, int | None]]:
    """Completion -> source -> the last word that counts in its goal."""
    found: dict[UUID, dict[str, int | None]] = {}
    for completion_id, by_source in words.items():
        goal = led[completion_id][0].goal if led.get(completion_id) else ""
        rule = counting.get(goal)
        for source, said in by_source.items():
            counted = [micro for seq, micro in said if rule is None or rule.counts(seq)]
            if counted:
                found.setdefault(completion_id, {})[source] = counted[-1]
    return found


def led_to(cursor: duckdb.DuckDBPyConnection, ids: set[UUID], prompts: bool) -> dict[UUID, list[Led]]:
    """Completion -> the decisions that led to it, the first first.

    ``prompts``: whether their prompts are looked at, for the task type and whether every model answered.
    """
    if not ids:
        return {}
    found = cursor.execute(sql.led(len(ids)), [*ids, *ids]).fetchall()
    decisions = sorted((row for row in found if row[1] is not None), key=lambda row: row[6])
    answered_at = {id_: at for id_, goal, _, _, _, at, *_ in found if goal is None}
    asked = list({row[7] for row in decisions}) if prompts else []
    about: dict[UUID, tuple[bool, str]] = {}
    if asked:
        rows = cursor.execute(sql.prompts(len(asked)), asked).fetchall()
        about = {id_: (everyone, task) for id_, everyone, task in rows}
    led: dict[UUID, list[Led]] = {}
    for completion_id, goal, arm, policy, origin, at, nth, prompt_id in decisions:
        everyone, task = about.get(prompt_id, (False, ""))
        beside = (goal, arm, policy, origin, at, nth, answered_at.get(completion_id))
        one = Led(goal, arm, drawing(policy, origin), everyone, task, beside)
        led.setdefault(completion_id, []).append(one)
    return led


def beside(outcomes: Iterable[Row], led: Mapping[UUID, Sequence[Led]], completions: Sequence[Row]) -> list[Row]:
    """The rows of outcomes, each with the answer that it is about (see schema.py).

    Args:
        outcomes: what was said.
        led: completion -> the decisions that led to it, the first first.
        completions: rows that are stored together with the outcomes.
    """
    given = {row[0]: row[2] for row in reversed(completions)}  # of two with one id the first is stored
    found = []
    for row in outcomes:
        *said, answered_at = led[row[2]][0].beside
        found.append((*row, *said, answered_at or given.get(row[2])))
    return found


def all_evidence(
    cursor: duckdb.DuckDBPyConnection, rule: TeachingRule, counting: Mapping[str, Counting], by_task: bool = False
) -> Counts:
    """What teaches under this rule, of the whole log and from elsewhere; ``by_task``: for each task type."""
    wanted: dict[str, Any] = {
        "precedence": list(rule.precedence),
        "own": rule.learn_from == "own",
        "learner": rule.learner,
    }
    if rule.window is not None:
        wanted["window_us"] = rule.window_us
    if counting:
        spans = [(goal, *span) for goal, one in counting.items() for span in one.spans]
        wanted["goals"] = [goal for goal, _, _ in spans]
        wanted["after"] = [after for _, after, _ in spans]
        wanted["upto"] = [_FOR_EVER if upto is None else upto for _, _, upto in spans]
    asked = sql.evidence(bool(counting), rule.window is not None, by_task)
    found = counts_of(cursor.execute(asked, wanted).fetchall())
    base = based_by_task(counting) if by_task else based(counting, lambda one: one.evidence)
    return moved(found, (), base)


def based(counting: Mapping[str, Counting], part: Callable[[Counting], Sums]) -> list[Contribution]:
    """(goal, arm, how many, sum) of what came from elsewhere."""
    return [(goal, arm, *sums) for goal, one in counting.items() for arm, sums in part(one).items()]


def based_by_task(counting: Mapping[str, Counting]) -> list[Contribution]:
    """(goal, task type, arm, how many, sum) of what came from elsewhere; what came without tasks has none."""
    return [
        (goal, task, arm, *sums)
        for goal, one in counting.items()
        for task, arms in (one.tasks or {"": one.evidence}).items()
        for arm, sums in arms.items()
    ]


def counts_of(found: Iterable[Contribution]) -> Counts:
    """Rows of a key, how many and their sum, by key."""
    return MappingProxyType({tuple(key): (count, total) for *key, count, total in found})


def moved(counts: Counts, old: Iterable[Contribution], new: Iterable[Contribution]) -> Counts:
    """The counts less the old contributions plus the new ones; a new mapping, so that readers need no lock."""
    sums: dict[Key, tuple[int, int]] = defaultdict(lambda: (0, 0), counts)
    for sign, contributions in ((-1, old), (1, new)):
        for *key, count, total in contributions:
            had = sums[tuple(key)]
            sums[tuple(key)] = (had[0] + sign * count, had[1] + sign * total)
    return MappingProxyType({key: value for key, value in sums.items() if value != (0, 0)})


def without_tasks(lessons: Iterable[Lesson]) -> list[Contribution]:
    """What lessons add to the evidence of a goal, whatever the task."""
    return [(goal, arm, count, total) for goal, _, arm, count, total in lessons]


def tasks_of(counts: Counts, goal: str) -> Mapping[str, Mapping[str, Evidence]]:
    """Task type -> arm id -> evidence, of one goal."""
    found: dict[str, dict[str, Evidence]] = {}
    for (of, task, arm), (count, micro) in counts.items():
        if of == goal:
            found.setdefault(task, {})[arm] = Evidence(count, micro)
    return MappingProxyType(found)
