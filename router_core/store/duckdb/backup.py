"""Copying a store that another process is using: its files, as they are between two checkpoints, then checked.

Locks of files keep nobody from reading them. The store's own file changes at checkpoints alone, and in between the
write-ahead log only grows. So both are read, and read again where the file changed meanwhile; the copy is opened,
and must have every change that was acknowledged before the copying began. Only for a process that does not have
the store open itself: to close the file there would give up its lock.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Final

from router_core.errors import StoreDamagedError, StoreError, StoreLockedError
from router_core.store.base import Backup
from router_core.store.duckdb.changes import Mark
from router_core.store.duckdb.copying import write_ahead_logs
from router_core.store.duckdb.faults import store_error
from router_core.store.duckdb.store import DuckDBStore
from router_core.types import StoreKind

_HEADERS: Final = 3 * 4096  # the file's beginning, which every checkpoint writes
_TRYING_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.1


def backup(location: str, kind: StoreKind, target: str | Path) -> Backup:
    """Copy a store that is stopped, or that another process is using; see ``Store.backup``.

    Raises:
        StoreError: it cannot be read, or the copy cannot be written or is not whole.
    """
    try:
        with closing(DuckDBStore(location, kind, read_only=True)) as store:
            return store.backup(target)
    except StoreLockedError:
        pass
    with _copied(location, kind, Path(target)) as store:
        return store.backup(target)


@contextmanager
def _copied(location: str, kind: StoreKind, target: Path) -> Iterator[DuckDBStore]:
    """A copy of the files of a store in use, opened for reading and found to be whole."""
    folder = target.expanduser().absolute().parent
    if not folder.is_dir():
        raise StoreError(f"The backup {str(target)!r} cannot be written: name a file in a folder that is there")
    until = monotonic() + _TRYING_SECONDS
    try:
        with TemporaryDirectory(prefix=".router-core-", dir=folder) as private:
            copy = Path(private) / "store.duckdb"
            while True:
                before = Mark.read(location)
                if _copy_files(location, copy):
                    try:
                        store = DuckDBStore(str(copy), kind, read_only=True)
                    except StoreDamagedError:  # caught between two writes
                        store = None
                    if store is not None:
                        with closing(store):
                            store.missing_changes  # noqa: B018 - raises where numbers are missing in its middle
                            if before is None or store.last_change.number >= before.number:
                                yield store
                                return
                if monotonic() > until:
                    raise StoreLockedError(
                        f"The store {location} is written to so fast that its files could not be copied in"
                        f" {_TRYING_SECONDS:.0f} s; try again, or make the backup on the settings page, or with"
                        " store.backup(path) in the program that uses it"
                    )
                sleep(_PAUSE_SECONDS)
    except OSError as error:
        raise store_error(error, location) from error


def _copy_files(location: str, copy: Path) -> bool:
    """Copy the file and its log; whether both belong together."""
    state = _state(location)
    shutil.copyfile(location, copy)
    for log, copied in zip(write_ahead_logs(location), write_ahead_logs(str(copy)), strict=True):
        copied.unlink(missing_ok=True)
        if log.exists():
            shutil.copyfile(log, copied)
    return state is not None and state == _state(location)


def _state(location: str) -> tuple[int, int, int, bytes, bool] | None:
    """What changes with a checkpoint; None while there is one."""
    log, *others = write_ahead_logs(location)
    if any(one.exists() for one in others):
        return None
    found = os.stat(location)
    with open(location, "rb") as file:
        return found.st_ino, found.st_size, found.st_mtime_ns, file.read(_HEADERS), log.exists()
