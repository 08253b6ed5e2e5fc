"""Whole columns into the tables at once: for simulated traffic and for imports.

Leaves out checking what is in them: the caller made them, ids included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from router_core.store.sql import PARENT


def _text(table: str) -> str:
    """Insert what is in ``block``: outcomes numbered in the order of acknowledgement, rows placed by parent."""
    if table not in PARENT:
        return f"INSERT INTO {table} BY NAME SELECT * FROM block"
    parent = PARENT[table][1]
    numbered, order = "block", "id"
    if table == "outcome":
        numbered, order = "(SELECT *, $last + row_number() OVER () AS seq FROM block)", "seq"
    return f"""
        INSERT INTO {table} BY NAME
        SELECT fresh.*,
               coalesce(had, 0) + row_number() OVER (PARTITION BY fresh.{parent} ORDER BY fresh.{order}) - 1 AS nth
        FROM {numbered} fresh LEFT JOIN (
            SELECT {parent} AS parent, count(*) AS had FROM {table}
            WHERE {parent} IN (SELECT {parent}::UUID FROM block) GROUP BY {parent}
        ) ON parent = fresh.{parent}::UUID
    """


def load(cursor: duckdb.DuckDBPyConnection, block: Mapping[str, Any], last: int) -> int:
    """Append one block as one transaction.

    Args:
        cursor: a cursor of this call's own.
        block: table name -> Arrow table whose columns are named as the table's (``outcome`` without ``seq``).
        last: the highest ``seq`` so far.

    Returns:
        The highest ``seq`` now.
    """
    cursor.begin()
    try:
        for table, columns in block.items():
            cursor.register("block", columns)
            cursor.execute(_text(table), {"last": last} if table == "outcome" else {})
            last += columns.num_rows if table == "outcome" else 0
            cursor.unregister("block")
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    return last
