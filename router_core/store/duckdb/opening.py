"""Opening a DuckDB file: refuse what is not ours to write, then make or migrate the tables.

Leaves out reading and writing rows (duckdb.py).
"""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

from router_core.errors import StoreError, StoreKindError, StoreTooNewError
from router_core.store.duckdb.compaction import noted, renew
from router_core.store.duckdb.faults import read_only, store_error
from router_core.store.duckdb.forking import refuse_inherited
from router_core.store.duckdb.schema import META, MIGRATIONS
from router_core.types import StoreKind


def connect(location: str) -> duckdb.DuckDBPyConnection:
    """Open the file, making it and its folder where there is none; without what was deleted from it before.

    Raises:
        StoreError: the subclass and the sentence say why it cannot be opened.
    """
    if location != ":memory:":
        refuse_inherited(location)
        path = Path(location)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(error, location) from error
        if path.is_dir():
            raise StoreError(f"the store {location} is a folder; name a file in it")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise read_only(location)
    try:
        connection = duckdb.connect(location)
        if noted(connection):
            connection.close()
            renew(location)
            connection = duckdb.connect(location)
        return connection
    except duckdb.Error as error:
        raise store_error(error, location) from error


def prepare(cursor: duckdb.DuckDBPyConnection, location: str, kind: StoreKind) -> None:
    """Make or migrate the tables.

    Raises:
        StoreError: the file is not ours to write: something else's, too new, or of the other kind.
    """
    cursor.begin()
    tables = {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if tables and "meta" not in tables:
        raise StoreError(
            f"the file {location} is a database of something else (tables {sorted(tables)[:3]});"
            " set ROUTER_STORE to another file"
        )
    cursor.execute(META)
    meta = dict(cursor.execute("SELECT key, value FROM meta").fetchall())
    had = int(meta.get("schema_version", 0))
    if had > len(MIGRATIONS):
        raise StoreTooNewError(
            f"the store {location} has schema version {had}, this code knows up to {len(MIGRATIONS)};"
            " install the newer router-playground, or set ROUTER_STORE to another file"
        )
    if meta.get("kind", kind) != kind:
        raise StoreKindError(
            f"the store {location} holds {meta['kind']} traffic; {kind} traffic must not be mixed into it:"
            " set ROUTER_STORE to another file"
        )
    for migration in MIGRATIONS[had:]:
        cursor.execute(migration)
    if had < len(MIGRATIONS):
        cursor.execute(
            "INSERT OR REPLACE INTO meta VALUES ('schema_version', ?), ('kind', ?)", [str(len(MIGRATIONS)), kind]
        )
    cursor.commit()
