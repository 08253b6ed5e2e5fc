"""Whole columns into the tables at once: for simulated traffic and for imports.

Leaves out checking what is in them: the caller made them, ids included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

_NUMBERED = "SELECT *, $last + row_number() OVER () AS seq FROM block"  # outcomes, in the order of acknowledgement


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
            if table == "outcome":
                cursor.execute(f"INSERT INTO outcome BY NAME {_NUMBERED}", {"last": last})
                last += columns.num_rows
            else:
                cursor.execute(f"INSERT INTO {table} BY NAME SELECT * FROM block")
            cursor.unregister("block")
        cursor.commit()
    except BaseException:
        cursor.rollback()
        raise
    return last
