"""The database file of a store: a cursor for each call, transactions that carry a number, and letting the file go.

Every call uses a cursor of its own, for a DuckDB connection must not be shared between threads.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import sleep
from weakref import WeakSet

import duckdb

from router_core import finalisers
from router_core.errors import StoreClosedError, StoreDamagedError, StoreError
from router_core.store.base import Backup, MissingChanges, StoreChange
from router_core.store.duckdb import changes
from router_core.store.duckdb.compaction import renew
from router_core.store.duckdb.copying import already_there, copy_database, place, remove_database
from router_core.store.duckdb.database import MEMORY, database, workspace
from router_core.store.duckdb.faults import read_only, store_error
from router_core.store.duckdb.forking import inherited, watch
from router_core.store.duckdb.integrity import has_log, refuse_incomplete
from router_core.store.duckdb.opening import check, connect, connect_to_read, prepare
from router_core.store.private import guard, make_folder, mode_of
from router_core.types import StoreKind

_CLOSING_TRIES = 5_000  # a cursor takes microseconds; a thread that takes one may wait for the processor
_CLOSING_PAUSE_S = 0.001
_CLOSING_SECONDS = 5.0  # at most, for a write that is under way when the process ends

_in_use: WeakSet[Connected] = WeakSet()


class Connected:
    """An open database file with our tables. What is read and written is not its business.

    ``lock`` is held by whoever changes something.

    Args:
        location: a path, or ``:memory:``.
        kind: whether the traffic is live or simulated.
        read_only: open it for reading alone.

    Raises:
        StoreError: see ``router_core.store.open_store``.
    """

    def __init__(self, location: str, kind: StoreKind, read_only: bool = False) -> None:
        self._location = location
        if location != MEMORY:
            location = os.path.realpath(location)  # DuckDB keeps its log beside the file that a link leads to
        self._file = location
        self._kind: StoreKind = kind
        self._read_only = read_only
        self.lock = Lock()
        self._copy_lock = Lock()
        self._holders = 1
        self.untidy = False  # whether something was deleted, so that its bytes are still in the file
        self._parent: int | None = None  # who holds the file, where this process was forked from that one
        self._number: int | None = None  # of the last change; None: to be read from the file
        self._changed_at: datetime | None = None
        self._noted = False  # whether the file says that it is in use
        self._marker: changes.LastChange | None = None
        self._mode = 0
        self._connection: duckdb.DuckDBPyConnection | None
        self._folder = workspace(location, read=read_only)  # for copies and overflow
        self._connection = (connect_to_read if read_only else connect)(location, self._folder)
        watch(self)
        try:
            with self.cursor() as cursor:
                (check if read_only else prepare)(cursor, location, kind)
                known = self._numbered(cursor)
            if not (read_only or location == MEMORY):
                self._mode = mode_of(location)
                make_folder(Path(self._folder))
                self._marker = changes.LastChange(location, known.store, self._mode)
                if known.last.at is not None:
                    self._marker.set(known.last.number, known.last.at)
                _in_use.add(self)
        except OSError as error:
            self._connection.close()
            raise store_error(error, location) from error
        except BaseException:
            self._connection.close()
            raise

    @property
    def kind(self) -> StoreKind:
        """Whether this store holds live or simulated traffic."""
        return self._kind

    @property
    def location(self) -> str:
        """The file."""
        return self._location

    @property
    def read_only(self) -> bool:
        """Whether it was opened for reading alone."""
        return self._read_only

    @property
    def last_change(self) -> StoreChange:
        """The last change that was acknowledged."""
        with self.lock, self.cursor() as cursor:
            if self._number is None:
                self._numbered(cursor)
            return StoreChange(self._number or 0, self._changed_at)

    @property
    def missing_changes(self) -> Sequence[MissingChanges]:
        """Changes known to be missing."""
        with self.lock, self.cursor() as cursor:
            known = self._numbered(cursor)
            if self._read_only:
                refuse_incomplete(cursor, self._file)
        if known.holes:
            raise StoreDamagedError(
                f"The store {self._location} counts {known.counted:,} changes and has given {known.last.number:,}"
                f" numbers: {known.holes:,} are missing from its middle. Restore a backup, and report this"
            )
        return known.missing

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for this call alone; whatever fails inside is raised as one of our errors."""
        try:
            with self.require_open().cursor() as cursor:
                yield cursor
        except duckdb.Error as error:
            raise store_error(error, self._location) from error

    def next_change(self) -> StoreChange:
        """The number and time of the next change, where this file numbers its own; the caller holds the lock.

        Raises:
            StoreReadOnlyError: there will be none.
        """
        if self._read_only:
            raise read_only(self._location)
        if self._number is None:
            with self.cursor() as cursor:
                self._numbered(cursor)
        return StoreChange((self._number or 0) + 1, datetime.now(UTC))

    @contextmanager
    def transaction(self, change: StoreChange) -> Iterator[duckdb.DuckDBPyConnection]:
        """A transaction that is committed at the end under this number; the caller holds the lock."""
        number, moment = change.number, change.at or datetime.now(UTC)
        with self.cursor() as cursor:
            self._note_use(cursor, moment)
            cursor.begin()
            try:
                yield cursor
                cursor.execute(changes.STAMP, [number, moment.replace(tzinfo=None)])
                self._guard_log()
                self._number = None  # until it is known that this was kept
                cursor.commit()
            except BaseException:
                with suppress(duckdb.Error):  # a commit that failed has already rolled back
                    cursor.rollback()
                raise
            self._number, self._changed_at = number, moment
            if self._marker is not None:
                self._marker.set(number, moment)
            self._guard_log(make=False)

    def _numbered(self, cursor: duckdb.DuckDBPyConnection) -> changes.Numbered:
        """What the tables say of changes, remembered."""
        known = changes.numbered(cursor)
        if known is None:
            raise StoreDamagedError(
                f"The store {self._location} does not number its changes although it should; restore a backup"
            )
        self._number, self._changed_at = known.last.number, known.last.at
        return known

    def _note_use(self, cursor: duckdb.DuckDBPyConnection, since: datetime) -> None:
        """Before the first change: whoever copies the file alone from here on copies that note."""
        if self._marker is not None and not self._noted:
            self._guard_log()
            changes.note_use(cursor, since)
            self._noted = True

    def _guard_log(self, *, make: bool = True) -> None:
        """The log has the mode of the store, also where a checkpoint has begun a new one."""
        if self._marker is not None:
            guard(f"{self._file}.wal", self._mode, make=make)

    def backup(self, path: str | Path) -> Backup:
        """Copy the store as it is now."""
        target = Path(path).expanduser().absolute()
        if "\0" in str(path) or not target.parent.is_dir():
            raise StoreError(f"The backup {str(path)!r} cannot be written: name a file in a folder that is there")
        if target.exists():
            raise already_there(target)
        copy = Path(self._folder) / "backup.duckdb"
        try:
            with self._copy_lock:
                make_folder(copy.parent)
                try:
                    with self.cursor() as cursor:
                        rows = copy_database(cursor, copy)
                    with database(str(copy), read=True) as written:
                        change = changes.last_of(written)
                    place(copy, target)
                finally:
                    remove_database(copy)
                    if self._marker is None:
                        copy.parent.rmdir()
        except (OSError, duckdb.Error) as error:
            raise store_error(error, str(target)) from error
        return Backup(target, change, rows, target.stat().st_size)

    def share(self) -> bool:
        """Count one more holder, who will close it too; False where the store is already closed."""
        with self.lock:
            self._holders += self._connection is not None
            return self._connection is not None

    @finalisers.queued_in_collection
    def close(self) -> None:
        """Release the file once the last holder has closed it."""
        with self.lock:
            self._holders -= 1
            if self._holders <= 0:
                self._release()

    def _release(self) -> None:
        if self._connection is None:
            return
        if self._marker is not None and (self._noted or has_log(self._file)):
            with suppress(duckdb.Error), self._connection.cursor() as cursor:
                changes.note_end(cursor)
        _closed(self._connection)
        self._connection = None
        if self._marker is not None:
            self._marker.close(needed=has_log(self._file))
            log = Path(f"{self._file}.wal")
            with suppress(OSError):
                if not log.stat().st_size:  # made for a commit that did not come
                    log.unlink()
            if self.untidy:
                renew(self._file)
            with suppress(OSError):
                os.rmdir(self._folder)

    def leave_to(self, parent: int) -> duckdb.DuckDBPyConnection | None:
        """Give the connection up in a process that was just forked from its own; see forking.py."""
        left, self._connection = self._connection, None
        if left is not None:
            self._parent = parent
            self.lock, self._copy_lock = Lock(), Lock()  # whoever held them is not here
        return left

    def require_open(self) -> duckdb.DuckDBPyConnection:
        """The connection.

        Raises:
            StoreClosedError: it is closed.
            StoreLockedError: it was opened before this process was forked.
        """
        connection = self._connection
        if self._parent is not None:
            raise inherited(self._location, self._parent)
        if connection is None:
            raise StoreClosedError(f"the store {self._location} is closed; open it again")
        return connection


@atexit.register
def _close_all() -> None:
    """Close what is still open when the process ends: a store that was closed says so, and needs no log."""
    finalisers.close_all()  # they may still write
    for store in list(_in_use):
        if store.lock.acquire(timeout=_CLOSING_SECONDS):
            with suppress(Exception):
                store._release()


def _closed(connection: duckdb.DuckDBPyConnection) -> None:
    """Close a connection from which another thread may be taking a cursor: DuckDB refuses instead of waiting."""
    for _ in range(_CLOSING_TRIES):
        try:
            connection.close()
        except duckdb.ResourceInUseException:
            sleep(_CLOSING_PAUSE_S)
        else:
            return
    connection.close()
