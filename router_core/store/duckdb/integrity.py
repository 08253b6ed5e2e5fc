"""Whether a store's file and what lies beside it are whole: nothing that was acknowledged may vanish in silence.

DuckDB ignores a write-ahead log that is missing, empty or not one, and takes a log that ends too soon for one that
was cut by a crash. Therefore the number of the last change in the tables is compared with the one beside the file
(changes.py) before anything is written. Mending is repair.py's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb

from router_core.errors import StoreDamagedError, StoreIncompleteError
from router_core.store.base import MissingChanges
from router_core.store.duckdb.changes import Mark, Numbered, numbered
from router_core.store.duckdb.copying import write_ahead_logs
from router_core.store.duckdb.database import database
from router_core.store.duckdb.faults import is_damage, short

REPAIR: Final = "router-core doctor --repair"


def has_log(location: str) -> bool:
    """Whether a write-ahead log with something in it lies beside the file."""
    return any(log.is_file() and log.stat().st_size for log in write_ahead_logs(location))


def refuse_incomplete(cursor: duckdb.DuckDBPyConnection, location: str) -> None:
    """Make sure that every acknowledged change is there.

    Raises:
        StoreIncompleteError: some are not; how many, since when, and what to do.
    """
    known = numbered(cursor)
    missing = None if known is None else missing_from(known, location)
    if missing is not None:
        raise StoreIncompleteError(
            f"{sentence(missing, location)} Put the files that belong to the store back beside it and open it"
            f" again, or restore a backup; or go on without these changes: {REPAIR} records what is missing and"
            " deletes nothing"
        )


def missing_from(known: Numbered, location: str) -> MissingChanges | None:
    """The changes that were acknowledged and are not in the tables; None where there are none.

    Args:
        known: what the tables say, the write-ahead log included.
        location: the file.
    """
    mark, first, now = Mark.read(location), known.last.number + 1, datetime.now(UTC)
    if mark is not None and mark.store == known.store:
        if mark.number >= first:
            return MissingChanges(first, mark.number, known.last.at, now)
        return None
    if known.in_use is not None and not has_log(location):
        return MissingChanges(first, None, known.last.at, now)
    return None


def sentence(missing: MissingChanges, location: str) -> str:
    """How many changes are missing, since when, and where they were."""
    log = f"{location}.wal"
    since = "the store was made" if missing.since is None else f"{missing.since:%Y-%m-%d %H:%M:%S} UTC"
    if missing.last is None:
        return (
            f"The store {location} was in use when this file was copied or left, and its write-ahead log {log} is"
            f" not beside it: what was stored after {since} (change {missing.first - 1:,}) is missing."
        )
    count = missing.last - missing.first + 1
    numbers = f"number {missing.first:,}" if count == 1 else f"numbers {missing.first:,} to {missing.last:,}"
    return (
        f"The store {location} lacks its last {count:,} change{'s' * (count != 1)} ({numbers}), stored after"
        f" {since}. Its write-ahead log {log} {_state(Path(log))}."
    )


def _state(log: Path) -> str:
    if not log.exists():
        return "is not there"
    if not log.stat().st_size:
        return "is empty"
    return "does not belong to it, or was cut short"


def damaged_log(error: duckdb.Error, location: str) -> StoreDamagedError | None:
    """The error to raise where the file itself is whole and only its write-ahead log cannot be read.

    Args:
        error: what DuckDB said when it opened both.
        location: the file.
    """
    if not is_damage(str(error)) or not has_log(location):
        return None
    try:
        with alone(location) as connection:
            known = numbered(connection)
    except (duckdb.Error, OSError):
        return None
    log = f"{location}.wal"
    kept = "it has what was taken over from the log before"
    if known is not None and known.last.at is not None:
        kept = f"it has every change up to number {known.last.number:,} ({known.last.at:%Y-%m-%d %H:%M:%S} UTC)"
    mark, lost = Mark.read(location), ""
    if known is not None and mark is not None and mark.store == known.store and mark.number > known.last.number:
        count = mark.number - known.last.number
        lost = f"; {count:,} later change{'s are' if count != 1 else ' is'} in the log"
    return StoreDamagedError(
        f"The write-ahead log {log} is damaged or belongs to another file ({short(str(error))}). The store"
        f" {location} itself is whole: {kept}{lost}. Put the right log there; or let {REPAIR} move this one aside,"
        " under a name with the date, and keep what can be read of it; nothing is deleted"
    )


@contextmanager
def alone(location: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The file without what lies beside it, for reading; only where nobody in this process has it open.

    Raises:
        duckdb.Error: the file itself cannot be read.
        OSError: there is no room for a second name or a copy of it.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(TemporaryDirectory(prefix=".router-core-", dir=Path(location).parent))
            name = Path(folder) / "alone.duckdb"
            os.link(location, name)
        except OSError:  # a disk that is read-only or knows no links
            folder = stack.enter_context(TemporaryDirectory(prefix="router-core-"))
            name = Path(folder) / "alone.duckdb"
            shutil.copyfile(location, name)
        yield stack.enter_context(database(str(name), read=True))
