"""New rows into the tables, those that are there left as they are, each with its place among its siblings.

Rows that are not alone stand in tables of their own once more, for the questions (see schema.py). Leaves out
transactions (duckdb.py) and whole columns at once (bulk.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import duckdb

from router_core.store.duckdb import rows, sql


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
        new = _placed(cursor, table, list(reversed(fresh.values())))
        cursor.execute(sql.insert(table, len(fresh)), [value for row in new for value in row])
        if table in sql.PARENT:
            _keep_beside(cursor, table, new)
    return set(fresh)


def _placed(cursor: duckdb.DuckDBPyConnection, table: str, fresh: list[rows.Row]) -> list[rows.Row]:
    """The rows, each with its place among those of its prompt (of an outcome: of its completion) at the end."""
    if table not in sql.PARENT:
        return fresh
    at = sql.PARENT[table][0]
    parents = {row[at] for row in fresh}
    had: dict[UUID, int] = dict(cursor.execute(sql.had(table, len(parents)), list(parents)).fetchall())
    placed = []
    for row in fresh:
        nth = had.get(row[at], 0)
        had[row[at]] = nth + 1
        placed.append((*row, nth))
    return placed


def _keep_beside(cursor: duckdb.DuckDBPyConnection, table: str, new: Sequence[rows.Row]) -> None:
    """What is kept for the questions because of these new rows, which end with their places."""
    at = sql.PARENT[table][0]
    several = {row[at] for row in new if row[-1] > 0}
    if table == "completion":
        times = {row[0]: row[2] for row in new}
        parents = {row[at] for row in new}
        for prompt_id, early in cursor.execute(
            sql.waiting(len(parents), len(times)), [*parents, *times]
        ).fetchall():
            if prompt_id is not None:
                several.add(prompt_id)
            else:
                for kept in ("outcome", "repeated_outcome"):
                    cursor.execute(sql.ANSWER.format(kept), {"id": early, "at": times[early]})
    _repeat(cursor, table, several)
    if table == "decision" and several:
        found = cursor.execute(sql.had("completion", len(several)), list(several)).fetchall()
        _repeat(cursor, "completion", {prompt_id for prompt_id, _ in found})


def _repeat(cursor: duckdb.DuckDBPyConnection, table: str, parents: Collection[UUID]) -> None:
    """Keep the rows of these parents, which are not alone, in their own table too."""
    if parents:
        cursor.execute(sql.repeat(table, len(parents)), [*parents, *parents])
