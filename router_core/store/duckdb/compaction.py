"""Writing a file anew without what was deleted from it.

DuckDB takes deleted rows and overwritten texts out of its tables, but their bytes stay in the file until something
else is written there. Therefore a deletion leaves a note in ``meta``, and the file is copied once nobody uses it:
when the store is closed, or when it is opened after a crash.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import duckdb

NOTE: Final = "INSERT OR REPLACE INTO meta VALUES ('untidy', 'deleted rows are still in the file')"
_NOTED: Final = "SELECT count(*) FROM meta WHERE key = 'untidy'"


def noted(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether something was deleted since the file was last written anew."""
    try:
        return bool(connection.execute(_NOTED).fetchall()[0][0])
    except duckdb.CatalogException:  # a file without our tables
        return False


def renew(location: str) -> None:
    """Copy what is in the tables into a new file that takes the old one's place; no connection may be open.

    About a second per hundred thousand requests. The old file stays locked until the new one stands in its place,
    so that no other process can write into it in between. Where that is not possible (another process holds the
    file, the disk is full), the old file stays as it is, with its note.
    """
    if location == ":memory:":
        return
    location = os.path.realpath(location)  # where the name is a link, the file that it leads to is the store
    new = f"{location}.new"
    with suppress(duckdb.Error, OSError):
        _remove(new)
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {_quoted(location)} AS old_file")
            connection.execute("CHECKPOINT old_file")
            connection.execute(f"ATTACH {_quoted(new)} AS new_file")
            connection.execute("COPY FROM DATABASE old_file TO new_file")
            connection.execute("DELETE FROM new_file.meta WHERE key = 'untidy'")
            connection.execute("CHECKPOINT new_file")
            connection.execute("DETACH new_file")
            Path(new).chmod(Path(location).stat().st_mode & 0o777)
            os.replace(new, location)
    with suppress(OSError):
        _remove(new)


def _remove(file: str) -> None:
    for path in (file, f"{file}.wal"):
        with suppress(FileNotFoundError):
            Path(path).unlink()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
