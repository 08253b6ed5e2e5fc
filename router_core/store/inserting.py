"""New rows into the tables, those that are there left as they are, each with what questions need beside it.

That is its place among its siblings; of an outcome also the answer that it is about; and rows that are not alone
once more in tables of their own (see schema.py). Leaves out transactions (duckdb.py) and whole columns at once
(loading.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import duckdb

from router_core.store import rows, sql


def insert(
    cursor: duckdb.DuckDBPyConnection, table: str, values: Sequence[rows.Row], known: set[UUID] | None = None
) -> set[UUID]:
    """The ids that were not there before; other rows are left as they are. Of two with one id the first counts.

    Looked up first (unless those that are there are ``known`` already), for no one else writes meanwhile:
    ON CONFLICT would take three times as long.
    """
    fresh = {row[0]: row for row in reversed(values)}
    if not fresh:
        return set()
    if known is None:
        known = {id_ for (id_,) in cursor.execute(sql.known(table, len(fresh)), list(fresh)).fetchall()}
    for id_ in known:
        fresh.pop(id_, None)
    if fresh:
        new, several = _placed(cursor, table, list(reversed(fresh.values())))
        cursor.execute(sql.insert(table, len(fresh)), [value for row in new for value in row])
        if table == "completion":
            several |= _decided_again(cursor, new)
            _answer(cursor, new)
        _repeat(cursor, table, several)
        if table == "decision":
            _repeat(cursor, "completion", several)
    return set(fresh)


def _placed(
    cursor: duckdb.DuckDBPyConnection, table: str, fresh: list[rows.Row]
) -> tuple[list[rows.Row], set[UUID]]:
    """The rows with what stands beside them, and the parents that have several of them.

    Beside a row stands its place among those of its prompt (of an outcome: of its completion), and beside an
    outcome the answer that it is about.
    """
    if table not in sql.PARENT:
        return fresh, set()
    at = sql.PARENT[table][0]
    parents = {row[at] for row in fresh}
    had: dict[UUID, int] = {}
    told: dict[UUID, rows.Row] = {}
    if table == "outcome":
        had, told = _about(cursor, parents)
    else:
        had = dict(cursor.execute(sql.had(table, len(parents)), list(parents)).fetchall())
    placed = []
    for row in fresh:
        nth = had.get(row[at], 0)
        had[row[at]] = nth + 1
        placed.append((*row, nth, *told.get(row[at], ())))
    return placed, {parent for parent in parents if had[parent] > 1}


def _about(
    cursor: duckdb.DuckDBPyConnection, completions: Collection[UUID]
) -> tuple[dict[UUID, int], dict[UUID, rows.Row]]:
    """Completion -> how many outcomes it has; and what its first decision said of it, with its own time."""
    had: dict[UUID, int] = {}
    led: dict[UUID, rows.Row] = {}
    answered_at: dict[UUID, object] = {}
    found = cursor.execute(sql.about(len(completions)), list(completions) * 3).fetchall()
    for id_, goal, *said, at, nth in found:
        if goal is not None:
            led[id_] = min(led.get(id_, (goal, *said, at, nth)), (goal, *said, at, nth), key=lambda one: one[-1])
        elif at is not None:
            answered_at[id_] = at
        else:
            had[id_] = nth
    return had, {id_: (*said, answered_at.get(id_)) for id_, said in led.items()}


def _decided_again(cursor: duckdb.DuckDBPyConnection, completions: Sequence[rows.Row]) -> set[UUID]:
    """The prompts of these completions that have several decisions."""
    prompts = {prompt_id for _, prompt_id, *_ in completions}
    found = cursor.execute(sql.decided_again(len(prompts)), list(prompts)).fetchall()
    return {prompt_id for (prompt_id,) in found}


def _answer(cursor: duckdb.DuckDBPyConnection, completions: Sequence[rows.Row]) -> None:
    """Tell outcomes that came before their completion when that was given."""
    times = {id_: at for id_, _, at, *_ in completions}
    for (id_,) in cursor.execute(sql.unanswered(len(times)), list(times)).fetchall():
        for table in ("outcome", "repeated_outcome"):
            cursor.execute(sql.ANSWER.format(table), {"id": id_, "at": times[id_]})


def _repeat(cursor: duckdb.DuckDBPyConnection, table: str, parents: Collection[UUID]) -> None:
    """Keep the rows of these parents, which are not alone, in their own table too."""
    if parents:
        cursor.execute(sql.repeat(table, len(parents)), list(parents))
