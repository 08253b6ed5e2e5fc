"""Copying a whole database into a new file: one moment's state, checked by counting, without what was deleted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import duckdb

from router_core.errors import StoreDamagedError, StoreError
from router_core.store.private import open_private

_TABLES: Final = """
    SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND NOT temporary ORDER BY table_name
"""
_COPY: Final = "copy_of_the_store"
_BLOCK: Final = 1 << 20


def copy_database(cursor: duckdb.DuckDBPyConnection, target: Path) -> Mapping[str, int]:
    """Copy the database of a connection into a new file, while others may go on writing.

    Deleted rows and overwritten texts are not in the copy, nor are the notes that are about the old file alone.

    Args:
        cursor: a cursor of this call's own, without a transaction.
        target: the file to make; what may be there is removed.

    Returns:
        Table -> how many rows it has.

    Raises:
        duckdb.Error: it cannot be read or written.
        StoreDamagedError: the copy has other rows than the source had.
    """
    remove_database(target)
    cursor.execute(f"ATTACH {quoted(str(target))} AS {_COPY} (READ_WRITE)")
    try:
        source = cursor.execute("SELECT current_database()").fetchall()[0][0]
        cursor.begin()  # one snapshot for counting and copying
        try:
            had = _counts(cursor, source)
            cursor.execute(f'COPY FROM DATABASE "{source}" TO {_COPY}')
            cursor.commit()
        except BaseException:
            with suppress(duckdb.Error):
                cursor.rollback()
            raise
        has = _counts(cursor, _COPY)
        if has != had:
            raise StoreDamagedError(
                f"The copy {target} has {has} rows where the store had {had}; nothing was replaced."
                " Look at the disk, and try again"
            )
        cursor.execute(f"DELETE FROM {_COPY}.meta WHERE key IN ('untidy', 'in_use')")
        cursor.execute(f"CHECKPOINT {_COPY}")
    finally:
        with suppress(duckdb.Error):
            cursor.execute(f"DETACH {_COPY}")
    return had


def _counts(cursor: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    names = [name for (name,) in cursor.execute(_TABLES, [database]).fetchall()]
    counted = f'SELECT count(*) FROM "{database}".main.'
    return {name: cursor.execute(f'{counted}"{name}"').fetchall()[0][0] for name in names}


def place(copy: Path, target: Path) -> None:
    """Give a complete copy its name, for its owner alone; never in the place of something that is there.

    Raises:
        StoreError: something is there.
        OSError: it cannot be written.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        with copy.open("rb") as read, open_private(part) as written:
            while block := read.read(_BLOCK):
                written.write(block)
            written.flush()
            os.fsync(written.fileno())
        try:
            os.link(part, target)
        except FileExistsError:
            raise already_there(target) from None
        except OSError:  # a file system without links
            if target.exists():
                raise already_there(target) from None
            part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def already_there(target: Path) -> StoreError:
    """The error to raise where a copy would take the place of something."""
    return StoreError(f"The file {target} is already there; a backup never replaces a file: choose another name")


def remove_database(file: Path) -> None:
    """Remove a copy that was not finished, with what DuckDB keeps beside it."""
    for path in (file, *write_ahead_logs(str(file))):
        path.unlink(missing_ok=True)


def write_ahead_logs(location: str) -> list[Path]:
    """The files beside a database that may hold changes that are not in it yet; not all are there, or any."""
    return [Path(f"{location}.wal{ending}") for ending in ("", ".checkpoint", ".recovery")]


def quoted(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
