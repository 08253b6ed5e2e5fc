"""Files and folders that only their owner can read: a store holds what people wrote.

A new store gets mode 0600, the folders made for it 0700. What DuckDB writes beside a store (its write-ahead log,
its overflow) gets the store's own mode, so that an owner who opens the store to a group opens all of it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

FILE: Final = 0o600
FOLDER: Final = 0o700

_HAS_MODES: Final = os.name == "posix"


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each for its owner alone; those that are there keep their modes.

    Raises:
        OSError: one of them cannot be made.
    """
    for one in reversed((folder, *folder.parents)):
        if not one.is_dir():
            one.mkdir(FOLDER, exist_ok=True)


def open_private(path: Path) -> IO[bytes]:
    """A new file for its owner alone, in the place of one that may be there.

    Raises:
        OSError: it cannot be made.
    """
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE), "wb")


def mode_of(path: str) -> int:
    """The permissions of a file; those of a new one where it is not there."""
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        return FILE


def guard(path: str, mode: int, *, make: bool = True) -> None:
    """Give a file that something else is going to write its mode.

    Where it is not there it is made, empty, before the other makes it readable by everybody. Costs one system call
    where nothing is to be done. A file system without modes is left alone.
    """
    if not _HAS_MODES:
        return
    with suppress(OSError):
        try:
            if stat.S_IMODE(os.stat(path).st_mode) != mode:
                os.chmod(path, mode)
        except FileNotFoundError:
            if make:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))


def readable_by_others(path: str) -> bool:
    """Whether anybody but the owner may read or write a file."""
    return _HAS_MODES and bool(mode_of(path) & 0o077)
