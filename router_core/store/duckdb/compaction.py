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

from router_core.errors import StoreError
from router_core.store.duckdb.copying import copy_database, remove_database
from router_core.store.duckdb.database import database, workspace
from router_core.store.private import make_folder, mode_of

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
    folder = Path(workspace(location))
    new = folder / "renewed.duckdb"
    with suppress(duckdb.Error, OSError, StoreError):
        make_folder(folder)
        with database(location, str(folder)) as connection:
            connection.execute("CHECKPOINT")
            copy_database(connection, new)
            new.chmod(mode_of(location))
            os.replace(new, location)
    with suppress(OSError):
        remove_database(new)
        folder.rmdir()
