"""New rows into the tables, those that are there left as they are, each with its place among its siblings.

Leaves out transactions (duckdb.py) and whole columns at once (loading.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import duckdb

from router_core.store import rows, sql


class Found(NamedTuple):
    """What a table holds of rows that are about to be stored."""

    known: set[UUID]
    """Those of their ids that are there."""

    had: Mapping[UUID, int]
    """How many rows there are of each parent; those without one may be absent."""


def insert(
    cursor: duckdb.DuckDBPyConnection, table: str, values: Sequence[rows.Row], found: Found | None = None
) -> set[UUID]:
    """The ids that were not there before; other rows are left as they are. Of two with one id the first counts.

    Looked up first (unless that is ``found`` already), for no one else writes meanwhile: ON CONFLICT would take
    three times as long.
    """
    fresh = {row[0]: row for row in reversed(values)}
    if not fresh:
        return set()
    for known in _known(cursor, table, fresh) if found is None else found.known:
        fresh.pop(known, None)
    if fresh:
        new = list(reversed(fresh.values()))
        if table in sql.PARENT:
            at = sql.PARENT[table][0]
            new = _placed(new, at, _had(cursor, table, {row[at] for row in new}) if found is None else found.had)
        cursor.execute(sql.insert(table, len(fresh)), [value for row in new for value in row])
    return set(fresh)


def _known(cursor: duckdb.DuckDBPyConnection, table: str, ids: Collection[UUID]) -> list[UUID]:
    """Those of the ids that are in the table."""
    return [id_ for (id_,) in cursor.execute(sql.known(table, len(ids)), list(ids)).fetchall()]


def _had(cursor: duckdb.DuckDBPyConnection, table: str, parents: Collection[UUID]) -> dict[UUID, int]:
    """How many rows each parent has."""
    return dict(cursor.execute(sql.had(table, len(parents)), list(parents)).fetchall())


def _placed(fresh: Sequence[rows.Row], at: int, had: Mapping[UUID, int]) -> list[rows.Row]:
    """The rows, each with its place among those of its parent (the value ``at``) at the end."""
    counts = dict(had)
    placed = []
    for row in fresh:
        nth = counts.get(row[at], 0)
        counts[row[at]] = nth + 1
        placed.append((*row, nth))
    return placed
