"""The number of the last change: in the tables, and in a small file beside the store.

Every transaction that changes the store appends its number and its time to the table ``change``. The same number
then goes into ``<store>.last-change``, before the change is acknowledged. So the small file never knows more than
was committed, and less only where the machine itself failed between the two: it is written without waiting for the
disk (a few microseconds), which is enough for a process that is killed. When the store is opened, a number in the
small file above that of the tables means that acknowledged changes are missing: the write-ahead log was lost, cut
or exchanged, or the file is an older copy. A store that is closed has everything in its own file, and the small
file is removed.

What it cannot show: changes lost together with the last entries of the small file (both come from the same earlier
moment, or the machine lost power and its disk had not kept what it said it had). Where the small file itself is
missing, the note ``in_use``, which is checkpointed into the store's own file before its first change and removed
when it is closed, still shows that the file was copied or left in the middle of its use.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import duckdb

from router_core.store.base import MissingChanges, StoreChange
from router_core.store.duckdb.rows import aware, naive
from router_core.store.private import guard

ENDING: Final = ".last-change"

STAMP: Final = "INSERT INTO change VALUES (?, ?)"
_LAST: Final = "SELECT max(number), arg_max(made_at, number), count(*) FROM change"
_MISSING: Final = 'SELECT "first", "last", since, noticed_at FROM missing_change ORDER BY "first"'
_RECORD: Final = "INSERT INTO missing_change VALUES (?, ?, ?, ?)"
_META: Final = "SELECT key, value FROM meta WHERE key IN ('id', 'in_use')"
_USED: Final = "INSERT OR REPLACE INTO meta VALUES ('in_use', ?)"
_UNUSED: Final = "DELETE FROM meta WHERE key = 'in_use'"
_BYTES: Final = 160


@dataclass(frozen=True, slots=True)
class Numbered:
    """What a store's tables say of its changes.

    ``counted``: how many changes the tables have. ``last``: the last number given, also where its change is
    missing. ``in_use``: since when it was in use as it was written, or None.
    """

    store: str
    last: StoreChange
    counted: int
    missing: tuple[MissingChanges, ...]
    in_use: str | None

    @property
    def holes(self) -> int:
        """How many numbers are neither in the tables nor recorded as missing; 0 in a store that is whole."""
        known = sum(one.last - one.first + 1 for one in self.missing if one.last is not None)
        return self.last.number - self.counted - known


def numbered(cursor: duckdb.DuckDBPyConnection) -> Numbered | None:
    """What the tables say; None where the file was never written by code that numbers changes."""
    try:
        meta = dict(cursor.execute(_META).fetchall())
        number, at, counted = cursor.execute(_LAST).fetchall()[0]
        found = cursor.execute(_MISSING).fetchall()
    except duckdb.CatalogException:
        return None
    if "id" not in meta:
        return None
    missing = tuple(
        MissingChanges(first, last, None if since is None else aware(since), aware(noticed))
        for first, last, since, noticed in found
    )
    given = max([number or 0, *(one.first - 1 if one.last is None else one.last for one in missing)])
    change = StoreChange(given, None if at is None else aware(at))
    return Numbered(meta["id"], change, counted, missing, meta.get("in_use"))


def last_of(cursor: duckdb.DuckDBPyConnection) -> StoreChange:
    """The last number given; 0: none was."""
    found = numbered(cursor)
    return StoreChange(0, None) if found is None else found.last


def record_missing(cursor: duckdb.DuckDBPyConnection, missing: MissingChanges) -> None:
    """Remember for good that changes are missing; their numbers are never given again."""
    since = None if missing.since is None else naive(missing.since)
    cursor.execute(_RECORD, [missing.first, missing.last, since, naive(missing.noticed_at)])


def note_use(cursor: duckdb.DuckDBPyConnection, since: datetime) -> None:
    """Note in the store's own file that it is in use: a copy of that file alone says so."""
    cursor.execute(_USED, [since.isoformat()])
    with suppress(duckdb.Error):  # a reader may be in the way; then the next checkpoint takes it along
        cursor.execute("CHECKPOINT")


def note_end(cursor: duckdb.DuckDBPyConnection) -> None:
    """Note that it is no longer in use, and take everything into the store's own file; DuckDB does not always."""
    cursor.execute(_UNUSED)
    cursor.execute("CHECKPOINT")


@dataclass(frozen=True, slots=True)
class Mark:
    """What the small file says: the store's id, its last acknowledged change, and when that was made."""

    store: str
    number: int
    at: datetime

    @classmethod
    def read(cls, location: str) -> Mark | None:
        """That of the store at this place; None where there is none, or none that can be read."""
        try:
            with open(location + ENDING, "rb") as file:
                said = json.loads(file.read(_BYTES))
            return cls(str(said["store"]), int(said["change"]), datetime.fromisoformat(said["at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


class LastChange:
    """The small file beside a store that is open for writing. Not thread-safe: the store's lock guards it."""

    def __init__(self, location: str, store: str, mode: int) -> None:
        self._path = location + ENDING
        self._store = store
        self._file: int | None = None
        guard(self._path, mode)
        with suppress(OSError):
            self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | getattr(os, "O_BINARY", 0))

    def set(self, number: int, at: datetime) -> None:
        """Write down a change that has just been committed. It stays committed where this cannot be written."""
        said = {"store": self._store, "change": number, "at": at.astimezone(UTC).isoformat()}
        if self._file is not None:
            with suppress(OSError):
                os.lseek(self._file, 0, os.SEEK_SET)
                os.write(self._file, f"{json.dumps(said):<{_BYTES - 1}}\n".encode())

    def close(self, *, needed: bool) -> None:
        """Let it go; where the store's own file now has everything it is removed, so that a store is one file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if not needed:
            with suppress(OSError):
                os.unlink(self._path)
