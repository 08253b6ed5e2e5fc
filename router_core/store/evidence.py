"""Evidence read from the tables: what was said about completions, who led to them, and the sums of all of it.

Leaves out keeping it in memory (duckdb.py) and the rule of what teaches (teaching.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from uuid import UUID

import duckdb

from router_core.store import sql
from router_core.store.teaching import Led, drew_itself
from router_core.types import TeachingRule

Key = tuple[str, str]
"""Goal, arm."""

Counts = Mapping[Key, tuple[int, int]]
"""How many, and their sum."""


def words_about(cursor: duckdb.DuckDBPyConnection, ids: set[UUID]) -> dict[UUID, dict[str, int | None]]:
    """Completion -> source -> its last word."""
    words: dict[UUID, dict[str, int | None]] = {}
    if ids:
        for completion_id, source, micro in cursor.execute(sql.words(len(ids)), list(ids)).fetchall():
            words.setdefault(completion_id, {})[source] = micro
    return words


def led_to(cursor: duckdb.DuckDBPyConnection, ids: set[UUID], own: bool) -> dict[UUID, list[Led]]:
    """Completion -> the decisions that led to it. ``own``: whether it matters who drew them."""
    if not ids:
        return {}
    found = cursor.execute(sql.led(len(ids)), list(ids)).fetchall()
    prompts = list({prompt_id for _, prompt_id, *_ in found}) if own else []
    everyone = {id_ for (id_,) in cursor.execute(sql.run_all(len(prompts)), prompts).fetchall()} if prompts else ()
    led: dict[UUID, list[Led]] = {}
    for completion_id, prompt_id, goal, arm, policy, origin in found:
        drawn = drew_itself(policy, origin) or prompt_id in everyone
        led.setdefault(completion_id, []).append(Led(goal, arm, drawn))
    return led


def all_evidence(cursor: duckdb.DuckDBPyConnection, rule: TeachingRule) -> Counts:
    """What teaches under this rule, of the whole log."""
    wanted = {"precedence": list(rule.precedence), "own": rule.learn_from == "own"}
    return counts_of(cursor.execute(sql.EVIDENCE, wanted).fetchall())


def counts_of(found: Iterable[tuple[str, str, int, int]]) -> Counts:
    """Rows of (goal, arm, how many, sum) by goal and arm."""
    return MappingProxyType({(goal, arm): (count, total) for goal, arm, count, total in found})


def moved(
    counts: Counts, old: Iterable[tuple[str, str, int, int]], new: Iterable[tuple[str, str, int, int]]
) -> Counts:
    """The counts less the old contributions plus the new ones; a new mapping, so that readers need no lock."""
    sums: dict[Key, tuple[int, int]] = defaultdict(lambda: (0, 0), counts)
    for sign, contributions in ((-1, old), (1, new)):
        for goal, arm, count, total in contributions:
            had = sums[goal, arm]
            sums[goal, arm] = (had[0] + sign * count, had[1] + sign * total)
    return MappingProxyType({key: value for key, value in sums.items() if value != (0, 0)})
