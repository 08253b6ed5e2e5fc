"""Opening a DuckDB file: refuse what is not ours to write or not whole, then make or migrate the tables.

Reading and writing rows is store.py's.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from router_core.errors import StoreError, StoreKindError, StoreTooNewError
from router_core.store.duckdb import changes
from router_core.store.duckdb.compaction import noted, renew
from router_core.store.duckdb.copying import remove_database, write_ahead_logs
from router_core.store.duckdb.database import MEMORY, database, workspace
from router_core.store.duckdb.faults import read_only, store_error
from router_core.store.duckdb.forking import refuse_inherited
from router_core.store.duckdb.integrity import damaged_log, refuse_incomplete
from router_core.store.duckdb.schema import META, MIGRATIONS
from router_core.store.private import FILE, guard, make_folder, mode_of
from router_core.types import StoreKind


def connect(location: str, folder: str) -> duckdb.DuckDBPyConnection:
    """Open the file for writing, making it and its folder where there is none; without what was deleted from it
    before.

    Args:
        location: the file, or ``:memory:``.
        folder: where copies and overflow go.

    Raises:
        StoreError: the subclass and the sentence say why it cannot be opened.
    """
    if location == MEMORY:
        return database(location, folder)
    refuse_inherited(location)
    path = Path(location)
    try:
        make_folder(path.parent)
    except OSError as error:
        raise store_error(error, location) from error
    try:
        if path.is_dir():
            raise StoreError(f"the store {location} is a folder; name a file in it")
    except OSError as error:  # a name that is longer than the file system takes
        raise store_error(error, location) from error
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise read_only(location)
    try:
        if not path.exists():
            _make(path)
        if any(
            log.exists() for log in write_ahead_logs(location)
        ):  # looked at before DuckDB takes it into the file, or throws it away
            _look(location)
        _guard_logs(location)
        connection = database(location, folder)
        try:
            refuse_incomplete(connection, location)
            if noted(connection):
                connection.close()
                renew(location)
                connection = database(location, folder)
        except BaseException:
            connection.close()
            raise
        return connection
    except duckdb.Error as error:
        raise store_error(error, location) from error


def connect_to_read(location: str, folder: str) -> duckdb.DuckDBPyConnection:
    """Open a file that is there for reading alone; nothing is written, on its disk or beside it.

    Raises:
        StoreError: it is not there, or cannot be read.
    """
    refuse_inherited(location)
    try:
        if not Path(location).is_file():
            raise StoreError(f"There is no store {location} to read; name the file of one")
        return database(location, folder, read=True)
    except duckdb.Error as error:
        raise damaged_log(error, location) or store_error(error, location) from error
    except OSError as error:
        raise store_error(error, location) from error


def _look(location: str) -> None:
    """Refuse a store whose log does not belong to it or ends too soon, without changing either."""
    try:
        with database(location, read=True) as connection:
            refuse_incomplete(connection, location)
    except duckdb.Error as error:
        raise damaged_log(error, location) or store_error(error, location) from error


def _make(path: Path) -> None:
    """An empty database that nobody but its owner could ever open; where another process is first, its own."""
    private = Path(workspace(str(path)))
    new = private / "new.duckdb"
    try:
        make_folder(private)
        remove_database(new)
        database(str(new)).close()
        guard(str(new), FILE)
        with suppress(FileExistsError):
            os.link(new, path)
    except OSError:  # a file system without links: DuckDB makes the file, and _guard_logs and this narrow it
        database(str(path)).close()
        guard(str(path), FILE)
    finally:
        with suppress(OSError):
            remove_database(new)
            private.rmdir()


def _guard_logs(location: str) -> None:
    """Give the log that earlier code left behind the mode of the store."""
    for log in write_ahead_logs(location):
        if log.exists():
            guard(str(log), mode_of(location))


def prepare(cursor: duckdb.DuckDBPyConnection, location: str, kind: StoreKind) -> None:
    """Make or migrate the tables; that is a change like any other.

    Raises:
        StoreError: the file is not ours to write: something else's, too new, or of the other kind.
    """
    cursor.begin()
    had = _schema_version(cursor, location, kind)
    if had < len(MIGRATIONS):
        cursor.execute(META)
        for migration in MIGRATIONS[had:]:
            cursor.execute(migration)
        cursor.execute(
            "INSERT OR REPLACE INTO meta VALUES ('schema_version', ?), ('kind', ?)", [str(len(MIGRATIONS)), kind]
        )
        number = changes.last_of(cursor).number + 1
        cursor.execute(changes.STAMP, [number, datetime.now(UTC).replace(tzinfo=None)])
    cursor.commit()


def check(cursor: duckdb.DuckDBPyConnection, location: str, kind: StoreKind) -> None:
    """Make sure that a store which is opened for reading alone needs no migration.

    Raises:
        StoreError: it does, or the file is something else's, too new, or of the other kind.
    """
    had = _schema_version(cursor, location, kind)
    if had < len(MIGRATIONS):
        raise StoreError(
            f"The store {location} was written by earlier code (schema version {had} of {len(MIGRATIONS)}) and"
            " must be brought up to date before it can be read: allow writing to it, or copy it with the files"
            " beside it to a folder where that is allowed"
        )


def _schema_version(cursor: duckdb.DuckDBPyConnection, location: str, kind: StoreKind) -> int:
    tables = {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if tables and "meta" not in tables:
        raise StoreError(
            f"the file {location} is a database of something else (tables {sorted(tables)[:3]});"
            " set ROUTER_STORE to another file"
        )
    meta = dict(cursor.execute("SELECT key, value FROM meta").fetchall()) if tables else {}
    had = int(meta.get("schema_version", 0))
    if had > len(MIGRATIONS):
        raise StoreTooNewError(
            f"the store {location} has schema version {had}, this code knows up to {len(MIGRATIONS)};"
            " install the newer router-playground, or set ROUTER_STORE to another file"
        )
    if meta.get("kind", kind) != kind:
        raise other_kind(location, meta["kind"], kind)
    return had


def other_kind(location: str, holds: str, wanted: str) -> StoreKindError:
    """The error to raise where live and simulated traffic would share a file."""
    return StoreKindError(
        f"the store {location} holds {holds} traffic; {wanted} traffic must not be mixed into it:"
        " set ROUTER_STORE to another file"
    )
