"""New rows into the tables, those that are there left as they are, each with its place among its siblings.

Leaves out transactions (duckdb.py) and whole columns at once (loading.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import duckdb

from router_core.store import rows, sql


def insert(cursor: duckdb.DuckDBPyConnection, table: str, values: Sequence[rows.Row]) -> set[UUID]:
    """The ids that were not there before; other rows are left as they are. Of two with one id the first counts.

    Looked up first, for no one else writes meanwhile: ON CONFLICT would take three times as long.
    """
    fresh = {row[0]: row for row in reversed(values)}
    if not fresh:
        return set()
    for (known,) in cursor.execute(sql.known(table, len(fresh)), list(fresh)).fetchall():
        del fresh[known]
    if fresh:
        new = _placed(cursor, table, list(reversed(fresh.values())))
        cursor.execute(sql.insert(table, len(fresh)), [value for row in new for value in row])
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
