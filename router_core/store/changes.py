"""The number of the last change: in the tables, and in a small file beside the store.

Every transaction that changes the store appends its number and its time to the table ``change``. The same number
then goes into ``<store>.last-change``, before the change is acknowledged. So the small file never knows more than
was committed, and less only where the machine itself failed between the two: it is written without waiting for the
disk (a few microseconds), which a killed process does not need. When the store is opened, a number in the small
file above that of the tables means that acknowledged changes are missing: a write-ahead log that was lost, cut or
exchanged, or an older copy of the file.

What it cannot show: changes lost together with the last entries of the small file (both are restored from the same
moment, or the machine lost power and the disk lied). Where the small file itself is missing, the note ``in_use``,
which is checkpointed into the store's own file before its first change and removed when it is closed, still shows
that the file was copied or left in the middle of its use.
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
from router_core.store.private import guard
from router_core.store.rows import aware, naive

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
    """Note that it is no longer in use."""
    cursor.execute(_UNUSED)


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
        self._store = store
        self._file: int | None = None
        guard(location + ENDING, mode)
        with suppress(OSError):
            self._file = os.open(location + ENDING, os.O_WRONLY | getattr(os, "O_BINARY", 0))

    def set(self, number: int, at: datetime) -> None:
        """Write down a change that has just been committed. It stays committed where this cannot be written."""
        said = {"store": self._store, "change": number, "at": at.astimezone(UTC).isoformat()}
        if self._file is not None:
            with suppress(OSError):
                os.lseek(self._file, 0, os.SEEK_SET)
                os.write(self._file, f"{json.dumps(said):<{_BYTES - 1}}\n".encode())

    def close(self) -> None:
        """Wait until it is on the disk, and let it go."""
        if self._file is not None:
            with suppress(OSError):
                os.fsync(self._file)
            os.close(self._file)
            self._file = None
