"""A connection to DuckDB with everything off that a store does not need: other files, extensions, downloads."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

import duckdb

from router_core.store.duckdb.copying import quoted

MEMORY = ":memory:"


def database(location: str, folder: str | None = None, *, read: bool = False) -> duckdb.DuckDBPyConnection:
    """Connect to a file, or to ``:memory:``.

    SQL reaches no file but this one and those in ``folder``. What does not fit into memory goes there too, where
    the file is open for writing. Extensions are neither loaded nor fetched.

    Args:
        location: the file.
        folder: a folder for copies and for overflow; it need not be there yet.
        read: open it for reading alone.

    Raises:
        duckdb.Error: it cannot be opened.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    connection = duckdb.connect(location, read_only=read, config=config)
    try:
        overflow = "" if read or location == MEMORY else folder or ""
        connection.execute(f"SET temp_directory = {quoted(overflow)}")
        if folder is not None:
            connection.execute(f"SET allowed_directories = [{quoted(folder)}]")
        connection.execute("SET enable_external_access = false")
    except BaseException:
        connection.close()
        raise
    return connection


def workspace(location: str, *, read: bool = False) -> str:
    """The folder for what a store keeps on the disk for a while: beside its file, and its owner's alone.

    A store that has no file, or whose file is there for reading alone, gets the name of a new temporary folder.
    """
    if read or location == MEMORY:
        return str(Path(gettempdir()) / f"router-core-{uuid4().hex}")
    return f"{location}.tmp"
