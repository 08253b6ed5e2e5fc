"""Whole columns into the tables at once: for simulated traffic and for imports.

Does not cover checking what is in them: the caller made them, ids included. What questions need beside the rows
is the same as for single rows (inserts.py), looked up for a whole block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import duckdb

from router_core.store.duckdb.sql import PARENT, REPEATED

_ABOUT: Final = """
    LEFT JOIN (
        SELECT completion_id AS led,
               arg_min(struct_pack(goal, chosen, policy, origin, created_at, nth), nth) AS first
        FROM decision WHERE completion_id IN (SELECT completion_id::UUID FROM block) GROUP BY completion_id
    ) ON led = fresh.completion_id::UUID
    LEFT JOIN (
        SELECT id AS answer, created_at AS answered_at FROM completion
        WHERE id IN (SELECT completion_id::UUID FROM block)
    ) ON answer = fresh.completion_id::UUID
"""

_BESIDE: Final = """,
    first.goal AS goal, first.chosen AS arm, first.policy AS policy, first.origin AS origin,
    first.created_at AS decided_at, first.nth AS decided_nth, answered_at
"""
"""The answer that an outcome is about, as the first decision that led to it said."""

_ANSWER: Final = """
    UPDATE {} AS said SET answered_at = block.created_at FROM block
    WHERE said.answered_at IS NULL AND said.completion_id = block.id::UUID
"""


def _texts(table: str) -> Iterator[str]:
    """Insert what is in ``block``: outcomes numbered in the order of acknowledgement, rows placed by parent."""
    if table not in PARENT:
        yield f"INSERT INTO {table} BY NAME SELECT * FROM block"
        return
    parent = PARENT[table][1]
    numbered, order, about, beside = "block", "id", "", ""
    if table == "outcome":
        numbered, order = "(SELECT *, $last + row_number() OVER () AS seq FROM block)", "seq"
        about, beside = _ABOUT, _BESIDE
    yield f"""
        INSERT INTO {table} BY NAME
        SELECT fresh.*,
               coalesce(had, 0) + row_number() OVER (PARTITION BY fresh.{parent} ORDER BY fresh.{order}) - 1 AS nth
               {beside}
        FROM {numbered} fresh LEFT JOIN (
            SELECT {parent} AS parent, count(*) AS had FROM {table}
            WHERE {parent} IN (SELECT {parent}::UUID FROM block) GROUP BY {parent}
        ) ON parent = fresh.{parent}::UUID {about}
    """
    yield _repeat(table, table)
    if table == "decision":
        yield _repeat("completion", "decision")
    elif table == "completion":
        yield _repeat("completion", "decision")
        yield _ANSWER.format("outcome")
        yield _ANSWER.format("repeated_outcome")


def _repeat(table: str, several: str) -> str:
    """Keep the rows of those parents in the block that have several of the other table in their own table too."""
    parent = PARENT[table][1]
    return f"""
        INSERT INTO repeated_{table}
        SELECT {REPEATED[table]} FROM {table} WHERE {parent} IN (
            SELECT {parent} FROM {several} WHERE nth > 0 AND {parent} IN (SELECT {parent}::UUID FROM block)
        ) AND id NOT IN (SELECT id FROM repeated_{table})
    """


def load(cursor: duckdb.DuckDBPyConnection, block: Mapping[str, Any], last: int) -> int:
    """Append one block.

    Args:
        cursor: a cursor in a transaction that the caller commits.
        block: table name -> Arrow table whose columns are named as the table's (``outcome`` without ``seq``).
        last: the highest ``seq`` so far.

    Returns:
        The highest ``seq`` now.
    """
    for table, columns in block.items():
        cursor.register("block", columns)
        for text in _texts(table):
            cursor.execute(text, {"last": last} if "$last" in text else {})
        last += columns.num_rows if table == "outcome" else 0
        cursor.unregister("block")
    return last
