"""New rows into the tables, those that are there left as they are, each with its place among its siblings.

Rows that are not alone stand in tables of their own once more, for the questions (see schema.py). Transactions are
connected.py's, whole columns at once bulk.py's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import duckdb

from router_core.store.duckdb import rows, sql
from router_core.store.duckdb.known_ids import KnownIds


def insert(cursor: duckdb.DuckDBPyConnection, table: str, values: Sequence[rows.Row], ids: KnownIds) -> set[UUID]:
    """The ids that were not there before; other rows are left as they are. Of two with one id the first counts.

    Looked up first, where they were not just made, for no one else writes meanwhile: ON CONFLICT would take three
    times as long.
    """
    fresh = _by_id(values)
    return _insert(cursor, table, fresh, ids, ids.counts(cursor, f"{table}.id", fresh), None)


def insert_outcomes(
    cursor: duckdb.DuckDBPyConnection,
    values: Sequence[rows.Row],
    ids: KnownIds,
    known: Collection[UUID],
    had: Mapping[UUID, int],
) -> set[UUID]:
    """The same of outcomes, where it is known already which are there, and how many each completion has."""
    return _insert(cursor, "outcome", _by_id(values), ids, known, had)


def _by_id(values: Sequence[rows.Row]) -> dict[UUID, rows.Row]:
    return {row[0]: row for row in reversed(values)}


def _insert(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    fresh: dict[UUID, rows.Row],
    ids: KnownIds,
    known: Collection[UUID],
    had: Mapping[UUID, int] | None,
) -> set[UUID]:
    for id_ in known:
        fresh.pop(id_, None)
    if fresh:
        new = list(reversed(fresh.values()))
        if table in sql.PARENT:
            at, parent = sql.PARENT[table]
            column = f"{table}.{parent}"
            if had is None:
                had = ids.counts(cursor, column, {row[at] for row in new})
            new = _placed(new, at, had)
            ids.add(column, [row[at] for row in new])
        cursor.execute(sql.insert(table, len(fresh)), [value for row in new for value in row])
        ids.add(f"{table}.id", fresh)
        if table in sql.PARENT:
            _keep_beside(cursor, table, new, ids)
    return set(fresh)


def _placed(fresh: Sequence[rows.Row], at: int, had: Mapping[UUID, int]) -> list[rows.Row]:
    """The rows, each with its place among those of its prompt (of an outcome: of its completion) at the end."""
    counts = dict(had)
    placed = []
    for row in fresh:
        nth = counts.get(row[at], 0)
        counts[row[at]] = nth + 1
        placed.append((*row, nth))
    return placed


def _keep_beside(cursor: duckdb.DuckDBPyConnection, table: str, new: Sequence[rows.Row], ids: KnownIds) -> None:
    """What is kept for the questions because of these new rows, which end with their places."""
    at = sql.PARENT[table][0]
    several = {row[at] for row in new if row[-1] > 0}
    if table == "completion":
        several |= _decided_again(cursor, {row[0]: row[2] for row in new}, {row[at] for row in new}, ids)
    _repeat(cursor, table, several)
    if table == "decision" and several:
        _repeat(cursor, "completion", ids.counts(cursor, "completion.prompt_id", several).keys())


def _decided_again(
    cursor: duckdb.DuckDBPyConnection, times: Mapping[UUID, datetime], prompts: set[UUID], ids: KnownIds
) -> set[UUID]:
    """Those of the prompts with several decisions; and the outcomes that were early are told when their answers,
    which are stored now, were given.
    """  # fmt: skip
    counts = {id_: ids.count("decision.prompt_id", id_) for id_ in prompts}
    several = {id_ for id_, count in counts.items() if count is not None and count > 1}
    old = [id_ for id_, count in counts.items() if count is None]
    judged = ids.possible("outcome.completion_id", times)
    if old or judged:
        for prompt_id, early in cursor.execute(sql.waiting(len(old), len(judged)), [*old, *judged]).fetchall():
            if prompt_id is not None:
                several.add(prompt_id)
            else:
                for kept in ("outcome", "repeated_outcome"):
                    cursor.execute(sql.ANSWER.format(kept), {"id": early, "at": times[early]})
    return several


def _repeat(cursor: duckdb.DuckDBPyConnection, table: str, parents: Collection[UUID]) -> None:
    """Keep the rows of these parents, which are not alone, in their own table too."""
    if parents:
        cursor.execute(sql.repeat(table, len(parents)), [*parents, *parents])
